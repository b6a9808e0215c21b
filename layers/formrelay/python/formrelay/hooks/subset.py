"""Which answers ``subset_fields`` selects: one literal rule for JSON and XML bodies (contract rest-services §6).

An entry selects a path when it equals the path, when it is a group or repeat above it, or, having no slash,
when it is the name of one of the path's segments. Namespace prefixes do not count.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


def matcher(entries: Iterable[str]) -> Callable[[str], int | None]:
    """A function from a path (``hh/member/name``, without the root) to the index of the first entry that
    selects it, or None."""
    paths: dict[str, int] = {}
    names: dict[str, int] = {}
    for index, entry in enumerate(entries):
        path = plain(entry).strip("/")
        if path:
            (paths if "/" in path else names).setdefault(path, index)

    def rank(path: str) -> int | None:
        segments = plain(path).split("/")
        found = [names[segment] for segment in segments if segment in names]
        if paths:
            above = ("/".join(segments[:depth]) for depth in range(2, len(segments) + 1))
            found += [paths[prefix] for prefix in above if prefix in paths]
        return min(found, default=None)

    return rank


def plain(path: str) -> str:
    """The path without the namespace prefixes of its segments."""
    if ":" not in path:
        return path
    return "/".join(segment.rpartition(":")[2] for segment in path.split("/"))
