"""``…/hooks/`` (contract rest-services §1, §2, §4)."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from formrelay import (
    clock,
    event_kinds,
    history,
    hook_requests,
    hook_secrets,
    hook_settings,
    ids,
    jobs,
    permissions,
)
from formrelay.api import hook_health, paging
from formrelay.api.about import HOOKS, PAGING, About, Body, Page
from formrelay.api.http import Response, json_response, no_content
from formrelay.api.router import Context, Route
from formrelay.errors import ApiError, UnavailableError, invalid, not_found
from formrelay.hooks import guard, resolve
from formrelay.hooks.checks import FaultError
from formrelay.hooks.fields import LISTS, Rules, clean, mask
from formrelay.isolation import pauses
from formrelay.settings import settings
from formrelay.storage import assets, deliveries, health, hooks, tallies
from formrelay.storage.assets import Project
from formrelay.storage.table import Item, TransactionError

_WRITABLE = (
    "active", "auth_level", "email_notification", "endpoint", "export_type", "name", "payload_template",
    "subset_fields",
)  # fmt: skip
_CHANGE_TRIES = 5
# Hooks whose deliveries are counted at the same time.
_THREADS = 8


def of_project(ctx: Context, asset: str) -> Project:
    """The project, if the caller may have to do with its hooks. Raises 404."""
    return permissions.require_hooks(ctx.caller, assets.project(asset))


def require(ctx: Context, asset: str, hook: str) -> tuple[Project, Item]:
    """The project and its hook, if the caller may have to do with them. Raises 404."""
    project = of_project(ctx, asset)
    found = hooks.get(asset, hook)
    if found is None:
        raise not_found()
    return project, found


def list_hooks(ctx: Context, asset: str) -> Response:
    project = of_project(ctx, asset)
    everything = sorted(hooks.listed(asset), key=lambda hook: (hook["name"], hook["uid"]))
    start, limit, shown = paging.page(ctx.request, everything)
    states = health.listed(asset)
    # Counting the deliveries of each takes some calls.
    with ThreadPoolExecutor(_THREADS) as pool:
        results = list(pool.map(lambda hook: _shown(ctx, project, hook, states.get(hook["uid"])), shown))
    return json_response(paging.envelope(ctx.request, len(everything), results, start, limit))


def create_hook(ctx: Context, asset: str) -> Response:
    project = of_project(ctx, asset)
    values = clean(given(ctx), None, partial=False, rules=rules(ctx))
    now = clock.now_ms()
    hook = _stored({"uid": ids.uid("h"), "created": now, "revision": 0}, values, now)
    try:
        told = history.hook_op(history.who(ctx.caller), project, "register-service", hook)
        hooks.create(asset, hook, [told])
    except hooks.TooManyHooksError:
        raise invalid("non_field_errors", f"A project has at most {hooks.MAX_HOOKS} hooks.") from None
    except TransactionError:
        raise not_found() from None
    shown = _shown(ctx, project, hook, None)
    return json_response(shown, 201, {"Location": shown["url"]})


def given(ctx: Context) -> dict[str, Any]:
    """The fields of a hook in the body; a form may send each entry of a list as a value of its own. Raises 400, 415."""
    data = ctx.request.data()
    for name in LISTS:
        values = ctx.request.values(name)
        if len(values) > 1 or (values and not values[0].lstrip().startswith("[") and values[0].strip()):
            data[name] = values
    return data


def get_hook(ctx: Context, asset: str, hook: str) -> Response:
    return json_response(_shown(ctx, *require(ctx, asset, hook), health.get(asset, hook)))


def patch_hook(ctx: Context, asset: str, hook: str) -> Response:
    project, changed = _change(ctx, asset, hook, partial=True)
    paused = hook_health.wanted(ctx.request.data())
    if paused is not None:
        pauses.switch(asset, hook, paused)
    return json_response(_shown(ctx, project, changed, health.get(asset, hook)))


def put_hook(ctx: Context, asset: str, hook: str) -> Response:
    project, changed = _change(ctx, asset, hook, partial=False)
    return json_response(_shown(ctx, project, changed, health.get(asset, hook)))


def _change(ctx: Context, asset: str, hook: str, *, partial: bool) -> tuple[Project, Item]:
    def values(found: Item) -> dict[str, Any]:
        data = given(ctx)
        if partial:
            # Refused before anything is changed, but not before the caller may know the hook.
            hook_health.wanted(data)
        return clean(data, found, partial=partial, rules=rules(ctx))

    return change(ctx, asset, hook, values)


def change(
    ctx: Context, asset: str, hook: str, values: Callable[[Item], dict[str, Any]]
) -> tuple[Project, Item]:
    """Writes what ``values`` makes of the hook as it is at that moment; the project, and the hook as stored.

    What changes nothing is not written, and the project's activity does not tell of it. Raises 404, and 503 when
    others change it all the time.
    """
    for _ in range(_CHANGE_TRIES):
        project, found = require(ctx, asset, hook)
        wanted = values(found)
        if _is_so(found, wanted):
            return project, found
        changed = _stored({**found, "revision": found["revision"] + 1}, wanted, clock.now_ms())
        switched_on = changed["active"] and not found["active"]
        also = pauses.revival(asset, hook) if switched_on else []
        told = history.hook_op(history.who(ctx.caller), project, "modify-service", changed)
        try:
            hooks.save(asset, changed, found["revision"], [*also, told])
        except TransactionError:
            continue  # somebody else changed or deleted it meanwhile
        return project, changed
    raise UnavailableError(1)


def _is_so(hook: Item, values: dict[str, Any]) -> bool:
    """Whether a hook has all these values already. Settings are compared in the clear: sealed, they always differ."""
    plain = {name: value for name, value in values.items() if name != "settings"}
    if any(name not in hook or hook[name] != value for name, value in plain.items()):
        return False
    return "settings" not in values or values["settings"] == hook_settings.readable(hook)


def delete_hook(ctx: Context, asset: str, hook: str) -> Response:
    project, found = require(ctx, asset, hook)
    told = history.hook_op(history.who(ctx.caller), project, "delete-service", found)
    try:
        hooks.remove(asset, hook, jobs.purge_hook(hook), [told])
    except TransactionError:
        raise not_found() from None
    return no_content()


def _stored(hook: Item, values: dict[str, Any], now: int) -> Item:
    """The hook as it is stored: settings sealed, everything else plain, secrets that ran out gone."""
    plain = {name: value for name, value in values.items() if name != "settings"}
    if "settings" in values:
        try:
            plain["sealed"] = hook_settings.sealed(values["settings"], hook["uid"])
        except ValueError as error:
            # The password behind a mask may be longer than the mask that was checked.
            raise invalid("settings", f"Too long: {error}.") from None
    stored = {**hook, "signing": hook_secrets.live(hook, now), **plain, "modified": now}
    return {**stored, "heard_more": hooks.heard_more(hook) or hooks.heard_more(stored)}


def rules(ctx: Context) -> Rules:
    """What this deployment and this caller allow in the fields of a hook."""

    def password_of(uid: str) -> str | None:
        """The password behind a mask, of any hook that the caller may edit: clients copy hooks across projects."""
        asset = hooks.asset_of(uid) if ids.is_uid(uid, "h") else None
        if asset is None:
            return None
        try:
            _, source = require(ctx, asset, uid)
        except ApiError:
            return None
        opened = hook_settings.readable(source)
        if opened is None:
            raise FaultError(hook_requests.UNREADABLE)
        return str(opened.get("password", ""))

    return Rules(
        resolve=resolve.addresses,
        password_of=password_of,
        policy=guard.policy(settings().allow_networks, settings().deny_networks),
        https_only=settings().https_only,
    )


def _shown(ctx: Context, project: Project, hook: Item, found: Item | None) -> dict[str, Any]:
    """The hook object; ``found`` is its health. Keys that are not the contract's stand at its end."""
    url = f"{ctx.api}/assets/{project.uid}/hooks/{hook['uid']}/"
    opened = hook_settings.readable(hook)
    tally = tallies.of(hook["uid"])
    shown = {name: hook[name] for name in _WRITABLE} | {
        "asset": project.state["id"],
        "date_modified": clock.iso_micro(hook["modified"]),
        "failed_count": tally.by_status[deliveries.FAILED],
        "logs_url": f"{url}logs/",
        "pending_count": tally.by_status[deliveries.PENDING],
        "settings": _masked(opened, hook),
        "success_count": tally.by_status[deliveries.SUCCESS],
        "uid": hook["uid"],
        "url": url,
    }
    signed = bool(hook_secrets.live(hook, clock.now_ms()))
    unfinished = tally.by_status[deliveries.FAILED] + tally.by_status[deliveries.PENDING]
    more = {
        "signed": signed,
        **hook_health.shown(hook, found, tally.parked, unreadable=opened is None),
        "last_error": hook_health.last_error(hook) if unfinished > tally.parked else None,
        "events": hook.get("events", event_kinds.DEFAULT),
        "filter": json.loads(hook["filter"]) if hook.get("filter") else None,
    }
    return {**dict(sorted(shown.items())), **more}


def _masked(opened: dict[str, Any] | None, hook: Item) -> dict[str, Any]:
    """The settings as they are shown. Of those that cannot be opened the mask is: sent back, it is refused, where
    nothing at all would replace what the key may open again one day."""
    if opened is None or opened.get("password"):
        return {**(opened or {}), "password": mask(hook["uid"])}
    return opened


_HOOKS = "/api/v2/assets/{asset}/hooks"
_EXAMPLE = {"name": "ERP", "endpoint": "https://erp.example.org/in"}
ROUTES = [
    Route(
        "GET",
        _HOOKS,
        list_hooks,
        about=About("List the hooks of a project", HOOKS, {200: Page("Hook")}, PAGING),
    ),
    Route(
        "POST",
        _HOOKS,
        create_hook,
        about=About("Make a hook", HOOKS, {201: "Hook"}, body=Body("NewHook", _EXAMPLE, required=True)),
    ),
    Route("GET", _HOOKS + "/{hook}", get_hook, about=About("Read a hook", HOOKS, {200: "Hook"})),
    Route(
        "PATCH",
        _HOOKS + "/{hook}",
        patch_hook,
        about=About(
            "Change fields of a hook, pause it, end its pause",
            HOOKS,
            {200: "Hook"},
            body=Body("HookChange", {"active": False}),
        ),
    ),
    Route(
        "PUT",
        _HOOKS + "/{hook}",
        put_hook,
        about=About("Replace a hook", HOOKS, {200: "Hook"}, body=Body("NewHook", _EXAMPLE, required=True)),
    ),
    Route(
        "DELETE",
        _HOOKS + "/{hook}",
        delete_hook,
        about=About("Delete a hook and its logs", HOOKS, {204: None}),
    ),
]
