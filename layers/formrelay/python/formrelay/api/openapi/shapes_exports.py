"""Shapes of exports and of their saved settings (contract exports)."""

from __future__ import annotations

from formrelay.api.openapi.schema import (
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
from formrelay.exports.options import BOTH, DETAILS, SUMMARY, TYPES

_NEEDED: dict[str, Schema] = {
    "type": words(*TYPES),
    "lang": {
        **TEXT,
        "description": "A language of the form, `_default` (labels without a language) or `_xml` (names).",
    },
    "fields_from_all_versions": FLAG,
    "group_sep": optional(TEXT),
    "hierarchy_in_labels": FLAG,
    "multiple_select": words(BOTH, SUMMARY, DETAILS),
}
_OPTIONAL: dict[str, Schema] = {
    "fields": optional(
        {**items(TEXT), "description": "Paths of questions and names of meta columns; empty for all."}
    ),
    "flatten": {**FLAG, "description": "GeoJSON: one collection of everything, or one of each submission."},
    "include_media_url": FLAG,
    "name": optional(TEXT),
    "query": optional(OBJECT),
    "submission_ids": optional(items(WHOLE)),
    "xls_types_as_text": {**FLAG, "description": "True where it is absent."},
}

SHAPES: dict[str, Schema] = {
    "ExportFields": record(_NEEDED, _OPTIONAL),
    "Export": record(
        {
            "url": URL,
            "status": words("created", "processing", "complete", "error"),
            "messages": OBJECT,
            "uid": TEXT,
            "date_created": MOMENT,
            "last_submission_time": optional(MOMENT),
            "result": optional(URL),
            "data": OBJECT,
        }
    ),
    "Place": record({"url": {**URL, "description": "Gives the file without credentials, for five minutes."}}),
    "ExportSettingFields": record({}, {"name": text(255), "export_settings": ref("ExportFields")}),
    "ExportSetting": record(
        {
            "uid": TEXT,
            "url": URL,
            "data_url_csv": URL,
            "data_url_xlsx": URL,
            "name": TEXT,
            "date_modified": MOMENT,
            "export_settings": ref("ExportFields"),
        }
    ),
}
