"""compile λ: XLSForm files to content, content to XForm and back to XLSForm (docs/architecture.md, "Messages").

Bad input is answered with ``{"error": …}``, never raised: the caller tells the person who sent it.
"""

from __future__ import annotations

import base64
import binascii
import time
from collections.abc import Callable
from typing import Any

from formrelay.forms.content import ContentError, normalise
from formrelay.forms.xform import Identity, XFormError, compile_xform
from formrelay.forms.xlsform import MAX_FILE, SpreadsheetError, import_xlsform, write_xlsx
from formrelay.json_text import as_message, from_message
from formrelay.log import logger

Answer = dict[str, Any]
# The caller waits 28.
_FETCH_SECONDS = 18.0


def handler(event: Any, context: object) -> Answer:  # noqa: ARG001
    """Dispatch on ``action``: ``xform``, ``import`` or ``xlsx``."""
    started = time.perf_counter()
    event = from_message(event) if isinstance(event, dict) else {}
    action = event.get("action")
    act = _ACTIONS.get(action) if isinstance(action, str) else None
    answer = act(event) if act else {"error": "Unknown action."}
    logger.info(
        "compile",
        action=action if act else None,
        ok="error" not in answer,
        ms=round((time.perf_counter() - started) * 1000),
    )
    return as_message(answer)


def _xform(event: Answer) -> Answer:
    try:
        identity = Identity(
            asset=str(event.get("asset", "")),
            name=str(event.get("name", "")),
            version=str(event.get("version", "")),
            version_label=str(event.get("version_label", "")),
            form_uuid=str(event.get("form_uuid", "")),
        )
        form = compile_xform(event.get("content") or {}, identity)
    except XFormError as error:
        return {"error": str(error)}
    return {"xform": form.xml, "shape": form.shape}


def _import(event: Answer) -> Answer:
    name = str(event.get("name") or "")
    try:
        if "url" in event:
            data, found = _fetched(str(event["url"]))
            name = name or found
        else:
            data = base64.b64decode("".join(str(event.get("data", "")).split()), validate=True)
        imported = import_xlsform(data, name)
    except binascii.Error:
        return _refused("The file is not encoded as base64.")
    except SpreadsheetError as error:
        return _refused(str(error))
    return {"content": imported.content, "name": imported.title}


def _refused(text: str) -> Answer:
    return {"error": text, "error_type": SpreadsheetError.error_type}


def _fetched(url: str) -> tuple[bytes, str]:
    """A file and its name, from an address that a user names. Raises SpreadsheetError."""
    # Most forms come with the request.
    from formrelay.hooks import fetch, guard
    from formrelay.hooks.http import Timeouts
    from formrelay.settings import settings

    names = settings()
    policy = guard.policy(names.allow_networks, names.deny_networks)
    timeouts = Timeouts(names.connect_timeout, _FETCH_SECONDS)
    try:
        found = fetch.fetch(url, MAX_FILE, timeouts, policy, https_only=names.https_only)
    except fetch.FetchError as error:
        raise SpreadsheetError(str(error)) from None
    return found.data, found.name


def _xlsx(event: Answer) -> Answer:
    try:
        normal = normalise(event.get("content") or {})
    except ContentError as error:
        return {"error": str(error)}
    return {"data": base64.b64encode(write_xlsx(normal.content, str(event.get("name") or ""))).decode()}


_ACTIONS: dict[str, Callable[[Answer], Answer]] = {"xform": _xform, "import": _import, "xlsx": _xlsx}
