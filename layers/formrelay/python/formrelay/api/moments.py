"""Dates and times that clients give (contract rest-services §3, "Filters & pagination")."""

from __future__ import annotations

from datetime import UTC, datetime

from formrelay.errors import invalid


def parsed(text: str) -> float | None:
    """A date or time as ms, UTC unless it says otherwise; None for anything else."""
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000


def required(field: str, text: object) -> float:
    """The same for a field that must be one. Raises ApiError 400."""
    moment = parsed(text) if isinstance(text, str) else None
    if moment is None:
        raise invalid(field, "Enter a valid date/time.")
    return moment
