"""Which questions of several versions of a form are the same: those of one name in one section (contract exports §3.7).

Where a name comes more than once, in different groups, that leaves it open which is which: then the one with the same
path is the same question, and only what has none takes the next that is free.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import count, repeat

from formrelay.exports.form import Key, Section, Version


def match(versions: Sequence[Version]) -> None:
    """Gives the sections and questions of all versions, newest first, keys that are equal where they are the same."""
    sections = _Known()
    questions: dict[Key, _Known] = {}
    for version in versions:
        keys = sections.keys((section.name, section.path) for section in version.sections.values())
        renamed = dict(zip(version.sections, keys, strict=True))
        version.sections = {
            renamed[old]: _matched(section, renamed, questions.setdefault(renamed[old], _Known()))
            for old, section in version.sections.items()
        }


def _matched(section: Section, renamed: dict[Key, Key], known: _Known) -> Section:
    found = list(section.questions.values())
    keys = known.keys((question.name, question.path) for question in found)
    parent = section.parent and renamed[section.parent]
    return replace(section, parent=parent, questions=dict(zip(keys, found, strict=True)))


class _Known:
    """What the versions so far had of each name: the numbers that it has under each path, and since which version."""

    def __init__(self) -> None:
        self._since: dict[tuple[str, str], dict[int, int]] = {}
        self._versions = 0

    def keys(self, named: Iterable[tuple[str, str]]) -> list[Key]:
        """The keys of what one version has, which comes as name and path."""
        wanted = list(named)
        used: set[Key] = set()
        same = self._same(wanted, used)
        # Each goes on where the last one of its name was found: a form may have one name thousands of times.
        free = {name: zip(repeat(name), count(), strict=False) for name, _ in wanted}
        found = [same.get(place) or _next(free[name], used) for place, (name, _) in enumerate(wanted)]
        for (_, number), which in zip(found, wanted, strict=True):
            self._since.setdefault(which, {}).setdefault(number, self._versions)
        self._versions += 1
        return found

    def _same(self, wanted: Sequence[tuple[str, str]], used: set[Key]) -> dict[int, Key]:
        """Place → key of those whose path has one already; of two that have the same, the path that had it first."""
        claims = sorted(
            (since, number, place)
            for place, which in enumerate(wanted)
            for number, since in self._since.get(which, {}).items()
        )
        found: dict[int, Key] = {}
        for _, number, place in claims:
            key = wanted[place][0], number
            if place not in found and key not in used:
                found[place] = key
                used.add(key)
        return found


def _next(keys: Iterable[Key], used: set[Key]) -> Key:
    key = next(key for key in keys if key not in used)
    used.add(key)
    return key
