"""What goes wrong between here and a server, in one line for people."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

import requests

_LONGEST = 300
_MESSAGE = re.compile(r"<message[^>]*>([^<]*)</message>")


class ServerError(Exception):
    """The server refused, or is not there; the text says which and why."""


def unreachable(url: str, error: requests.RequestException) -> ServerError:
    """There was no answer."""
    host = urlsplit(url).netloc or url
    if isinstance(error, requests.exceptions.SSLError):
        return ServerError(f"{host}: its certificate is not trusted, so nothing was sent")
    if isinstance(error, requests.Timeout):
        return ServerError(f"{host} does not answer in time")
    if isinstance(error, requests.ConnectionError):
        return ServerError(f"{host} cannot be reached: {_reason(error)}")
    return ServerError(f"{host}: {error}")


def _reason(error: Exception) -> str:
    """What the system said, out of the words that libraries have put around it."""
    text = str(error)
    if "Name or service not known" in text or "name resolution" in text or "nodename nor" in text:
        return "there is no such host, or no network"
    found = re.search(r"\[Errno -?\d+\] ([^'\")]+)", text)
    return found[1].lower() if found else "the connection was lost"


def no_server(url: str) -> ServerError:
    """Something answers, but not the API."""
    parts = urlsplit(url)
    return ServerError(
        f"{parts.netloc} answers, but not like formrelay or KoboToolbox (at {parts.path}): is the address right?"
    )


def refusal(answer: requests.Response, *, signing_in: bool = False) -> ServerError:
    """The server said no."""
    parts = urlsplit(answer.url)
    said = _said(answer)
    if answer.status_code == 401 and not signing_in:
        said += " Sign in again: python -m infra.cli login URL USERNAME"
    method = answer.request.method
    what = "" if signing_in else f" to {method} {parts.path}"
    return ServerError(f"{parts.netloc} says {answer.status_code}{what}: {said}")


def _said(answer: requests.Response) -> str:
    try:
        return _flat(answer.json())[:_LONGEST]
    except ValueError:
        pass
    if found := _MESSAGE.search(answer.text):
        return found[1].strip()
    if "html" in answer.headers.get("Content-Type", ""):
        return "(a page for browsers)"
    return " ".join(answer.text.split())[:_LONGEST] or answer.reason


def _flat(value: Any, name: str = "") -> str:
    """An error of the API as text: ``{"detail": …}``, or messages by field."""
    if isinstance(value, dict):
        return " ".join(_flat(inner, str(key)) for key, inner in value.items())
    if isinstance(value, list):
        return " ".join(_flat(inner, name) for inner in value)
    plain = name in ("", "detail", "error", "non_field_errors", "messages")
    return str(value) if plain else f"{name}: {value}"
