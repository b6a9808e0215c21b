"""``…/hooks/{hook}/secret/``: the secret that signs what a hook is sent (Standard Webhooks; design §4, §6)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from formrelay import clock, hook_secrets
from formrelay.api import hooks
from formrelay.api.about import HOOKS, About, Body
from formrelay.api.http import Response, json_response, no_content
from formrelay.api.router import Context, Route
from formrelay.errors import invalid
from formrelay.settings import settings
from formrelay.storage.table import Item

MAX_OVERLAP = 7 * 86_400
_BAD_SECRET = (
    f'A secret is "whsec_" and the base64 of {hook_secrets.MIN_BYTES} to {hook_secrets.MAX_BYTES} bytes.'
)
_TOO_MANY = (
    f"A hook signs with at most {hook_secrets.MAX_LIVE} secrets at a time. Wait for one to fall out, or send"
    ' {"overlap": 0} to end the old ones at once.'
)


def get_secret(ctx: Context, asset: str, hook: str) -> Response:
    """Whether there is one; what it is, nobody is told again."""
    _, found = hooks.require(ctx, asset, hook)
    return json_response(_shown(found))


def create_secret(ctx: Context, asset: str, hook: str) -> Response:
    """Makes the first secret, or the next one beside the old; the only answer that holds it."""
    hooks.require(ctx, asset, hook)
    data = ctx.request.data()
    secret, overlap = _secret(data), _overlap(data)

    def signing(found: Item, now: int) -> list[Item]:
        try:
            return hook_secrets.rotated(found, secret, overlap=overlap, now=now)
        except hook_secrets.TooManySecretsError:
            raise invalid("non_field_errors", _TOO_MANY) from None

    changed = _change(ctx, asset, hook, signing)
    return json_response({"secret": secret, **_shown(changed)}, 201)


def delete_secret(ctx: Context, asset: str, hook: str) -> Response:
    """Nothing is signed any more, from the next attempt on."""
    _change(ctx, asset, hook, lambda _found, _now: [])
    return no_content()


def _change(ctx: Context, asset: str, hook: str, signing: Callable[[Item, int], list[Item]]) -> Item:
    def changes(found: Item) -> dict[str, Any]:
        return {"signing": signing(found, clock.now_ms())}

    return hooks.change(ctx, asset, hook, changes)[1]


def _secret(data: Mapping[str, Any]) -> str:
    secret = data.get("secret")
    if secret is None or secret == "":
        return hook_secrets.new()
    if not isinstance(secret, str) or not hook_secrets.is_secret(secret):
        raise invalid("secret", _BAD_SECRET)
    return secret


def _overlap(data: Mapping[str, Any]) -> int:
    """Seconds that the old secrets still sign. Raises 400."""
    value = data.get("overlap")
    if value is None:
        return settings().secret_overlap
    if isinstance(value, str) and value.isascii() and value.isdigit():
        value = int(value[:20])
    if isinstance(value, bool) or not isinstance(value, int):
        raise invalid("overlap", "A valid integer is required.")
    if not 0 <= value <= MAX_OVERLAP:
        raise invalid("overlap", f"Ensure this value is between 0 and {MAX_OVERLAP} seconds.")
    return value


def _shown(hook: Item) -> dict[str, Any]:
    live = hook_secrets.live(hook, clock.now_ms())
    # The one before the newest ends last.
    old = live[1]["until"] if len(live) > 1 else None
    return {
        "signed": bool(live),
        "since": clock.iso_micro(live[0]["since"]) if live else None,
        "old_until": clock.iso_micro(old) if old else None,
    }


_SECRET = "/api/v2/assets/{asset}/hooks/{hook}/secret"
ROUTES = [
    Route(
        "GET", _SECRET, get_secret, about=About("Whether requests are signed", HOOKS, {200: "SecretState"})
    ),
    Route(
        "POST",
        _SECRET,
        create_secret,
        about=About(
            "Make or rotate the signing secret, shown this once",
            HOOKS,
            {201: "Secret"},
            body=Body("NewSecret", {"overlap": 3600}),
        ),
    ),
    Route("DELETE", _SECRET, delete_secret, about=About("Sign no more", HOOKS, {204: None})),
]
