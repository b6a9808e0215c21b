"""Rows of users' project lists: what finding, sorting and form lists need of a project, in few bytes.

A row stands in its owner's list and is written with the project, in the same transaction. Users with whom it is shared
have a row that only names the owner. Attributes have one letter each, as ten thousand rows are read to show a hundred.

In Python a row is ``uid, owner, name, type, status, created, modified, deployed`` (ms), ``by`` who changed it last,
``form_version, form_md5`` of the deployed form, ``shared`` how many users it is shared with, ``facets`` and ``trace``
(:mod:`formrelay.listings`), both None where they found no room.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from formrelay.json_text import compact
from formrelay.settings import settings
from formrelay.storage import keys, table
from formrelay.storage.table import Item

MAX_ROW: Final = 400
"""Bytes of a row, as DynamoDB counts them. Only names of more than 190 bytes make longer ones."""

_MAX_FACETS: Final = 100
_LETTERS: Final = {
    "owner": "o", "name": "n", "type": "t", "status": "s", "created": "c", "modified": "m", "deployed": "d",
    "by": "b", "form_version": "v", "form_md5": "h", "facets": "f", "trace": "g", "shared": "u",
}  # fmt: skip
# A number takes a byte for two digits and one more; the count of users is written by others and grows.
_NUMBER: Final = 8
_SHARED: Final = 3


def put_op(row: Mapping[str, Any]) -> Item:
    """The write of a new project's row."""
    return table.put_op(settings().data_table, {**_key(row), **_item(row)})


def save_op(row: Mapping[str, Any]) -> Item:
    """The write of a changed project's row; with how many users it is shared stays as it is."""
    item = _item(row)
    gone = [letter for name, letter in _LETTERS.items() if letter not in item and name != "shared"]
    expression = "SET " + ", ".join(f"#{letter} = :{letter}" for letter in item)
    return table.update_op(
        settings().data_table,
        _key(row),
        expression + (f" REMOVE {', '.join(f'#{letter}' for letter in gone)}" if gone else ""),
        {f":{letter}": value for letter, value in item.items()},
    )


def shared_op(owner: str, asset: str, more: int) -> Item:
    """The write that counts ``more`` (or less) users with whom a project is shared."""
    return table.update_op(settings().data_table, keys.listing(owner, asset), "ADD #u :more", {":more": more})


def room_for_trace(row: Mapping[str, Any]) -> int:
    """Bytes that the trace of a row may take."""
    return MAX_ROW - _size({**_key(row), **_item(row)}) - _SHARED - 1


def of_user(username: str) -> list[Item]:
    """The rows of a user's project list, by uid: projects of their own, and those that others share with them."""
    data = settings().data_table
    found: dict[str, Item] = {}
    shared: list[keys.Key] = []
    for item in table.query_all(data, "#pk = :pk", {":pk": keys.listing_pk(username)}):
        if item["o"] == username:
            found[item["sk"]] = item
        else:
            shared.append(keys.listing(item["o"], item["sk"]))
    found |= {item["sk"]: item for item in table.batch_get_all(data, shared) if item}
    return [_row(found[uid]) for uid in sorted(found)]


def owned(username: str) -> int:
    """How many projects a user owns."""
    condition, values = "#pk = :pk", {":pk": keys.listing_pk(username), ":owner": username}
    options = {"where": "#o = :owner", "projection": "#sk"}
    return sum(1 for _ in table.query_all(settings().data_table, condition, values, **options))


def pointer_op(username: str, asset: str, owner: str) -> Item:
    """The write of the row of a user with whom a project is shared."""
    return table.put_op(settings().data_table, {**keys.listing(username, asset), "o": owner})


def _key(row: Mapping[str, Any]) -> keys.Key:
    return keys.listing(row["owner"], row["uid"])


def _item(row: Mapping[str, Any]) -> Item:
    values = {**row, "form_md5": bytes.fromhex(row["form_md5"]) if row["form_md5"] else None}
    values["by"] = None if row["by"] == row["owner"] else row["by"]
    facets = compact(row["facets"]) if row.get("facets") is not None else None
    values["facets"] = facets if facets is not None and len(facets.encode()) <= _MAX_FACETS else None
    return {letter: values[name] for name, letter in _LETTERS.items() if values.get(name) is not None}


def _row(item: Item) -> Item:
    row = {name: item.get(letter) for name, letter in _LETTERS.items()}
    return row | {
        "uid": item["sk"],
        "by": item.get("b", item["o"]),
        "form_md5": item["h"].hex() if "h" in item else None,
        "facets": json.loads(item["f"]) if "f" in item else None,
        "shared": item.get("u", 0),
    }


def _size(item: Item) -> int:
    return sum(len(name) + _size_of(value) for name, value in item.items())


def _size_of(value: Any) -> int:
    if isinstance(value, int):
        return _NUMBER
    return len(value.encode()) if isinstance(value, str) else len(value)
