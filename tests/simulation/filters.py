"""Filters that hooks of simulated worlds have, each with what it means said a second time, for the judge."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Filter:
    """``query`` is what the hook has, ``meets`` whether a submission of that name is to be sent to it.

    ``lasting`` says that no edit changes that.
    """

    query: dict[str, Any] | None
    meets: Callable[[str], bool]
    lasting: bool


EVERYTHING = "everything"
# Names are s1, s2 …; s1-other; and of what was edited s1-edit1 or s1-edit-k1.
FILTERS = {
    EVERYTHING: Filter(None, lambda _: True, lasting=True),
    "odd ones": Filter({"name": {"$regex": "^s[13]"}}, lambda name: name[1] in "13", lasting=True),
    "as they came": Filter({"name": {"$in": ["s1", "s2"]}}, lambda name: name in ("s1", "s2"), lasting=False),
    "edited ones": Filter({"name": {"$regex": "-edit"}}, lambda name: "-edit" in name, lasting=False),
}
