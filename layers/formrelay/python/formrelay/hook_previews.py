"""A hook's request as its owner is shown it: what goes out, with credentials and signatures masked."""

from __future__ import annotations

import hashlib
from typing import Any

from formrelay.hook_requests import HookRequest

# Bytes of a body that are shown: quoted twice on its way, an answer of Lambda's still holds them.
MAX_SHOWN = 500_000
_MASK = "********"


def shown(
    request: HookRequest, sid: int, uuid: str, *, sample: bool, matches: bool | None = None
) -> dict[str, Any]:
    """The request as JSON: method, URL, headers in their order, body, and what tells two bodies apart.

    ``sid`` and ``uuid`` name the submission; ``sample`` says that it is made up, ``matches`` whether it meets the
    hook's filter. Raises UnusableError when the request cannot be put on the wire.
    """
    # The HTTP client: only those who ask for a preview wait for its import.
    from formrelay.hooks import http

    data = request.body.data
    url, headers = http.as_sent(request.url, request.headers, data)
    return {
        "sample": sample,
        "submission": {"_id": sid, "_uuid": uuid},
        "matches": matches,
        "method": "POST",
        "url": url,
        "headers": [{"name": name, "value": _masked(name.lower(), value)} for name, value in headers],
        "content_type": request.body.content_type,
        "body": data[:MAX_SHOWN].decode(errors="ignore"),
        "body_cut": len(data) > MAX_SHOWN,
        "size": len(data),
        "sha256": hashlib.sha256(data).hexdigest(),
    }


def _masked(name: str, value: str) -> str:
    """Custom headers are no secret to those who may edit the hook; an Authorization is masked all the same."""
    if name == "authorization":
        scheme, space, _ = value.partition(" ")
        return f"{scheme} {_MASK}" if space else _MASK
    if name == "webhook-signature":
        return " ".join(f"{signature.partition(',')[0]},{_MASK}" for signature in value.split())
    return value
