"""Which questions of several versions of a form are the same: those of one name in one section (contract exports §3.7).

Where a name comes more than once, in different groups, that leaves it open which is which: then the one with the same
path is the same question, and only what has none takes the next that is free.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Container, Iterable, Sequence
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
    """What the versions so far had of each name: the numbers that it has under each path."""

    def __init__(self) -> None:
        self._numbers: dict[tuple[str, str], list[int]] = {}

    def keys(self, named: Iterable[tuple[str, str]]) -> list[Key]:
        """The keys of what one version has, which comes as name and path."""
        wanted = list(named)
        used: set[Key] = set()
        same = [self._same(name, path, used) for name, path in wanted]
        # Each goes on where the last one of its name was found: a form may have one name thousands of times.
        free = {name: zip(repeat(name), count(), strict=False) for name, _ in wanted}
        found = [key or _next(free[name], used) for key, (name, _) in zip(same, wanted, strict=True)]
        for key, (name, path) in zip(found, wanted, strict=True):
            numbers = self._numbers.setdefault((name, path), [])
            if key[1] not in numbers:
                insort(numbers, key[1])
        return found

    def _same(self, name: str, path: str, used: set[Key]) -> Key | None:
        numbers = self._numbers.get((name, path), ())
        key = next(((name, number) for number in numbers if (name, number) not in used), None)
        if key:
            used.add(key)
        return key


def _next(keys: Iterable[Key], used: Container[Key]) -> Key:
    return next(key for key in keys if key not in used)
