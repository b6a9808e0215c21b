"""Shapes of hooks, their logs, retries and secrets (contract rest-services)."""

from __future__ import annotations

from formrelay import event_kinds
from formrelay.api.hook_secrets import MAX_OVERLAP
from formrelay.api.openapi.schema import (
    COUNT,
    FLAG,
    MOMENT,
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
from formrelay.hooks.fields import (
    MAX_CONCURRENCY,
    MAX_ENDPOINT,
    MAX_ENTRIES,
    MAX_ENTRY,
    MAX_NAME,
    MAX_TEMPLATE,
)

_SETTINGS: Schema = record(
    {},
    {
        "username": TEXT,
        "password": {"type": "string", "description": "Shown masked; the mask, sent back, stands for it."},
        "custom_headers": {"type": "object", "additionalProperties": TEXT},
    },
)
_ADDRESS: dict[str, Schema] = {
    "name": text(MAX_NAME, minLength=1),
    "endpoint": text(MAX_ENDPOINT, format="uri"),
}
_CHOICES: dict[str, Schema] = {
    "active": FLAG,
    "export_type": words("json", "xml"),
    "auth_level": words("no_auth", "basic_auth"),
    "settings": _SETTINGS,
    "email_notification": FLAG,
    "subset_fields": {**items(text(MAX_ENTRY, minLength=1)), "maxItems": MAX_ENTRIES},
    "payload_template": optional(text(MAX_TEMPLATE)),
    "concurrency": optional({"type": "integer", "minimum": 1, "maximum": MAX_CONCURRENCY}),
    "events": {**items(words(*event_kinds.ALL)), "minItems": 1},
    "filter": optional(
        {
            "type": "object",
            "description": "Which submissions it gets, a query as in their list; may be sent as its JSON text.",
        }
    ),
}
_STATUS: Schema = {
    "type": "integer",
    "enum": [0, 1, 2, 3],
    "description": "0 failed, 1 pending, 2 success, 3 processing.",
}
_CODE = optional(WHOLE)

SHAPES: dict[str, Schema] = {
    "NewHook": record(_ADDRESS, _CHOICES),
    "HookChange": record({}, {**_ADDRESS, **_CHOICES, "paused": FLAG}),
    "Hook": record(
        {
            **_ADDRESS,
            **_CHOICES,
            "asset": WHOLE,
            "date_modified": MOMENT,
            "failed_count": COUNT,
            "pending_count": COUNT,
            "success_count": COUNT,
            "logs_url": URL,
            "uid": TEXT,
            "url": URL,
            "signed": FLAG,
            "health": ref("HookHealth"),
            "paused": FLAG,
            "report_error": optional(record({"date": MOMENT, "reason": TEXT})),
            "last_error": optional(
                record(
                    {
                        "log": TEXT,
                        "submission_id": WHOLE,
                        "status_code": _CODE,
                        "message": TEXT,
                        "date": MOMENT,
                    }
                )
            ),
        }
    ),
    "HookHealth": record(
        {
            "state": words("ok", "failing", "paused"),
            "slow": FLAG,
            "failures": COUNT,
            "failing_since": optional(MOMENT),
            "paused_at": optional(MOMENT),
            "paused_by": optional(TEXT),
            "next_probe": optional(MOMENT),
            "parked_count": COUNT,
            "unreadable": {"type": "boolean", "description": "Its credentials cannot be opened any more."},
        }
    ),
    "Log": record(
        {
            "url": URL,
            "uid": TEXT,
            "submission_id": WHOLE,
            "tries": COUNT,
            "status": _STATUS,
            "status_str": TEXT,
            "status_code": _CODE,
            "message": TEXT,
            "date_modified": MOMENT,
            "event": words(*event_kinds.ALL),
        }
    ),
    "Attempt": record(
        {
            "number": COUNT,
            "date_started": MOMENT,
            "duration_ms": optional(COUNT),
            "outcome": TEXT,
            "status_code": _CODE,
            "address": optional(TEXT),
            "message": TEXT,
            "body_sha256": optional(TEXT),
            "body_size": optional(COUNT),
            "hook_revision": optional(WHOLE),
            "manual": FLAG,
            "replay": optional(WHOLE),
            "interrupted": FLAG,
            "date_next": optional(MOMENT),
        }
    ),
    "Job": record(
        {
            "url": URL,
            "uid": TEXT,
            "kind": words("retry", "replay"),
            "state": TEXT,
            "selecting": FLAG,
            "total": COUNT,
            "done": COUNT,
            "failed": COUNT,
            "left_out": COUNT,
            "detail": TEXT,
            "date_created": MOMENT,
            "date_finished": optional(MOMENT),
        }
    ),
    "Preview": record(
        {
            "sample": FLAG,
            "submission": record({"_id": WHOLE, "_uuid": TEXT}),
            "matches": optional(
                {**FLAG, "description": "Whether it meets the hook's filter; null of what a delivery sent."}
            ),
            "method": TEXT,
            "url": TEXT,
            "headers": items(record({"name": TEXT, "value": TEXT})),
            "content_type": TEXT,
            "body": TEXT,
            "body_cut": FLAG,
            "size": COUNT,
            "sha256": TEXT,
        }
    ),
    "TestResult": record(
        {"status_code": _CODE, "duration_ms": COUNT, "outcome": TEXT, "detail": TEXT},
        {"request": optional(ref("Preview"))},
    ),
    "HookStats": record(
        {
            "complete": FLAG,
            "hours": items(
                record(
                    {
                        "start": MOMENT,
                        "success": COUNT,
                        "pending": COUNT,
                        "failed": COUNT,
                        "p50_ms": optional(COUNT),
                        "p95_ms": optional(COUNT),
                    }
                )
            ),
        }
    ),
    "RetryOne": record({}, {"force": {**FLAG, "description": "Also if it arrived."}}),
    "RetryFilters": record(
        {},
        {
            "since": {
                **MOMENT,
                "description": "Only those changed at or after that time; also `start_date`.",
            },
            "until": {**MOMENT, "description": "Only those changed before that time; also `end_date`."},
            "status_code": {
                "description": "Only after that answer; `none` for no answer.",
                "type": ["integer", "string"],
            },
            "force": {**FLAG, "description": "Those that arrived, too."},
        },
    ),
    "RetryStarted": record({"detail": TEXT, "pending_uids": items(TEXT)}, {"job": URL}),
    "RetryResult": record({"detail": TEXT, "status_code": _CODE}),
    "ReplaySelection": {
        "description": "Exactly one of the fields.",
        **record(
            {},
            {
                "all": {"const": True},
                "query": {"type": "object", "description": "As in the list of submissions."},
                "since": MOMENT,
                "submission_ids": {**items(WHOLE), "minItems": 1, "maxItems": 1000},
            },
            minProperties=1,
        ),
    },
    "NewSecret": record(
        {},
        {
            "secret": {"type": "string", "description": "`whsec_` and base64; made unless given."},
            "overlap": {
                "type": "integer",
                "minimum": 0,
                "maximum": MAX_OVERLAP,
                "description": "Seconds that the old secret still signs.",
            },
        },
    ),
    "SecretState": record({"signed": FLAG, "since": optional(MOMENT), "old_until": optional(MOMENT)}),
    "Secret": record(
        {"secret": TEXT, "signed": FLAG, "since": optional(MOMENT), "old_until": optional(MOMENT)}
    ),
}
