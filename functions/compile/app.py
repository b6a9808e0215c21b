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
from formrelay.forms.xlsform import SpreadsheetError, import_xlsform, write_xlsx
from formrelay.log import logger

Answer = dict[str, Any]


def handler(event: Any, context: object) -> Answer:  # noqa: ARG001
    """Dispatch on ``action``: ``xform``, ``import`` or ``xlsx``."""
    started = time.perf_counter()
    action = event.get("action") if isinstance(event, dict) else None
    act = _ACTIONS.get(action) if isinstance(action, str) else None
    answer = act(event) if act else {"error": "Unknown action."}
    logger.info(
        "compile",
        action=action if act else None,
        ok="error" not in answer,
        ms=round((time.perf_counter() - started) * 1000),
    )
    return answer


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
    try:
        text = "".join(str(event.get("data", "")).split())  # encoders break lines
        data = base64.b64decode(text, validate=True)
        imported = import_xlsform(data, str(event.get("name") or ""))
    except (SpreadsheetError, binascii.Error) as error:
        text = str(error) if isinstance(error, SpreadsheetError) else "The file is not encoded as base64."
        return {"error": text, "error_type": SpreadsheetError.error_type}
    return {"content": imported.content, "name": imported.title}


def _xlsx(event: Answer) -> Answer:
    try:
        normal = normalise(event.get("content") or {})
    except ContentError as error:
        return {"error": str(error)}
    return {"data": base64.b64encode(write_xlsx(normal.content, str(event.get("name") or ""))).decode()}


_ACTIONS: dict[str, Callable[[Answer], Answer]] = {"xform": _xform, "import": _import, "xlsx": _xlsx}
