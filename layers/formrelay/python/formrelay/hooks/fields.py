"""Validation of a hook's writable fields, in the contract's words (rest-services §2, accounts §6.2)."""

from __future__ import annotations

import copy
import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import SplitResult, urlsplit

from formrelay import event_kinds
from formrelay.errors import ApiError
from formrelay.hooks import checks, filters, guard, headers, payload
from formrelay.hooks.checks import NULL, FaultError
from formrelay.query import texts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

MAX_NAME = 255
MAX_ENDPOINT = 500
MAX_ENTRY = 500
MAX_ENTRIES = 1000
MAX_TEMPLATE = 65_536
MAX_CONCURRENCY = 50
# Of one field, that are told at a time.
MAX_FAULTS = 10
# What sealing takes, as UTF-8 JSON.
MAX_SETTINGS = 16_000

REQUIRED = "This field is required."
BAD_SCHEME = "Invalid scheme"
BAD_MASK = "The masked password names no hook you may edit."

DEFAULTS: dict[str, Any] = {
    "active": True,
    "export_type": "json",
    "auth_level": "no_auth",
    "settings": {},
    "email_notification": True,
    "subset_fields": [],
    "payload_template": None,
    "concurrency": None,
    "events": [*event_kinds.DEFAULT],
    "filter": None,
}
LISTS = ("subset_fields", "events")
_SETTINGS = ("username", "password", "custom_headers")
_MASK = "********"
_MASKED = re.compile(r"\*{8}(?::(.*))?", re.DOTALL)
_URL_FAULT = re.compile(r"[\x00-\x1f\x7f\\]")
# RFC 7617 §2: neither in a user name nor in a password; a colon would end the user name.
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


@dataclass(frozen=True)
class Rules:
    """What the deployment and the caller decide.

    ``resolve`` gives the addresses of a host name, in bounded time, or nothing when it does not resolve now.
    ``password_of`` gives the password of a hook that the caller may edit, by uid, else None. Raises FaultError where
    it cannot be opened.
    """

    resolve: Callable[[str], Iterable[str]]
    password_of: Callable[[str], str | None]
    policy: guard.Policy = field(default_factory=guard.Policy)
    https_only: bool = False


def mask(hook_uid: str) -> str:
    """What answers show in place of a hook's password (design §6)."""
    return f"{_MASK}:{hook_uid}"


def masked_hook(password: str) -> str | None:
    """The uid of the hook whose password a mask stands for, "" if it names none; None for a real password."""
    match = _MASKED.fullmatch(password)
    return (match[1] or "") if match else None


def clean(
    data: Mapping[str, Any], stored: Mapping[str, Any] | None, *, partial: bool, rules: Rules
) -> dict[str, Any]:
    """The writable fields in ``data``, normalised; on creation (``stored`` is None) with all defaults.

    ``partial`` is PATCH: nothing is required. ``settings`` comes out with the clear password. Unknown and
    read-only keys are ignored. Raises ApiError 400 with the faults of all fields.
    """
    values: dict[str, Any] = {} if stored is not None else copy.deepcopy(DEFAULTS)
    faults: dict[str, list[str]] = {}
    for name, check in _CHECKS.items():
        if name not in data:
            if name not in DEFAULTS and not partial:
                faults[name] = [REQUIRED]
            continue
        try:
            values[name] = check(data[name], rules)
        except FaultError as fault:
            faults[name] = fault.texts
    merged = {**(stored or {}), **values}
    if merged.get("payload_template") and merged.get("export_type") == "xml":
        faults.setdefault("payload_template", ["Can be used only with JSON submission format"])
    if faults:
        raise ApiError(400, faults)
    return values


def flag(name: str, value: Any) -> bool:
    """A boolean that is no field of the stored hook. Raises ApiError 400 under ``name``."""
    try:
        return checks.flag(value)
    except FaultError as fault:
        raise ApiError(400, {name: fault.texts}) from None


def _name(value: Any, _rules: Rules) -> str:
    return checks.text(value, MAX_NAME)


def _endpoint(value: Any, rules: Rules) -> str:
    text = checks.text(value, MAX_ENDPOINT)
    url = _absolute(text)
    if url.username is not None or url.password is not None:
        raise FaultError("Put user name and password into the settings, not into the URL.")
    if rules.https_only and url.scheme != "https":
        raise FaultError(guard.UNSECURED)
    if not all(guard.allowed(address, rules.policy) for address in rules.resolve(_ascii_host(url))):
        raise FaultError(f"{text} is not allowed")
    return text


def _absolute(text: str) -> SplitResult:
    """The parts of an absolute http or https URL with a host that every parser reads alike."""
    try:
        url = urlsplit(text)
        good = url.scheme in ("http", "https") and bool(url.hostname) and url.port != 0
    except ValueError:
        good = False
    if not good or _URL_FAULT.search(text) or " " in url.netloc:
        raise FaultError(BAD_SCHEME)
    return url


def _ascii_host(url: SplitResult) -> str:
    host = url.hostname or ""
    if host.isascii():
        return host
    try:
        return host.encode("idna").decode()
    except UnicodeError:
        raise FaultError(BAD_SCHEME) from None


def _settings(value: Any, rules: Rules) -> dict[str, Any]:
    if value is None:
        raise FaultError(NULL)
    try:
        settings = checks.parsed(value)
    except ValueError:
        raise FaultError("Unable to parse JSON") from None
    if not isinstance(settings, dict):
        raise FaultError(f'Expected a dictionary of items but got type "{type(settings).__name__}".')
    known = {key: settings[key] for key in _SETTINGS if key in settings}
    texts = _settings_faults(known)
    if texts:
        raise FaultError(*texts)
    return _unmasked(known, rules)


def _settings_faults(settings: dict[str, Any]) -> list[str]:
    found = _credential_faults(settings)
    custom = settings.get("custom_headers")
    if isinstance(custom, dict):
        found += headers.faults(custom)
    elif custom is not None:
        found.append('"custom_headers" must be an object.')
    if found:
        return found
    text = json.dumps(settings, ensure_ascii=False)
    if checks.SURROGATE.search(text):
        return ["The settings have characters that cannot be stored."]
    if len(text.encode()) > MAX_SETTINGS:
        return [f"The settings have more than {MAX_SETTINGS} bytes."]
    return []


def _credential_faults(settings: dict[str, Any]) -> list[str]:
    """What keeps user name and password from being sent as Basic credentials."""
    found = []
    for key in ("username", "password"):
        value = settings.get(key)
        if value is None:
            continue
        if not isinstance(value, str):
            found.append(f'"{key}" must be a string.')
        elif _CONTROL.search(value):
            found.append(f'"{key}" must not contain control characters.')
        elif key == "username" and ":" in value:
            found.append('"username" must not contain a colon.')
    return found


def _unmasked(settings: dict[str, Any], rules: Rules) -> dict[str, Any]:
    uid = masked_hook(settings.get("password") or "")
    if uid is None:
        return settings
    password = rules.password_of(uid) if uid else None
    if password is None:
        raise FaultError(BAD_MASK)
    return {**settings, "password": password}


def _subset(value: Any, _rules: Rules) -> list[str]:
    if value is None:
        raise FaultError(NULL)
    if isinstance(value, str) and not value.strip():
        return []  # how a form sends an empty list
    try:
        entries = checks.parsed(value)
    except ValueError:
        entries = value
    if not isinstance(entries, list):
        raise FaultError(f'Expected a list of items but got type "{type(value).__name__}".')
    if len(entries) > MAX_ENTRIES:
        raise FaultError(f"Ensure this field has no more than {MAX_ENTRIES} elements.")
    return [checks.text(entry, MAX_ENTRY) for entry in entries]


def _template(value: Any, _rules: Rules) -> str | None:
    if value is None:
        return None
    text = checks.text(value, MAX_TEMPLATE, blank=True)
    if not text:
        return None
    try:
        payload.wrap(text, "{}")
    except payload.UnusableError:
        raise FaultError("Invalid JSON") from None
    return text


def _concurrency(value: Any, _rules: Rules) -> int | None:
    """How many attempts may run at the same time; None for as many as there are."""
    if value is None or value == "":
        return None
    text = str(value).strip() if isinstance(value, int | str) and not isinstance(value, bool) else ""
    if not re.fullmatch(r"-?[0-9]{1,18}", text):
        raise FaultError("A valid integer is required.")
    number = int(text)
    if number < 1:
        raise FaultError("Ensure this value is greater than or equal to 1.")
    if number > MAX_CONCURRENCY:
        raise FaultError(f"Ensure this value is less than or equal to {MAX_CONCURRENCY}.")
    return number


def _events(value: Any, _rules: Rules) -> list[str]:
    """What the hook hears of, each once and in the order in which it can happen."""
    if value is None:
        raise FaultError(NULL)
    try:
        chosen = checks.parsed(value)
    except ValueError:
        chosen = value
    if not isinstance(chosen, list):
        raise FaultError(f'Expected a list of items but got type "{type(value).__name__}".')
    unknown = [entry for entry in chosen if entry not in event_kinds.ALL]
    if unknown:
        raise FaultError(*(f'"{str(entry)[:100]}" is not a valid choice.' for entry in unknown[:MAX_FAULTS]))
    if not chosen:
        raise FaultError("This list may not be empty.")
    return [event for event in event_kinds.ALL if event in chosen]


def _filter(value: Any, _rules: Rules) -> str | None:
    """Which submissions it gets, as text; None for all."""
    try:
        return filters.kept(value)
    except texts.RefusedError as error:
        raise FaultError(str(error)) from None


_CHECKS: dict[str, Callable[[Any, Rules], Any]] = {
    "name": _name,
    "endpoint": _endpoint,
    "active": checks.flag,
    "export_type": checks.choice("json", "xml"),
    "auth_level": checks.choice("no_auth", "basic_auth"),
    "settings": _settings,
    "email_notification": checks.flag,
    "subset_fields": _subset,
    "payload_template": _template,
    "concurrency": _concurrency,
    "events": _events,
    "filter": _filter,
}
