"""moto's DynamoDB without work that grows with all that is stored: the same answers for a fraction of the time.

moto copies whole tables for every transaction, sorts them for every query of one partition, and measures an item anew
with every attribute it puts into it.
"""

from __future__ import annotations

import copy
from collections import defaultdict
from functools import cache
from typing import TYPE_CHECKING, Any

from moto.core import responses
from moto.core.utils import camelcase_to_underscores, method_names_from_class
from moto.dynamodb.exceptions import ItemSizeTooLarge
from moto.dynamodb.models import DynamoDBBackend
from moto.dynamodb.models.dynamo_type import DynamoType, Item, LimitedSizeDict
from moto.dynamodb.models.table import Table
from moto.dynamodb.parsing.tokens import ExpressionTokenizer

if TYPE_CHECKING:
    import pytest

_MAX_SIZE = 405_000
"""Bytes of an item; moto's own figure."""

_names = cache(method_names_from_class)
_underscores = cache(camelcase_to_underscores)
_tokens = cache(ExpressionTokenizer.make_list)
_query, _update = Table.query, DynamoDBBackend.update_item


def install(patch: pytest.MonkeyPatch) -> None:
    """Makes it lean for as long as the patch lasts; calls have to come one at a time."""
    patch.setattr(responses, "method_names_from_class", _names)
    patch.setattr(responses, "camelcase_to_underscores", _underscores)
    patch.setattr(ExpressionTokenizer, "make_list", lambda text: list(_tokens(text)))
    patch.setattr(Item, "__init__", _item)
    patch.setattr(Table, "__deepcopy__", _kept, raising=False)
    patch.setattr(Table, "query", _found)
    patch.setattr(DynamoDBBackend, "update_item", _updated)


def _item(item: Item, hash_key: DynamoType, range_key: DynamoType | None, attrs: dict[str, Any]) -> None:
    """Measures once what moto measures with every attribute."""
    item.hash_key, item.range_key = hash_key, range_key
    item.attrs = LimitedSizeDict()
    for name, value in attrs.items():
        dict.__setitem__(item.attrs, name, DynamoType(value))
    if item.size() > _MAX_SIZE:
        raise ItemSizeTooLarge


def _kept(table: Table, memo: dict[int, Any]) -> Table:
    """A table to go back to. Its items are the same: they are replaced in the table, never changed in their place."""
    kept = copy.copy(table)
    kept.items = defaultdict(dict, {hash_key: dict(items) for hash_key, items in table.items.items()})
    return kept


def _updated(
    backend: DynamoDBBackend, table_name: str, key: dict[str, Any], *args: Any, **kwargs: Any
) -> Any:
    """Changes a copy in the place of the item, for the sake of who kept the table."""
    table = backend.get_table(table_name)
    hash_key, range_key = backend.get_keys_value(table, key)
    found = table.get_item(hash_key, range_key)
    if found is not None:
        table.items[hash_key][range_key] = copy.deepcopy(found)
    return _update(backend, table_name, key, *args, **kwargs)


def _found(table: Table, hash_key: DynamoType, *args: Any, **kwargs: Any) -> Any:
    """Looks at one partition, where moto looks at all; an index needs all."""
    index = kwargs.get("index_name") or (args[6] if len(args) > 6 else None)
    if index:
        return _query(table, hash_key, *args, **kwargs)
    whole = table.items
    table.items = defaultdict(dict, {hash_key: whole[hash_key]} if hash_key in whole else {})
    try:
        return _query(table, hash_key, *args, **kwargs)
    finally:
        table.items = whole
