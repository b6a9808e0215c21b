"""Which route of an HTTP API a request takes: exact paths before variables before greedy ones before ``$default``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from infra.local.template import Route


@dataclass(frozen=True)
class Match:
    """The route taken and its path variables."""

    route: Route
    variables: dict[str, str]


class RouteTable:
    """All routes of one API."""

    def __init__(self, routes: Sequence[Route]) -> None:
        self._default = next((route for route in routes if route.key == "$default"), None)
        self._routes = []
        for route in routes:
            method, _, path = route.key.partition(" ")
            if path:
                self._routes.append((method, _segments(path), route))

    def match(self, method: str, path: str) -> Match | None:
        """The most specific route for a decoded path, or None where the API answers 404."""
        parts = _segments(path)
        best: tuple[tuple[tuple[int, ...], int], Match] | None = None
        for allowed, pattern, route in self._routes:
            if allowed not in ("ANY", method):
                continue
            variables = _fit(pattern, parts)
            if variables is None:
                continue
            rank = (tuple(map(_generality, pattern)), int(allowed == "ANY"))
            if best is None or rank < best[0]:
                best = (rank, Match(route, variables))
        if best is not None:
            return best[1]
        return Match(self._default, {}) if self._default is not None else None


def _segments(path: str) -> list[str]:
    return path.removeprefix("/").split("/")


def _generality(segment: str) -> int:
    if segment.endswith("+}"):
        return 2
    return 1 if segment.startswith("{") else 0


def _fit(pattern: list[str], parts: list[str]) -> dict[str, str] | None:
    """The variables of a pattern that fits, or None; a variable never stands for an empty segment."""
    variables: dict[str, str] = {}
    for index, segment in enumerate(pattern):
        if segment.endswith("+}"):
            rest = "/".join(parts[index:])
            if not rest:
                return None
            variables[segment[1:-2]] = rest
            return variables
        if index >= len(parts):
            return None
        if segment.startswith("{"):
            if not parts[index]:
                return None
            variables[segment[1:-1]] = parts[index]
        elif segment != parts[index]:
            return None
    return variables if len(pattern) == len(parts) else None
