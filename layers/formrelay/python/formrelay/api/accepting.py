"""What a caller accepts, where the path does not say which format is wanted (contract data §1, accounts §6.1)."""

from __future__ import annotations

_XML = ("application/xml", "text/xml")
# Browsers get JSON, too, and so does who takes anything.
_JSON = ("application/json", "text/html", "application/*", "text/*", "*/*")


def prefers_xml(accept: str) -> bool:
    """Whether an ``Accept`` header asks for XML before anything that JSON will do for."""
    weighted = [(weight, kind) for kind, weight in map(_parsed, accept.split(",")) if kind in _XML + _JSON]
    best = max((weight for weight, _ in weighted), default=0.0)
    first = next((kind for weight, kind in weighted if weight == best), "")
    return best > 0 and first in _XML


def rules_out_json(accept: str) -> bool:
    """Whether an ``Accept`` header names types, and none for which JSON will do."""
    kinds = [(kind, weight) for kind, weight in map(_parsed, accept.split(",")) if "/" in kind]
    return bool(kinds) and not any(kind in _JSON and weight > 0 for kind, weight in kinds)


def _parsed(part: str) -> tuple[str, float]:
    kind, *parameters = (piece.strip().lower() for piece in part.split(";"))
    weight = next((text[2:] for text in parameters if text.startswith("q=")), "1")
    try:
        return kind, float(weight)
    except ValueError:
        return kind, 1.0
