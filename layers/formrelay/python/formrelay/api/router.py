"""The routing table: which function answers which method and path.

Every route answers with or without a slash at its end, with a format suffix, with doubled slashes:
:class:`~formrelay.api.http.Request` has taken those off before (contract accounts §6.1).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from formrelay.api.about import About
from formrelay.api.accepting import prefers_xml, rules_out_json
from formrelay.api.http import Request, Response, error_response, json_response
from formrelay.auth import Caller, authenticate
from formrelay.aws import unavailable_for_now
from formrelay.errors import ApiError, UnavailableError, detail, not_found, unauthenticated
from formrelay.log import logger


@dataclass
class Context:
    """What a route gets: the request and who sent it."""

    request: Request
    caller: Caller | None

    @property
    def user(self) -> Caller:
        """The caller of a route that needs one. Raises 401 for anonymous."""
        if self.caller is None:
            raise unauthenticated()
        return self.caller

    @property
    def base_url(self) -> str:
        return self.request.base_url

    @property
    def api(self) -> str:
        """Base of links into API v2."""
        return f"{self.base_url}/api/v2"


Handler = Callable[..., Response]

# Characters of a path parameter: names and uids are shorter, and anything much longer would not fit into a key of
# the table.
MAX_PARAMETER = 255


class Route(NamedTuple):
    """``pattern`` names path parameters as ``{name}``; they reach the handler as keyword arguments.

    None of them is a secret: paths stand in logs.
    """

    method: str
    pattern: str
    handler: Handler
    about: About
    """What it does, for the description of the API."""
    formats: tuple[str, ...] = ("json",)
    """What can be asked for by suffix or ``?format=``; anything else is 404."""


class _Pattern(NamedTuple):
    """The segments of a path, and the routes of its methods."""

    segments: tuple[str, ...]
    by_method: dict[str, Route]

    def match(self, path: Sequence[str]) -> dict[str, str] | None:
        """The parameters of a path with as many segments; None when it is another one."""
        parameters = {}
        for name, value in zip(self.segments, path, strict=True):
            if name.startswith("{"):
                parameters[name[1:-1]] = value
            elif name != value:
                return None
        return parameters if all(0 < len(value) <= MAX_PARAMETER for value in parameters.values()) else None


class Router:
    """Finds the handler of a request and turns what goes wrong into answers."""

    def __init__(self, routes: Iterable[Route]) -> None:
        by_pattern: dict[tuple[str, ...], dict[str, Route]] = {}
        for route in routes:
            by_pattern.setdefault(tuple(route.pattern.split("/")), {})[route.method] = route
        self._by_length: dict[int, list[_Pattern]] = {}
        # Literal segments win over parameters, as in "hooks/{hook}/logs" and "data/bulk".
        for segments in sorted(by_pattern, key=lambda segments: [s.startswith("{") for s in segments]):
            pattern = _Pattern(segments, by_pattern[segments])
            self._by_length.setdefault(len(segments), []).append(pattern)

    def answer(self, request: Request) -> Response:
        """The response to a request; never raises for what the caller did."""
        try:
            with unavailable_for_now():
                return self._dispatch(request)
        except ApiError as error:
            return error_response(error, as_xml=self._answers_xml(request))
        except UnavailableError as error:
            headers = {"Retry-After": str(error.retry_after)}
            return json_response({"detail": "Temporarily unavailable"}, 503, headers)
        except Exception:
            logger.exception("request failed", extra={"method": request.method, "path": request.path})
            return json_response({"detail": "Internal server error."}, 500)

    def _dispatch(self, request: Request) -> Response:
        caller = authenticate(request.headers, request.address)
        by_method, params = self._find(request.path)
        route = by_method.get("GET" if request.method == "HEAD" else request.method)
        if route is None:
            error = detail(405, f'Method "{request.method}" not allowed.')
            error.headers["Allow"] = ", ".join(_allowed(by_method))
            raise error
        _negotiate(request, route)
        # "api" is KoboToolbox's page for browsers, which get JSON here.
        if request.format not in ("", "api", *route.formats):
            raise not_found()
        _refuse_unacceptable(request, route)
        return route.handler(Context(request, caller), **params)

    def _find(self, path: str) -> tuple[dict[str, Route], dict[str, str]]:
        segments = path.split("/")
        for pattern in self._by_length.get(len(segments), ()):
            parameters = pattern.match(segments)
            if parameters is not None:
                return pattern.by_method, parameters
        raise not_found()

    def _answers_xml(self, request: Request) -> bool:
        """Whether the caller asked for XML where there is any: errors come in it, too (contract data §4)."""
        try:
            by_method, _ = self._find(request.path)
            for route in by_method.values():
                _negotiate(request, route)
            return request.format == "xml" and any("xml" in route.formats for route in by_method.values())
        except ApiError:
            return False


def _refuse_unacceptable(request: Request, route: Route) -> None:
    """Raises 406 for who reads JSON, names no format and takes none; what changes something is never refused so."""
    if request.method not in ("GET", "HEAD") or request.format or route.formats != ("json",):
        return
    if route.about.is_json and rules_out_json(request.headers.get("accept", "")):
        raise detail(406, "Could not satisfy the request Accept header.")


def _allowed(by_method: Mapping[str, Route]) -> list[str]:
    """The methods that are answered with success; some are there only to be refused in words."""
    return sorted(method for method, route in by_method.items() if route.about.answers)


def _negotiate(request: Request, route: Route) -> None:
    """Lets ``Accept`` choose where the path does not: JSON, unless XML is asked for and there is some."""
    if {"json", "xml"} <= set(route.formats) and prefers_xml(request.headers.get("accept", "")):
        request.accepted = "xml"
