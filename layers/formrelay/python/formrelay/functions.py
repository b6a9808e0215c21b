"""Calls from one function to another (Lambda Invoke). Only ``api`` does this, and ``recover`` for exports."""

from __future__ import annotations

import json
from typing import Any

from formrelay.aws import lambda_
from formrelay.errors import UnavailableError
from formrelay.json_text import as_message, from_message
from formrelay.settings import settings


def compile_form(payload: dict[str, Any]) -> dict[str, Any]:
    """The compile function's answer (docs/architecture.md, "Messages").

    Raises UnavailableError when the function fails.
    """
    return from_message(_invoke(settings().compile_function, as_message(payload)))


def deliver_now(message: dict[str, Any]) -> dict[str, Any]:
    """One attempt, made while the caller waits.

    Raises UnavailableError when the function fails or is too slow.
    """
    return _invoke(settings().deliver_function, {"retry": message})


def test_hook(test: dict[str, Any]) -> dict[str, Any]:
    """A test of a hook, sent while the caller waits (docs/architecture.md, "Messages").

    Raises UnavailableError when the function fails or is too slow.
    """
    return _invoke(settings().deliver_function, {"test": test})


def shrink_image(source: str, target: str, longest: int) -> None:
    """Has the picture at one key of the bucket made smaller at another (docs/architecture.md, "Messages").

    Raises UnavailableError when the function fails or is too slow.
    """
    _invoke(settings().image_function, {"source": source, "target": target, "longest": longest})


def export_soon(asset: str, key: str) -> None:
    """Has the export function work on a task, without waiting for it (docs/architecture.md, "Messages").

    Raises UnavailableError when it cannot be started.
    """
    _call(settings().export_function, {"asset": asset, "key": key}, InvocationType="Event")


def _invoke(function: str, payload: dict[str, Any]) -> dict[str, Any]:
    answer = _call(function, payload)
    result = json.loads(answer["Payload"].read() or b"null")
    if "FunctionError" in answer or not isinstance(result, dict):
        raise UnavailableError
    return result


def _call(function: str, payload: dict[str, Any], **options: Any) -> Any:
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        return lambda_().invoke(FunctionName=function, Payload=json.dumps(payload).encode(), **options)
    except (BotoCoreError, ClientError) as error:
        raise UnavailableError from error
