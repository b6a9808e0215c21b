"""Shapes of rights and their assignments (contract permissions §1–§3)."""

from __future__ import annotations

from formrelay import ownership, rights
from formrelay.api.openapi.schema import (
    MOMENT,
    OBJECT,
    TEXT,
    URL,
    Schema,
    items,
    optional,
    record,
    ref,
    words,
)

_PARTIAL = {
    "partial_permissions": {
        **items(record({"url": URL, "filters": items(OBJECT)})),
        "description": "Of `partial_submissions`: rights on the rows that meet any of the queries.",
    }
}
_STATUS = ("pending", "in_progress", "complete", "failed", "declined", "cancelled", "expired")

SHAPES: dict[str, Schema] = {
    "Permission": record(
        {
            "url": URL,
            "codename": words(*rights.ALL),
            "implied": items(URL),
            "contradictory": items(URL),
            "name": TEXT,
        }
    ),
    "Assignment": record(
        {
            "url": URL,
            "user": URL,
            "permission": URL,
            "label": {
                "description": "Of row-level rights, several by codename.",
                "type": ["string", "object"],
            },
        },
        _PARTIAL,
    ),
    "NewAssignment": record(
        {
            "user": {"type": "string", "description": "URL of the user; only its end counts."},
            "permission": {"type": "string", "description": "URL of the right; only its end counts."},
        },
        _PARTIAL,
    ),
    "NewAssignments": items(ref("NewAssignment")),
    "Invite": record(
        {
            "url": URL,
            "sender": URL,
            "recipient": URL,
            "status": words(*_STATUS),
            "date_created": MOMENT,
            "date_modified": MOMENT,
            "transfers": items(ref("Transfer")),
        }
    ),
    "Transfer": record(
        {
            "url": URL,
            "asset": URL,
            "asset__name": TEXT,
            "status": words(*_STATUS),
            "error": optional(TEXT),
            "date_modified": MOMENT,
        }
    ),
    "NewInvite": record(
        {
            "recipient": {"type": "string", "description": "URL of the user; only its end counts."},
            "assets": {**items(TEXT), "minItems": 1, "maxItems": ownership.MAX_ASSETS},
        }
    ),
    "InviteAnswer": record({"status": words("accepted", "declined", "cancelled")}),
    "AssignmentsOfUser": record({"username": TEXT}),
    "AssignmentsFrom": record({"clone_from": {"type": "string", "description": "uid of a project."}}),
}
