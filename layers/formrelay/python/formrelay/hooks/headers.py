"""Request headers of an attempt (contract rest-services §6, design §4) and what custom headers may be."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from typing import TYPE_CHECKING, Any

from formrelay import __version__
from formrelay.event_kinds import CREATED
from formrelay.hooks.payload import UnusableError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from formrelay.hooks.payload import Body

SECRET_PREFIX = "whsec_"
# RFC 9110 §5.6.2 and §5.5.
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE_FAULT = re.compile(r"[\x00-\x08\x0a-\x1f\x7f\ud800-\udfff]")
# They frame the message or speak of one connection (RFC 9110 §7.6.1), which is the client's business.
_FRAMING = frozenset(
    {
        "connection",
        "content-encoding",
        "content-length",
        "expect",
        "host",
        "http2-settings",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
# Set by us. A custom User-Agent is no fault: it is accepted and overridden, as clients are used to.
_OUR_PREFIX = "formrelay-"
_OURS = frozenset(
    {
        "idempotency-key",
        "webhook-id",
        "webhook-signature",
        "webhook-timestamp",
    }
)


def faults(custom: Mapping[Any, Any]) -> list[str]:
    """What is wrong with an owner's custom headers, in sentences; nothing for good ones."""
    found = []
    for name, value in custom.items():
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            found.append(f"{_shown(name)} is not a valid header name.")
        elif _is_reserved(name.lower()):
            found.append(f"The header {_shown(name)} cannot be set.")
        elif not isinstance(value, str):
            found.append(f"The value of the header {_shown(name)} must be a string.")
        elif _VALUE_FAULT.search(value):
            found.append(f"The value of the header {_shown(name)} has characters that cannot be sent.")
    return found


def _is_reserved(name: str) -> bool:
    return name in _FRAMING or name in _OURS or name.startswith(_OUR_PREFIX)


def _shown(name: object) -> str:
    return f'"{str(name)[:100]}"'


def build(
    hook: Mapping[str, Any],
    body: Body,
    *,
    delivery_uid: str,
    attempt: int,
    timestamp: int,
    secrets: Sequence[str] = (),
    replay: int | None = None,
    test: bool = False,
    event: str = CREATED,
) -> dict[str, str | bytes]:
    """Headers for one attempt of a hook (its ``uid``, ``auth_level`` and ``settings`` with the clear password).

    ``timestamp`` is in seconds. Each of ``secrets`` (``whsec_…``) adds a signature, so that one can follow another.
    ``test`` marks what stands for no delivery. Raises UnusableError when the settings cannot be sent.
    """
    settings = hook.get("settings") or {}
    custom = settings.get("custom_headers") or {}
    if not isinstance(custom, dict) or faults(custom):
        raise UnusableError("the custom headers cannot be sent")
    headers: dict[str, str | bytes] = {
        "Accept": "*/*",
        "Accept-Encoding": "identity",
        "Content-Type": body.content_type,
    }
    for name, value in custom.items():
        _set(headers, name, _wire(value))
    if hook.get("auth_level") == "basic_auth":
        _set(headers, "Authorization", basic(settings.get("username"), settings.get("password")))
    _set(headers, "User-Agent", f"formrelay/{__version__} #{hook['uid']}")
    headers["Idempotency-Key"] = headers["webhook-id"] = delivery_uid
    headers["webhook-timestamp"] = str(timestamp)
    headers["formrelay-event"] = event
    headers["formrelay-attempt"] = str(attempt)
    if replay is not None:
        headers["formrelay-replay"] = str(replay)
    if test:
        headers["formrelay-test"] = "1"
    if secrets:
        headers["webhook-signature"] = sign(secrets, delivery_uid, timestamp, body.data)
    return headers


def _set(headers: dict[str, str | bytes], name: str, value: str | bytes) -> None:
    for known in [known for known in headers if known.lower() == name.lower()]:
        del headers[known]
    headers[name] = value


def _wire(value: str) -> bytes:
    """Latin-1 as HTTP has it, UTF-8 where that does not reach; no white space around."""
    value = value.strip(" \t")
    try:
        return value.encode("latin-1")
    except UnicodeEncodeError:
        return value.encode()


def basic(username: str | None, password: str | None) -> str:
    """Basic credentials in UTF-8 (RFC 7617 §2.1)."""
    return "Basic " + base64.b64encode(f"{username or ''}:{password or ''}".encode()).decode()


def sign(secrets: Iterable[str], message_id: str, timestamp: int, body: bytes) -> str:
    """``webhook-signature`` of Standard Webhooks: one ``v1,…`` per secret, separated by spaces.

    Raises UnusableError for a secret that is not ``whsec_`` and base64.
    """
    signed = b".".join((message_id.encode(), str(timestamp).encode(), body))
    return " ".join(f"v1,{_digest(secret, signed)}" for secret in secrets)


def _digest(secret: str, signed: bytes) -> str:
    try:
        key = base64.b64decode(secret.removeprefix(SECRET_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        raise UnusableError("the signing secret is not base64") from None
    return base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
