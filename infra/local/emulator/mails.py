"""Lets the emulator keep sent mails beyond its own life; by itself it saves everything of SES but those."""

from __future__ import annotations

from typing import Any

MAX_KEPT = 1000


def keep_mails(ses: Any) -> None:
    """Make the emulator's ``ses`` module save and restore its sent mails, the newest of them."""
    get_state, load = ses.get_state, ses.load_persisted_state

    def with_mails() -> dict[str, Any]:
        for box in ses._sent_emails.all_values():
            del box[:-MAX_KEPT]
        return {**get_state(), "_sent_emails": ses._sent_emails}

    def load_with_mails(data: dict[str, Any]) -> None:
        load(data)
        ses._sent_emails.update(data.get("_sent_emails", {}))

    ses.get_state, ses.load_persisted_state = with_mails, load_with_mails
