"""Shapes of projects, their versions, deployments and imports (contract assets)."""

from __future__ import annotations

from formrelay.api.asset_shapes import FORM_MEDIA
from formrelay.api.openapi.schema import (
    COUNT,
    FLAG,
    MOMENT,
    OBJECT,
    TEXT,
    URL,
    WHOLE,
    Schema,
    items,
    optional,
    record,
    ref,
    text,
    words,
)
from formrelay.projects import LOOKS, MAX_NAME, TYPES

_ROW: dict[str, Schema] = {
    "url": URL,
    "uid": TEXT,
    "kind": TEXT,
    "name": TEXT,
    "asset_type": words(*TYPES),
    "owner": URL,
    "owner__username": TEXT,
    "owner_label": TEXT,
    "parent": {"type": "null"},
    "settings": OBJECT,
    "summary": OBJECT,
    "tag_string": TEXT,
    "date_created": MOMENT,
    "date_modified": MOMENT,
    "date_deployed": optional(MOMENT),
    "version_id": TEXT,
    "has_deployment": FLAG,
    "deployed_version_id": optional(TEXT),
    "deployment__active": FLAG,
    "deployment__submission_count": optional(COUNT),
    "deployment__last_submission_time": optional(MOMENT),
    "deployment__encrypted": FLAG,
    "deployment__uuid": optional(TEXT),
    "deployment_status": words("deployed", "draft", "archived", "-"),
    "permissions": items(ref("Assignment")),
    "export_settings": items(OBJECT),
    "downloads": items(record({"format": TEXT, "url": URL})),
    "data": URL,
    "children": record({"count": WHOLE}),
    "subscribers_count": WHOLE,
    "status": words("private", "shared", "public", "public-discoverable"),
    "access_types": optional(items(TEXT)),
    "data_sharing": OBJECT,
    "last_modified_by": optional(TEXT),
    "created_by": optional(TEXT),
}
_IN_FULL: dict[str, Schema] = {
    "content": ref("FormContent"),
    "files": items(OBJECT),
    "version__content_hash": TEXT,
    "version_count": COUNT,
    "deployed_versions": {**ref("VersionList"), "description": "The newest hundred."},
    "deployment__links": OBJECT,
    "deployment__data_download_links": OBJECT,
    "report_styles": OBJECT,
    "report_custom": OBJECT,
    "advanced_features": OBJECT,
    "map_styles": OBJECT,
    "map_custom": OBJECT,
    "embeds": items(record({"format": TEXT, "url": URL})),
    "analysis_form_json": OBJECT,
    "xform_link": URL,
    "hooks_link": URL,
    "xls_link": URL,
    "exports": URL,
    "paired_data": URL,
    "assignable_permissions": items(OBJECT),
    "effective_permissions": items(record({"codename": TEXT})),
    "project_ownership": optional(OBJECT),
}
_VERSION: dict[str, Schema] = {
    "uid": TEXT,
    "url": URL,
    "content_hash": TEXT,
    "date_deployed": {"anyOf": [MOMENT, {"const": False}]},
    "date_modified": MOMENT,
    "version_number": {"type": "string", "examples": ["2", "2.1"]},
}
_CHANGES: dict[str, Schema] = {
    "name": text(MAX_NAME),
    "content": ref("FormContent"),
    "settings": OBJECT,
    "tag_string": {"type": "string", "description": "Tags, joined by commas."},
    **{name: {"type": "object", "description": "Kept for clients, in full as sent."} for name in LOOKS},
    "clone_from": {
        "type": "string",
        "description": "uid of a project to take form, name, tags and settings from.",
    },
    "clone_from_version_id": {
        "type": "string",
        "description": "Which of its versions; the newest unless told.",
    },
}
_IMPORT: dict[str, Schema] = {
    "uid": TEXT,
    "status": words("complete", "error"),
    "messages": OBJECT,
    "date_created": MOMENT,
}
_NEW_IMPORT: dict[str, Schema] = {
    "name": {"type": "string", "description": "Name of the file.", "maxLength": 255},
    "destination": {"type": "string", "description": "URL or uid of a project to change."},
    "library": {"type": "boolean", "description": "Unless false, a template is made, not a project."},
    "desired_type": words(*TYPES),
}
_NEW_FILE: dict[str, Schema] = {
    "description": text(255),
    "file_type": words(FORM_MEDIA),
    "metadata": record(
        {},
        {
            "filename": TEXT,
            "redirect_url": {**URL, "description": "Where the file lies, instead of its bytes."},
        },
    ),
    "base64Encoded": {"type": "string", "description": "The file in base64, or as a data URL of it."},
}

SHAPES: dict[str, Schema] = {
    "FormContent": {
        "description": "A form: rows of `survey`, `choices` and `settings` as in an XLSForm.",
        "type": "object",
        "properties": {"survey": items(OBJECT), "choices": items(OBJECT), "settings": {}},
        "examples": [{"survey": [{"type": "text", "name": "who", "label": "Who?"}]}],
    },
    "ProjectRow": record(_ROW),
    "Project": record({**_ROW, **_IN_FULL}),
    "NewProject": {
        **record({}, {"asset_type": words(*TYPES), **_CHANGES}),
        "anyOf": [{"required": ["asset_type"]}, {"required": ["clone_from"]}],
    },
    "ProjectChange": record({}, {"asset_type": words(*TYPES), **_CHANGES}),
    "ProjectsBulk": record(
        {
            "payload": record(
                {"action": words("archive", "unarchive", "delete")},
                {
                    "asset_uids": items(TEXT),
                    "confirm": {"const": True, "description": "Without uids: all own projects."},
                },
            )
        }
    ),
    "BulkAnswer": record({"detail": TEXT}, examples=[{"detail": "2 projects have been archived"}]),
    "ProjectCounts": record(
        {
            "daily_submission_counts": {"type": "object", "additionalProperties": COUNT},
            "total_submission_count": COUNT,
        }
    ),
    "ProjectUsage": record(
        {
            "asset": URL,
            "asset__name": TEXT,
            "nlp_usage_current_period": OBJECT,
            "nlp_usage_all_time": OBJECT,
            "storage_bytes": COUNT,
            "submission_count_current_period": COUNT,
            "submission_count_all_time": COUNT,
        }
    ),
    "ServiceUsage": record(
        {
            "total_nlp_usage": OBJECT,
            "total_storage_bytes": COUNT,
            "total_submission_count": record({"current_period": COUNT, "all_time": COUNT}),
            "current_period_start": MOMENT,
            "current_period_end": MOMENT,
            "last_updated": MOMENT,
        }
    ),
    "MinimalList": record(
        {
            "next": optional(URL),
            "previous": optional(URL),
            "results": items(record({"uid": TEXT, "name": TEXT, "deployment_status": TEXT})),
        }
    ),
    "ProjectsHash": record({"hash": TEXT}),
    "FormSheets": record({"kind": TEXT, "uid_asset": TEXT, "data": ref("FormContent")}),
    "Version": record(_VERSION),
    "VersionInFull": record({**_VERSION, "content": optional(ref("FormContent"))}),
    "VersionList": record(
        {
            "count": COUNT,
            "next": optional(URL),
            "previous": optional(URL),
            "results": items(ref("Version")),
        }
    ),
    "Deployment": record({"backend": TEXT, "active": FLAG, "version_id": TEXT, "asset": ref("Project")}),
    "NewDeployment": record({}, {"active": FLAG, "version_id": TEXT, "backend": words("openrosa")}),
    "MediaFile": record(
        {
            "uid": TEXT,
            "url": URL,
            "asset": URL,
            "user": URL,
            "user__username": TEXT,
            "file_type": words(FORM_MEDIA),
            "description": TEXT,
            "date_created": MOMENT,
            "content": URL,
            "metadata": OBJECT,
        }
    ),
    "NewMediaFile": record({}, _NEW_FILE),
    "NewMediaFileWithContent": record(
        {}, {"content": {"type": "string", "contentMediaType": "application/octet-stream"}, **_NEW_FILE}
    ),
    "FormerForm": record(
        {
            "url": URL,
            "formid": WHOLE,
            "uuid": TEXT,
            "id_string": TEXT,
            "title": TEXT,
            "description": TEXT,
            "owner": TEXT,
            "public": FLAG,
            "public_data": FLAG,
            "require_auth": FLAG,
            "downloadable": FLAG,
            "encrypted": FLAG,
            "hash": TEXT,
            "num_of_submissions": COUNT,
            "last_submission_time": optional(MOMENT),
            "tags": items(TEXT),
            "date_created": MOMENT,
            "date_modified": MOMENT,
        }
    ),
    "NewImport": record(
        {"base64Encoded": {"type": "string", "description": "The file in base64, or as a data URL of it."}},
        _NEW_IMPORT,
    ),
    "NewImportWithFile": record(
        {"file": {"type": "string", "contentMediaType": "application/octet-stream"}}, _NEW_IMPORT
    ),
    "StartedImport": record({"uid": TEXT, "url": URL, "status": words("processing")}),
    "Import": record(_IMPORT),
    "ListedImport": record({**_IMPORT, "url": URL}),
}
