"""Shapes of submissions, as they are read and as form clients send them (contract data, submissions)."""

from __future__ import annotations

from formrelay.api.openapi.schema import (
    COUNT,
    FLAG,
    OBJECT,
    TEXT,
    URL,
    WHOLE,
    Schema,
    items,
    optional,
    record,
    ref,
    words,
)
from formrelay.changes.validations import LABELS

_FILE: Schema = {"type": "string", "contentMediaType": "application/octet-stream"}

SHAPES: dict[str, Schema] = {
    "Submission": {
        "description": "The answers by the path of their question, and what the server knows.",
        **record(
            {
                "_id": WHOLE,
                "_uuid": TEXT,
                "meta/rootUuid": TEXT,
                "_validation_status": OBJECT,
            },
            {
                "_xform_id_string": TEXT,
                "_attachments": items(ref("Attachment")),
                "_status": TEXT,
                "_geolocation": items(optional({"type": "number"})),
                "_submission_time": {"type": "string", "description": "UTC, without a zone."},
                "_submitted_by": optional(TEXT),
            },
        ),
    },
    "Attachment": record(
        {
            "download_url": URL,
            "mimetype": TEXT,
            "filename": TEXT,
            "media_file_basename": TEXT,
            "uid": TEXT,
            "is_deleted": FLAG,
            "question_xpath": TEXT,
        },
        {"download_large_url": URL, "download_medium_url": URL, "download_small_url": URL},
    ),
    "JsonSubmission": record(
        {
            "id": {"type": "string", "description": "uid of the project."},
            "submission": {"description": "The answers, in the order of the form.", "type": "object"},
        },
    ),
    "SubmissionParts": record(
        {"xml_submission_file": {**_FILE, "description": "The filled form (XML)."}},
        {"*isIncomplete*": {"const": "yes", "description": "More files follow in another request."}},
        additionalProperties=_FILE,
        description="Files that the form names are parts with their names.",
    ),
    "SubmissionReceipt": record(
        {
            "message": TEXT,
            "formid": TEXT,
            "encrypted": FLAG,
            "instanceID": TEXT,
            "submissionDate": TEXT,
            "markedAsCompleteDate": TEXT,
        }
    ),
    "SubmissionRefusal": record({}, {"error": TEXT, "detail": TEXT}),
    "ValidationStatus": record(
        {}, {"timestamp": WHOLE, "uid": words(*LABELS), "by_whom": TEXT, "label": words(*LABELS.values())}
    ),
    "ValidationChoice": record({"validation_status.uid": words(*LABELS)}),
    "ChosenSubmissions": record(
        {
            "payload": record(
                {},
                {
                    "submission_ids": items({"anyOf": [WHOLE, TEXT]}),
                    "query": OBJECT,
                    "confirm": {"const": True, "description": "All of them."},
                    "validation_status.uid": optional(words(*LABELS)),
                    "data": {
                        "description": "Answers by the path of their question, null to empty it.",
                        "type": "object",
                        "additionalProperties": optional(TEXT),
                    },
                },
                description="Which submissions (one of the first three), and what is to become of them.",
            )
        }
    ),
    "ChangedSubmissions": record({"detail": {"description": "Begins with how many are changed.", **TEXT}}),
    "EditedSubmissions": record(
        {
            "count": COUNT,
            "successes": COUNT,
            "failures": COUNT,
            "results": items(
                record(
                    {
                        "uuid": optional(TEXT),
                        "root_uuid": optional(TEXT),
                        "status_code": WHOLE,
                        "message": TEXT,
                    }
                )
            ),
        },
        description="Those that are neither successes nor failures follow in the background.",
    ),
}
