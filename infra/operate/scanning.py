"""Reads whole tables, which operators alone may: no function has the right to."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any


def items(table_name: str, prefix: str, sort_prefix: str = "") -> Iterator[dict[str, Any]]:
    """Every item whose ``pk`` and ``sk`` begin so, page by page, in no order. Reads all of the table."""
    from formrelay.aws import dynamodb
    from formrelay.storage import typed

    condition, values = "begins_with(pk, :pk)", {":pk": prefix}
    if sort_prefix:
        condition, values = f"{condition} AND begins_with(sk, :sk)", {**values, ":sk": sort_prefix}
    pages = (
        dynamodb()
        .get_paginator("scan")
        .paginate(
            TableName=table_name,
            FilterExpression=condition,
            ExpressionAttributeValues=typed.marshal_item(values),
            ConsistentRead=True,
        )
    )
    for page in pages:
        yield from map(typed.unmarshal_item, page["Items"])
