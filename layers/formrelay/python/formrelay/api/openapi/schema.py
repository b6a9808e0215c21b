"""Short ways to write the JSON Schema that the shapes are made of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Schema = dict[str, Any]

TEXT: Schema = {"type": "string"}
URL: Schema = {"type": "string", "format": "uri"}
FLAG: Schema = {"type": "boolean"}
WHOLE: Schema = {"type": "integer"}
COUNT: Schema = {"type": "integer", "minimum": 0}
MOMENT: Schema = {"type": "string", "format": "date-time"}
OBJECT: Schema = {"type": "object"}


def ref(name: str) -> Schema:
    """The shape of that name."""
    return {"$ref": f"#/components/schemas/{name}"}


def text(longest: int, **more: Any) -> Schema:
    return {"type": "string", "maxLength": longest, **more}


def words(*choices: str) -> Schema:
    return {"type": "string", "enum": list(choices)}


def items(schema: Schema) -> Schema:
    return {"type": "array", "items": schema}


def optional(schema: Schema) -> Schema:
    """That, or null."""
    kind = schema.get("type")
    if isinstance(kind, str) and "enum" not in schema:
        return {**schema, "type": [kind, "null"]}
    return {"anyOf": [schema, {"type": "null"}]}


def record(
    always: Mapping[str, Schema], sometimes: Mapping[str, Schema] | None = None, **more: Any
) -> Schema:
    """An object with keys that are always there, and some that need not be."""
    needed = {"required": list(always)} if always else {}
    return {"type": "object", "properties": {**always, **(sometimes or {})}, **needed, **more}


def page(schema: Schema) -> Schema:
    """One page of a list (contract accounts §6.3)."""
    return record(
        {"count": COUNT, "next": optional(URL), "previous": optional(URL), "results": items(schema)}
    )


def as_form(schema: Schema, named: Mapping[str, Schema]) -> Schema:
    """The same fields as a form has them: objects and lists are JSON texts."""
    fields = {name: _as_text(field, named) for name, field in schema["properties"].items()}
    return {**schema, "properties": fields}


def _as_text(field: Schema, named: Mapping[str, Schema]) -> Schema:
    target = named[field["$ref"].rpartition("/")[2]] if "$ref" in field else field
    kinds = target.get("type")
    if not {"object", "array"} & set([kinds] if isinstance(kinds, str) else kinds or []):
        return field
    described = {"description": field["description"]} if "description" in field else {}
    return {"type": "string", "contentMediaType": "application/json", **described}
