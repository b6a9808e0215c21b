"""The OpenAPI 3.1 document, made of the routing table and the shapes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from http import HTTPStatus
from typing import Any

import formrelay
from formrelay.api.about import COLLECT, FILE_BODY, JSON_BODY, Body, Many, Media, Page, Shape
from formrelay.api.openapi import (
    openrosa,
    shapes_accounts,
    shapes_activity,
    shapes_exports,
    shapes_hooks,
    shapes_projects,
    shapes_sharing,
    shapes_submissions,
    texts,
)
from formrelay.api.openapi.schema import Schema, as_form, items, page, ref
from formrelay.api.router import MAX_PARAMETER, Route
from formrelay.exports.options import XLSX_TYPE

SHAPES: dict[str, Schema] = {
    **shapes_accounts.SHAPES,
    **shapes_activity.SHAPES,
    **shapes_projects.SHAPES,
    **shapes_sharing.SHAPES,
    **shapes_submissions.SHAPES,
    **shapes_exports.SHAPES,
    **shapes_hooks.SHAPES,
}
# Media types of the formats that a path can be asked for; JSON has a shape of its own.
_FORMATS = {
    "xls": XLSX_TYPE,
    "xml": "application/xml",
    "yaml": "application/yaml",
}
_CREDENTIALS: list[dict[str, list[str]]] = [{"key": []}, {"password": []}]
_ALWAYS = (401, 404, 406, 429, 503)
_WITH_BODY = (400, 413, 415)
_PARAMETER = re.compile(r"{(\w+)}")
# Headers that answers of a status may have.
_HEADERS = {
    201: ("Location", "Where the new object is."),
    202: ("Location", "Where to follow it."),
    302: ("Location", "Where the answer is, for some minutes, without credentials."),
    401: ("WWW-Authenticate", "The challenge."),
    429: ("Retry-After", "Seconds to wait."),
    503: ("Retry-After", "Seconds to wait."),
}

Content = dict[str, Any]


def document(routes: Iterable[Route], base_url: str) -> dict[str, Any]:
    """The description of these routes and of what form clients call, for a deployment at ``base_url``."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": texts.TITLE,
            "version": formrelay.__version__,
            "description": texts.OVERVIEW,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": base_url}],
        "security": _CREDENTIALS,
        "tags": [{"name": name, "description": text} for name, text in texts.HEADINGS.items()],
        "paths": _paths((*routes, *openrosa.OPERATIONS)),
        "components": {"schemas": SHAPES, "securitySchemes": _schemes()},
    }


def _paths(routes: Iterable[Route]) -> dict[str, Any]:
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        paths.setdefault(_path(route), {})[route.method.lower()] = _operation(route)
    return dict(sorted(paths.items()))


def _schemes() -> dict[str, Any]:
    key = {
        "type": "apiKey",
        "in": "header",
        "name": "Authorization",
        "description": "`Token <40 hex digits>`",
    }
    return {"key": key, "password": {"type": "http", "scheme": "basic"}}


def _path(route: Route) -> str:
    """Paths of the API end with a slash, those of OpenRosa do not."""
    plain = route.pattern == "/" or route.about.tag == COLLECT
    return route.pattern if plain else route.pattern + "/"


def _operation(route: Route) -> dict[str, Any]:
    about = route.about
    operation: dict[str, Any] = {
        "operationId": _operation_id(route),
        "summary": about.summary,
        "tags": [about.tag],
        "parameters": [*_path_parameters(route), *_query_parameters(route)],
        "responses": {str(status): answer for status, answer in sorted(_responses(route))},
    }
    if about.text:
        operation["description"] = about.text
    if about.public:
        operation["security"] = [{}, *_CREDENTIALS]
    if about.body:
        operation["requestBody"] = _request_body(about.body)
    return operation


def _operation_id(route: Route) -> str:
    """Unique for method and pattern: ``get_assets_hooks_by_hook``."""
    words = _PARAMETER.sub(r"by_\1", route.pattern.removeprefix("/api/v2")).replace(".", "_")
    return "_".join([route.method.lower(), *(re.findall(r"\w+", words) or [route.handler.__name__])])


def _path_parameters(route: Route) -> Iterator[dict[str, Any]]:
    schema = {"type": "string", "minLength": 1, "maxLength": MAX_PARAMETER, "pattern": "^[^/]+$"}
    for name in _PARAMETER.findall(route.pattern):
        yield {
            "name": name,
            "in": "path",
            "required": True,
            "description": texts.PARAMETERS.get(name, name),
            "schema": schema,
        }


def _query_parameters(route: Route) -> Iterator[dict[str, Any]]:
    for query in route.about.query:
        schema = {"type": "string"} if query.schema is None else dict(query.schema)
        yield {"name": query.name, "in": "query", "description": query.text, "schema": schema}
    if len(route.formats) > 1:
        schema = {"type": "string", "enum": list(route.formats)}
        text = "Format of the answer; the suffix of the path says the same."
        yield {"name": "format", "in": "query", "description": text, "schema": schema}


def _request_body(body: Body) -> dict[str, Any]:
    content: Content = {}
    for kind in body.types:
        name = body.parts if body.parts and kind == FILE_BODY else body.shape
        schema = ref(name) if kind == JSON_BODY or body.parts else as_form(SHAPES[name], SHAPES)
        content[kind] = {"schema": schema}
    if body.example is not None and JSON_BODY in content:
        content[JSON_BODY]["example"] = body.example
    return {"required": body.required, "content": content}


def _responses(route: Route) -> Iterator[tuple[int, dict[str, Any]]]:
    about = route.about
    errors = {*_ALWAYS, *about.errors, *(_WITH_BODY if about.body else ())}
    for status in {*about.answers, *errors}:
        content: Content = {}
        if status in about.answers:
            content = _content(route, about.answers[status], success=status == HTTPStatus.OK)
        if status in errors:
            content = {**_error_content(route, status), **content}
        yield status, _response(status, content)


def _response(status: int, content: Content) -> dict[str, Any]:
    response: dict[str, Any] = {"description": HTTPStatus(status).phrase}
    if status in _HEADERS:
        name, text = _HEADERS[status]
        response["headers"] = {name: {"description": text, "schema": {"type": "string"}}}
    if content:
        response["content"] = content
    return response


def _content(route: Route, shape: Shape | tuple[Any, ...] | None, *, success: bool) -> Content:
    if shape is None:
        return {}
    several = shape if isinstance(shape, tuple) and not isinstance(shape, Page | Many | Media) else (shape,)
    content: Content = {}
    for kind, described in map(_one_content, several):
        content[kind] = _either(content[kind], described) if kind in content else described
    if success:
        content |= {_FORMATS[kind]: {} for kind in route.formats if kind in _FORMATS}
    return content


def _either(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    """Content of one media type that may have either shape."""
    return {"schema": {"anyOf": [one["schema"], other["schema"]]}}


def _one_content(shape: Shape) -> tuple[str, dict[str, Any]]:
    match shape:
        case Media(kind):
            return kind, {}
        case Page(name):
            return JSON_BODY, {"schema": page(ref(name))}
        case Many(name):
            return JSON_BODY, {"schema": items(ref(name))}
        case _:
            return JSON_BODY, {"schema": ref(shape)}


def _error_content(route: Route, status: int) -> Content:
    """Errors come in XML to those who speak it: form clients, and callers who asked for that format."""
    collects = route.about.tag == COLLECT
    plain = "Fault" if status == HTTPStatus.BAD_REQUEST else "Error"
    fault = "SubmissionRefusal" if collects else plain
    content: Content = {JSON_BODY: {"schema": ref(fault)}}
    if collects:
        content["text/xml"] = {}
    elif "xml" in route.formats:
        content["application/xml"] = {}
    return content
