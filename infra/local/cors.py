"""What API Gateway does for web pages of other origins (CORS), as the template's HTTP API has it configured."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from infra.local.messages import Headers, Request


@dataclass(frozen=True)
class Cors:
    """The configuration. Without origins nothing is ever added."""

    origins: tuple[str, ...] = ()
    methods: tuple[str, ...] = ()
    headers: tuple[str, ...] = ()
    exposed: tuple[str, ...] = ()
    max_age: int = 0

    def added(self, request: Request) -> Headers:
        """The headers that the answer to this request gets."""
        origin = request.header("origin")
        if not origin or not {"*", origin} & set(self.origins):
            return []
        allowed = "*" if "*" in self.origins else origin
        if request.method == "OPTIONS" and request.header("access-control-request-method"):
            return [
                ("access-control-allow-origin", allowed),
                ("access-control-allow-methods", ",".join(self.methods)),
                ("access-control-allow-headers", ",".join(self.headers)),
                ("access-control-max-age", str(self.max_age)),
            ]
        return [
            ("access-control-allow-origin", allowed),
            ("access-control-expose-headers", ",".join(self.exposed)),
        ]


def read_cors(configuration: Mapping[str, Any] | None) -> Cors:
    """The ``CorsConfiguration`` of an HTTP API, its expressions resolved."""
    if not configuration:
        return Cors()
    return Cors(
        origins=tuple(configuration["AllowOrigins"]),
        methods=tuple(configuration["AllowMethods"]),
        headers=tuple(configuration["AllowHeaders"]),
        exposed=tuple(configuration["ExposeHeaders"]),
        max_age=int(configuration["MaxAge"]),
    )
