"""moto's DynamoDB without work that grows with all that is stored: the same answers for a fraction of the time.

moto copies whole tables for every transaction, sorts them for every query of one partition, measures an item anew with
every attribute it puts into it, and asks of every part of an expression, many times, what kind of part it is.
"""

from __future__ import annotations

import copy
from collections import defaultdict
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

from moto.core import responses
from moto.core.utils import camelcase_to_underscores, method_names_from_class
from moto.dynamodb.exceptions import ItemSizeTooLarge
from moto.dynamodb.models import DynamoDBBackend
from moto.dynamodb.models.dynamo_type import DynamoType, Item, LimitedSizeDict
from moto.dynamodb.models.table import Table
from moto.dynamodb.parsing import ast_nodes
from moto.dynamodb.parsing.tokens import ExpressionTokenizer

if TYPE_CHECKING:
    import pytest

_MAX_SIZE = 405_000
"""Bytes of an item; moto's own figure."""

_names = cache(method_names_from_class)
_underscores = cache(camelcase_to_underscores)
_tokens = cache(ExpressionTokenizer.make_list)
# By the class of an object: asking objects of abstract classes what they are is slow.
_is: Any = cache(issubclass)
_nodes: Any = ast_nodes  # written without types
_query, _update = Table.query, DynamoDBBackend.update_item


def install(patch: pytest.MonkeyPatch) -> None:
    """Makes it lean for as long as the patch lasts; calls have to come one at a time."""
    patch.setattr(responses, "method_names_from_class", _names)
    patch.setattr(responses, "camelcase_to_underscores", _underscores)
    patch.setattr(ExpressionTokenizer, "make_list", lambda text: list(_tokens(text)))
    patch.setattr(_nodes.Node, "__deepcopy__", _branch, raising=False)
    patch.setattr(_nodes.Node, "find_clauses", _clauses)
    patch.setattr(_nodes.DepthFirstTraverser, "traverse", _traversed)
    patch.setattr(Item, "__init__", _item)
    patch.setattr(Table, "__deepcopy__", _kept, raising=False)
    patch.setattr(Table, "query", _found)
    patch.setattr(DynamoDBBackend, "update_item", _updated)


def _branch(node: Any, memo: dict[int, Any]) -> Any:
    """A copy without the ways that copies of anything take."""
    made: Any = object.__new__(type(node))
    memo[id(node)] = made
    for name, value in vars(node).items():
        setattr(made, name, value if isinstance(value, str) else copy.deepcopy(value, memo))
    return made


def _clauses(node: Any, kinds: Sequence[type]) -> list[Any]:
    found: list[Any] = []
    for child in node.children or []:
        kind = type(child)
        if kind in kinds:
            found.append(child)
        elif _is(kind, (_nodes.Expression, _nodes.UpdateExpressionFunction)):
            found += child.find_clauses(kinds)
    return found


def _traversed(traverser: Any, node: Any) -> Any:
    """Asks once for what is to be processed, where moto asks at every node."""
    kinds = traverser.nodes_to_be_processed()

    def walk(node: Any, number: int) -> Any:
        if not _is(type(node), _nodes.Node):
            return node
        parent = node.parent
        for i, child in enumerate(node.children or []):
            traverser.pre_processing_of_child(node, i)
            walk(child, i)
        if _is(type(node), kinds):
            node = traverser.process(node)
            node.parent = parent
            if parent:
                parent.children[number] = node
        return node

    return walk(node, -1)


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
