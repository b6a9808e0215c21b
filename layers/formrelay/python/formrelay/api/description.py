"""``/api/v2/``, the lists that there are, and ``/api/v2/schema/``, all of the API as OpenAPI (accounts §5, §7)."""

from __future__ import annotations

from formrelay.api.about import SERVICE, About
from formrelay.api.http import JSON, Response, json_response
from formrelay.api.router import Context, Route

_BASE = "/api/v2/"


def get_collections(ctx: Context) -> Response:
    """The lists at the top of the API by name; clients ask for it to see whether there is an API at all."""
    from formrelay.api.main import ROUTES

    names = [route.pattern.removeprefix(_BASE) for route in ROUTES if _is_collection(route)]
    return json_response({name: f"{ctx.api}/{name}/" for name in names})


def _is_collection(route: Route) -> bool:
    rest = route.pattern.removeprefix(_BASE)
    return route.method == "GET" and rest != route.pattern and "/" not in rest


def get_schema(ctx: Context) -> Response:
    """The description, as YAML unless JSON is asked for."""
    # Only who asks waits for its import.
    from formrelay.api.main import ROUTES
    from formrelay.api.openapi.document import document
    from formrelay.api.openapi.yaml import dump

    described = document(ROUTES, ctx.base_url)
    request = ctx.request
    if request.format == "json" or (not request.format and request.headers.get("accept") == JSON):
        return json_response(described)
    return Response(200, dump(described).encode(), {"Content-Type": "application/yaml"})


ROUTES = [
    Route(
        "GET",
        "/api/v2",
        get_collections,
        about=About("The lists of the API", SERVICE, {200: "Collections"}, public=True),
    ),
    Route(
        "GET",
        "/api/v2/schema",
        get_schema,
        formats=("json", "yaml"),
        about=About("This description, in YAML or JSON", SERVICE, {200: "Description"}, public=True),
    ),
]
