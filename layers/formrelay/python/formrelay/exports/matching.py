"""Which questions of several versions of a form are the same: those of one name in one section (contract exports §3.7).

Where a name comes more than once, in different groups, that leaves it open which is which: then the one with the same
path is the same question, and only what has none takes the next that is free.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence
from dataclasses import replace
from itertools import count

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
    """What the versions so far had of each name: the paths behind each of its numbers."""

    def __init__(self) -> None:
        self._paths: dict[str, list[set[str]]] = {}

    def keys(self, named: Iterable[tuple[str, str]]) -> list[Key]:
        """The keys of what one version has, which comes as name and path."""
        wanted = list(named)
        found: dict[int, Key] = {}
        used: set[Key] = set()
        for choose in (self._same, _free):
            for place, (name, path) in enumerate(wanted):
                key = None if place in found else choose(name, path, used)
                if key:
                    found[place] = key
                    used.add(key)
        for place, (name, path) in enumerate(wanted):
            self._learn(name, found[place][1], path)
        return [found[place] for place in range(len(wanted))]

    def _same(self, name: str, path: str, used: Container[Key]) -> Key | None:
        numbers = (number for number, paths in enumerate(self._paths.get(name, ())) if path in paths)
        return next(((name, number) for number in numbers if (name, number) not in used), None)

    def _learn(self, name: str, number: int, path: str) -> None:
        paths = self._paths.setdefault(name, [])
        paths += [set() for _ in range(number + 1 - len(paths))]
        paths[number].add(path)


def _free(name: str, _path: str, used: Container[Key]) -> Key:
    return next((name, number) for number in count() if (name, number) not in used)
