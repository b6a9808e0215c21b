"""Bodies of ``…/permission-assignments/``: who is to get which right (contract permissions §2, §3)."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import unquote

from formrelay import rights
from formrelay.api.http import JSON, Request, parse_json
from formrelay.errors import ApiError, detail, invalid
from formrelay.query import QueryError, compile_query
from formrelay.rights import Filters
from formrelay.storage.assets import Project
from formrelay.usernames import ANONYMOUS

MAX_ITEMS = 1_000
# Of one user, as JSON: every submission reads what its project's users were given.
MAX_FILTERS = 10_000
_MAX_LINK = 2_000
_NO_MATCH, _NOBODY = (
    "Invalid hyperlink - No URL match.",
    "Invalid hyperlink - Object does not exist.",
)
_FILTERS = "Invalid `filters`"
# KoboToolbox's links end in "?format=json" where that was asked for.
_USER = re.compile(r"(?:[^?]*/)?users/([^/?]+)/?(?:\?.*)?")
_PERMISSION = re.compile(r"(?:[^?]*/)?permissions/([^/?]+)/?(?:\?.*)?")
# Known, but nobody can be given them here.
_OTHERS = frozenset({rights.DELETE_ASSET, "discover_asset"})


class Wanted(NamedTuple):
    """One right for one user; ``filters`` of row-level rights, as given."""

    username: str
    codename: str
    filters: Filters | None


def wanted(project: Project, data: Mapping[str, Any], *, bulk: bool = False) -> Wanted:
    """The assignment in a body. Whether the user exists is not looked at. Raises ApiError 400."""
    missing = {name: ["This field is required."] for name in ("user", "permission") if name not in data}
    if missing:
        raise ApiError(400, missing)
    user = username(data["user"], "user")
    codename = _end(data["permission"], _PERMISSION, "permission")
    if codename not in (*rights.ALL, *_OTHERS):
        raise invalid("permission", _NOBODY)
    _check(project, user, codename)
    filters = _filters(data.get("partial_permissions"), bulk=bulk) if codename == rights.PARTIAL else None
    return Wanted(user, codename, filters)


def username(value: Any, name: str) -> str:
    """The user whom a link in that field names. Raises ApiError 400."""
    return _end(value, _USER, name)


def _end(value: Any, pattern: re.Pattern[str], name: str) -> str:
    """What a link names: its path's end counts, whatever host and prefix stand before (contract §2)."""
    found = pattern.fullmatch(value) if isinstance(value, str) and len(value) <= _MAX_LINK else None
    if found is None:
        raise invalid(name, _NO_MATCH)
    return unquote(found[1], errors="replace")


def _check(project: Project, username: str, codename: str) -> None:
    if username == project.owner:
        raise ApiError(400, {"user": "Owner's permissions cannot be assigned explicitly"})
    if codename not in rights.assignable(project.state["type"]):
        text = f"{codename} cannot be assigned explicitly to Asset objects of this type."
        raise invalid("permission", text)
    if username == ANONYMOUS and not rights.open_to_anybody(codename):
        raise ApiError(400, {"permission": f"Anonymous users cannot be granted the permission {codename}."})


def _filters(value: Any, *, bulk: bool) -> Filters:
    name = "partial_permissions"
    if value and isinstance(value, str):  # of a form
        try:
            value = parse_json(value)
        except ApiError:
            raise invalid(name, "Unable to parse JSON") from None
    if not value:
        raise invalid(name, "This field is required for the 'partial_submissions' permission")
    found: Filters = {}
    for entry in value if isinstance(value, list) else [value]:
        codename, queries = _entry(entry, bulk=bulk)
        found.setdefault(codename, []).extend(queries)
    whole = rights.completed(found)
    if len(json.dumps(whole, ensure_ascii=False).encode()) > MAX_FILTERS:
        raise invalid(name, f"Ensure this field has no more than {MAX_FILTERS} characters.")
    for queries in whole.values():
        _check_queries(queries)
    return found


def _entry(entry: Any, *, bulk: bool) -> tuple[str, list[dict[str, Any]]]:
    url = entry.get("url") if isinstance(entry, dict) else None
    link = _PERMISSION.fullmatch(url) if isinstance(url, str) and len(url) <= _MAX_LINK else None
    # An entry for adding comes with that for changing in what was read here before.
    if link is None or link[1] not in (*rights.ROW_LEVEL, rights.ADD):
        raise invalid("partial_permissions", "Invalid `url`")
    if bulk and "filters" not in entry:
        raise invalid("partial_permissions", "Permission assignment must contain filters")
    queries = entry.get("filters")
    queries = [queries] if isinstance(queries, dict) else queries
    if not isinstance(queries, list) or not queries or not all(isinstance(q, dict) for q in queries):
        raise invalid("partial_permissions", _FILTERS)
    return link[1], queries


def _check_queries(queries: list[dict[str, Any]]) -> None:
    """Refuses what could not be asked of the data later on."""
    try:
        compile_query({"$or": queries})
    except QueryError as error:
        raise invalid("partial_permissions", _FILTERS, str(error)) from None


def items(request: Request) -> list[Mapping[str, Any]]:
    """The array in the body of a bulk assignment. Raises ApiError 400 or 415."""
    if request.content_type not in ("", JSON):
        raise detail(415, f'Unsupported media type "{request.content_type}" in request.')
    value = parse_json(request.body or b"null")
    if not isinstance(value, list):
        raise invalid("non_field_errors", "Expected a list of items.")
    if len(value) > MAX_ITEMS:
        raise invalid("non_field_errors", f"Ensure this list has no more than {MAX_ITEMS} items.")
    if not all(isinstance(item, dict) for item in value):
        raise invalid("non_field_errors", "Invalid data. Expected a dictionary.")
    return value
