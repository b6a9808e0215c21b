"""Rows of project lists: made of a project, searched and sorted (contract accounts §6.4, §6.6)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from formrelay import clock
from formrelay.errors import detail
from formrelay.rights import VIEW_ASSET
from formrelay.search import Search, SearchError, compile_search
from formrelay.search.decisions import Row, decided
from formrelay.search.traces import trace
from formrelay.storage import asset_batches, listings
from formrelay.storage.table import Item
from formrelay.usernames import ANONYMOUS

_RANK = {"deployed": 0, "draft": 1, "archived": 2, "-": 3}
_DAY = 86_400_000
# First parts of fields that may be asked for.
_ROOTS = (
    "_deployment_status", "asset_type", "data_sharing", "date_created", "date_deployed", "date_modified",
    "last_modified_by", "name", "owner", "parent", "settings", "status", "summary", "tags", "uid",
)  # fmt: skip
# Fields all of whose texts stand in the trace of a row.
_TRACED = (("settings",), ("tags",), ("summary", "labels"), ("summary", "languages"))
_MAX_RELATED = 10


def row_of(state: Mapping[str, Any], info: Mapping[str, Any]) -> Item:
    """What lists of projects and of forms need of a project without reading it."""
    row: Item = {
        "uid": state["uid"],
        "owner": state["owner"],
        "name": state["name"],
        "type": state["type"],
        "status": deployment_status(state),
        "created": info["created"],
        "modified": info["modified"],
        "deployed": info["deployed"],
        "by": info["modified_by"],
        "form_version": state["form_version"],
        "form_md5": state["form_md5"],
        "facets": facets(info),
    }
    return row | {"trace": trace(_texts(info), listings.room_for_trace(row))}


def deployment_status(state: Mapping[str, Any]) -> str:
    """``draft``, ``deployed``, ``archived``; ``-`` for what is no survey."""
    if state["type"] != "survey":
        return "-"
    if not state["deployed_version"]:
        return "draft"
    return "deployed" if state["active"] else "archived"


def facets(info: Mapping[str, Any]) -> dict[str, Any]:
    """What lists tell of all their projects together: languages, countries, sectors, organizations."""
    settings = info["settings"]
    country, sector = settings.get("country"), settings.get("sector")
    countries = [pair for one in country if (pair := _pair(one))] if isinstance(country, list) else []
    found = {
        "l": [name for name in info["summary"]["languages"] if name],
        "c": countries,
        "s": _pair(sector),
        "o": settings.get("organization") or None,
    }
    return {name: value for name, value in found.items() if value}


def _pair(choice: Any) -> list[str] | None:
    if not isinstance(choice, Mapping) or not isinstance(choice.get("value"), str):
        return None
    return [choice["value"], str(choice.get("label") or choice["value"])]


def _texts(info: Mapping[str, Any]) -> tuple[str, ...]:
    """Texts that people look in, beyond those that stand in the row itself."""
    summary = info["summary"]
    searched = (info["settings"], summary["labels"], summary["languages"], info["tags"])
    return tuple(text for value in searched for text in _all_texts(value))


def _all_texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping | list):
        for inner in value.values() if isinstance(value, Mapping) else value:
            yield from _all_texts(inner)


def asked(text: str) -> Search | None:
    """The query in ``q``; None for an empty one. Raises ApiError 400 (contract accounts §6.6)."""
    if not text.strip():
        return None
    try:
        search = compile_search(text, roots=_ROOTS, words=("words",))
    except SearchError as error:
        raise detail(400, str(error)) from None
    paths = [term.path for term in search.terms]
    if any(path[:1] == ("owner",) and path != ("owner", "username") for path in paths):
        raise detail(400, "Not supported field lookup")
    if sum(path[:1] == ("tags",) for path in paths) > _MAX_RELATED:
        raise detail(400, "Too many relational filters in the search query")
    return search


def found_by(search: Search, rows: Iterable[Item]) -> list[Item]:
    """The rows that meet a query; reads what those hold that cannot be decided without."""
    if any(term.path[:1] == ("status",) for term in search.terms):
        rows = with_sharing(list(rows))
    answers = [(row, decided(search, _known(row))) for row in rows]
    infos = asset_batches.infos([row["uid"] for row, found in answers if found is None])
    return [
        row
        for row, found in answers
        if found or (row["uid"] in infos and search.matches(_document(row, infos[row["uid"]])))
    ]


def with_sharing(rows: Sequence[Item]) -> list[Item]:
    """The rows with their ``sharing``: ``public``, ``shared`` with some, ``private`` (contract accounts §6.6)."""
    public = asset_batches.granted([row["uid"] for row in rows], ANONYMOUS, VIEW_ASSET)
    return [
        {**row, "sharing": "public" if row["uid"] in public else "shared" if row["shared"] else "private"}
        for row in rows
    ]


def _known(row: Item) -> Row:
    return Row(_plain(row), (row["name"], row["owner"], row["uid"]), row["trace"], _TRACED)


def _plain(row: Item) -> dict[str, Any]:
    return {
        "uid": row["uid"],
        "name": row["name"],
        "asset_type": row["type"],
        "_deployment_status": row["status"],
        "owner": {"username": row["owner"]},
        "last_modified_by": row["by"],
        "date_created": clock.iso_micro(row["created"]),
        "date_modified": clock.iso_micro(row["modified"]),
        "date_deployed": clock.iso_micro(row["deployed"]) if row["deployed"] else None,
        "parent": None,
        "status": row.get("sharing"),
    }


def _document(row: Item, info: Item) -> dict[str, Any]:
    tags = [{"name": tag} for tag in info["tags"]]
    sharing = info.get("looks", {}).get("data_sharing", {})
    more = {"settings": info["settings"], "summary": info["summary"], "tags": tags, "data_sharing": sharing}
    return {**_plain(row), **more, "words": [row["name"], row["owner"], row["uid"], *_texts(info)]}


# Sorting


def ordered(rows: Sequence[Item], ordering: str) -> list[Item]:
    """The rows in the order that ``ordering`` names, unknown fields left out; by uid where that is equal.

    Without any: deployed ones first, then drafts, archived ones and the rest, each newest first.
    """
    wanted = [(name.removeprefix("-"), name.startswith("-")) for name in ordering.replace(" ", "").split(",")]
    wanted = [(name, down) for name, down in wanted if name in _KEYS or name in _OF_INFO]
    found = sorted(rows, key=lambda row: row["uid"])
    if not wanted:
        return sorted(found, key=lambda row: (_RANK[row["status"]], -row["modified"]))
    infos = (
        asset_batches.infos([row["uid"] for row in rows])
        if any(name in _OF_INFO for name, _ in wanted)
        else {}
    )
    for name, down in reversed(wanted):
        keys = {row["uid"]: _sort_key(name, row, infos.get(row["uid"])) for row in found}
        found = sorted(found, key=_by(keys), reverse=down)
    return found


def _by(keys: Mapping[str, Any]) -> Callable[[Item], Any]:
    return lambda row: keys[row["uid"]]


def _sort_key(name: str, row: Item, info: Item | None) -> tuple[bool, Any, str]:
    """What has no value comes behind everything else; text sorts without regard to case."""
    of_info = _OF_INFO.get(name)
    value = _KEYS[name](row) if of_info is None else of_info(info["settings"]) if info else None
    if isinstance(value, int):
        return False, value, ""
    text = value if isinstance(value, str) else ""
    return not text, text.casefold(), text


def _day(ms: int | None) -> int | None:
    return ms // _DAY if ms is not None else None


_KEYS: Mapping[str, Callable[[Item], Any]] = {
    "asset_type": lambda row: row["type"],
    "date_modified": lambda row: row["modified"],
    "date_modified__date": lambda row: _day(row["modified"]),
    "date_deployed": lambda row: row["deployed"],
    "date_deployed__date": lambda row: _day(row["deployed"]),
    "name": lambda row: row["name"],
    "owner__username": lambda row: row["owner"],
    "_deployment_status": lambda row: _RANK[row["status"]],
    "last_modified_by": lambda row: row["by"],
}
_OF_INFO: Mapping[str, Callable[[Mapping[str, Any]], Any]] = {
    "settings__sector": lambda settings: (_pair(settings.get("sector")) or [""])[0],
    "settings__sector__value": lambda settings: (_pair(settings.get("sector")) or [""])[0],
    "settings__description": lambda settings: str(settings.get("description") or ""),
}


# What all of them have


def metadata(rows: Sequence[Item]) -> dict[str, Any]:
    """Languages, countries, sectors and organizations of all these projects (contract accounts §6.6)."""
    missing = [row["uid"] for row in rows if row["facets"] is None]
    infos = asset_batches.infos(missing)
    known = [row["facets"] for row in rows if row["facets"] is not None] + [facets(i) for i in infos.values()]
    return {
        "languages": sorted({name for one in known for name in one.get("l", ())}),
        "countries": _pairs(pair for one in known for pair in one.get("c", ())),
        "sectors": _pairs(one["s"] for one in known if "s" in one),
        "organizations": sorted({str(one["o"]) for one in known if "o" in one}),
    }


def _pairs(pairs: Iterable[Sequence[str]]) -> list[list[str]]:
    return [list(pair) for pair in sorted({(pair[0], pair[1]) for pair in pairs})]
