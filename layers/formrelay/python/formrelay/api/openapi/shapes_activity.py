"""Shapes of what is told of people: the activity of projects, sign-ins (contract permissions-and-activity §6, §7)."""

from __future__ import annotations

from formrelay.api.openapi.schema import COUNT, MOMENT, TEXT, URL, Schema, items, optional, record, words

_ACCESS = record(
    {
        "user": optional(URL),
        "date_created": MOMENT,
        "username": optional(TEXT),
        "metadata": record(
            {"auth_type": TEXT}, {"source": TEXT, "ip_address": TEXT, "attempted_username": TEXT}
        ),
        "user_uid": optional(TEXT),
        "count": COUNT,
        "action": words("auth", "auth-failed"),
    }
)
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
                    "log_subtype": words("project", "permission"),
                    "ip_address": TEXT,
                    "source": TEXT,
                    "project_owner": TEXT,
                }
            ),
            "date_created": MOMENT,
        }
    ),
    "AccessEntry": _ACCESS,
    "AccessEntries": record({"next": optional(URL), "previous": optional(URL), "results": items(_ACCESS)}),
    "LogExportBegun": record({"status": TEXT}),
    "LogExport": record(
        {
            "uid": TEXT,
            "status": words("processing", "complete", "error"),
            "date_created": MOMENT,
            "result": optional(URL),
        }
    ),
    "HistoryActions": record({"actions": items(TEXT)}),
}
