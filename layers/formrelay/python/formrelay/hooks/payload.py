"""The body of a hook's request: the record, its subset, the owner's wrapper (contract rest-services §6).

The same hook and record always give the same bytes.
"""

from __future__ import annotations

import json
import secrets
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

from formrelay.hooks import subset
from formrelay.openrosa import instance_ids

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

PLACEHOLDER = "%SUBMISSION%"
# A template may repeat the placeholder; the product is bounded by this many characters.
MAX_BODY = 10 * 1024 * 1024


class UnusableError(ValueError):
    """The hook is set up in a way that cannot be sent; the text is for its owner."""


class Body(NamedTuple):
    """What is signed and sent, byte for byte."""

    content_type: str
    data: bytes


def render(hook: Mapping[str, Any], record: Mapping[str, Any], xml: bytes) -> Body:
    """The body for a hook, an object with the contract's fields.

    ``record`` is the submission as the data API shows it, ``xml`` the same one as it was sent in.
    Raises UnusableError when the hook's template does not give JSON, or gives too much of it.
    """
    entries = hook.get("subset_fields") or []
    if hook.get("export_type") == "xml":
        from formrelay.openrosa import outgoing

        return Body("application/xml", outgoing.subset(xml, entries) if entries else outgoing.render(xml))
    return _json(hook, select(record, entries) if entries else record)


def render_deleted(hook: Mapping[str, Any], last: Mapping[str, Any]) -> Body:
    """The body for a submission that was deleted: ``last`` is what is left of its record.

    In JSON without the hook's subset, which would take away what tells the submission; in XML an instance of the form
    that has nothing but its ``meta``. Raises UnusableError as :func:`render`.
    """
    if hook.get("export_type") == "xml":
        from formrelay.openrosa import outgoing

        instance_id = instance_ids.prefixed(last["_uuid"])
        shell = outgoing.shell(last["_xform_id_string"], instance_id, last["meta/rootUuid"])
        return Body("application/xml", shell)
    return _json(hook, last)


def _json(hook: Mapping[str, Any], record: Mapping[str, Any]) -> Body:
    text = json.dumps(record, allow_nan=False)
    template = hook.get("payload_template")
    return Body("application/json", (wrap(template, text) if template else text).encode("ascii"))


def select(record: Mapping[str, Any], entries: list[str]) -> dict[str, Any]:
    """The part of a record that the entries select, in the order of the entries; empty when that is nothing."""
    kept = _kept(record, subset.matcher(entries))
    return {key: value for _, key, value in sorted(kept, key=lambda row: row[0])}


def _kept(record: Mapping[str, Any], rank: Callable[[str], int | None]) -> list[tuple[int, str, Any]]:
    rows: list[tuple[int, str, Any]] = []
    for key, value in record.items():
        index = rank(key)
        if index is not None:
            rows.append((index, key, value))
        elif isinstance(value, list):
            inside, instances = _inside(key, value, rank)
            if instances:
                rows.append((inside, key, instances))
    return rows


def _inside(
    key: str, instances: list[Any], rank: Callable[[str], int | None]
) -> tuple[int, list[dict[str, Any]]]:
    """What is selected within a repeat, and the first entry that selects something there.

    Only keys below the repeat's own path count: the objects in ``_attachments`` have names, not paths.
    """
    first = 0
    chosen: list[dict[str, Any]] = []
    for instance in instances:
        if not isinstance(instance, dict):
            continue
        below = {name: value for name, value in instance.items() if name.startswith(f"{key}/")}
        rows = _kept(below, rank)
        if rows:
            lowest = min(index for index, _, _ in rows)
            first = min(first, lowest) if chosen else lowest
            chosen.append({name: value for _, name, value in rows})
    return first, chosen


def wrap(template: str, submission: str) -> str:
    """The template, parsed and encoded again, with the submission's JSON text in the place of every placeholder.

    ``submission`` is a text of ``json.dumps``, which parsed and encoded again would be the same, so that is left out:
    of a big one it takes twenty times its size. Raises UnusableError when the result is no JSON, or longer than
    MAX_BODY.
    """
    if len(template) + template.count(PLACEHOLDER) * len(submission) > MAX_BODY:
        raise UnusableError(f"the custom wrapper makes a body of more than {MAX_BODY} bytes")
    # A list may stand wherever the submission may and nowhere else; that text is nowhere in the template.
    hole = f'["{secrets.token_hex(16)}"]'
    try:
        wrapped = json.loads(template.replace(PLACEHOLDER, hole), parse_constant=_refuse)
        return json.dumps(wrapped, allow_nan=False).replace(hole, submission)
    except (ValueError, RecursionError):
        raise UnusableError("the custom wrapper does not give valid JSON") from None


def _refuse(constant: str) -> NoReturn:
    raise ValueError(constant)
