"""Shapes of what is told of people: the activity of projects, sign-ins (contract permissions-and-activity §6, §7)."""

from __future__ import annotations

from formrelay.api.openapi.schema import MOMENT, TEXT, URL, Schema, items, optional, record

SHAPES: dict[str, Schema] = {
    "HistoryEntry": record(
        {
            "user": URL,
            "user_uid": optional(TEXT),
            "username": TEXT,
            "action": TEXT,
            "metadata": record(
                {
                    "asset_uid": TEXT,
                    "log_subtype": {"type": "string", "enum": ["project", "permission"]},
                    "ip_address": TEXT,
                    "source": TEXT,
                    "project_owner": TEXT,
                }
            ),
            "date_created": MOMENT,
        }
    ),
    "HistoryActions": record({"actions": items(TEXT)}),
}
