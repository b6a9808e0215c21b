"""The routing table: which function answers which method and path.

Every route answers with or without a slash at its end, with a format suffix, with doubled slashes:
:class:`~formrelay.api.http.Request` has taken those off before (contract accounts §6.1).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from formrelay.api.http import Request, Response, error_response, json_response
from formrelay.auth import Caller, authenticate
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

# Names and uids are shorter; anything longer would not fit into a key of the table.
_MAX_PARAMETER = 255


@dataclass(frozen=True)
class Route:
    """``pattern`` names path parameters as ``{name}``; they reach the handler as keyword arguments."""

    method: str
    pattern: str
    handler: Handler


class Router:
    """Finds the handler of a request and turns what goes wrong into answers."""

    def __init__(self, routes: Iterable[Route]) -> None:
        by_pattern: dict[str, dict[str, Handler]] = {}
        for route in routes:
            by_pattern.setdefault(route.pattern, {})[route.method] = route.handler
        # Literal segments win over parameters, as in "hooks/{hook}/logs" and "data/bulk".
        ordered = sorted(
            by_pattern.items(), key=lambda entry: [s.startswith("{") for s in entry[0].split("/")]
        )
        self._routes = [(_compile(pattern), handlers) for pattern, handlers in ordered]

    def answer(self, request: Request) -> Response:
        """The response to a request; never raises for what the caller did."""
        try:
            return self._dispatch(request)
        except ApiError as error:
            return error_response(error)
        except UnavailableError as error:
            headers = {"Retry-After": str(error.retry_after)}
            return json_response({"detail": "Temporarily unavailable"}, 503, headers)
        except Exception:
            logger.exception("request failed", extra={"method": request.method, "path": request.path})
            return json_response({"detail": "Internal server error."}, 500)

    def _dispatch(self, request: Request) -> Response:
        caller = authenticate(request.headers, request.address)
        handlers, params = self._find(request.path)
        handler = handlers.get("GET" if request.method == "HEAD" else request.method)
        if handler is None:
            error = detail(405, f'Method "{request.method}" not allowed.')
            error.headers["Allow"] = ", ".join(sorted(handlers))
            raise error
        return handler(Context(request, caller), **params)

    def _find(self, path: str) -> tuple[dict[str, Handler], dict[str, str]]:
        for pattern, handlers in self._routes:
            match = pattern.fullmatch(path)
            if match and all(len(value) <= _MAX_PARAMETER for value in match.groups()):
                return handlers, match.groupdict()
        raise not_found()


def _compile(pattern: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]+)", re.escape(pattern)))
