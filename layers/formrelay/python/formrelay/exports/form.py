"""The questions of one version of a form, in sections: the main one and one per repeat (exports §3.2, §3.5)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from formrelay.exports.options import UNNAMED, Options
from formrelay.forms import grids
from formrelay.forms.names import is_begin, is_end

Row = Mapping[str, Any]
Key = tuple[str, int]

MAIN: Final = ""
OTHER: Final = "other"
SELECT_ONE: Final = "select_one"
SELECT_MULTIPLE: Final = "select_multiple"
GEOPOINT: Final = "geopoint"
AUDIT: Final = "audit"
NOTE: Final = "note"
MEDIA: Final = frozenset({"image", "audio", "video", "file", "background-audio"})
_HXL: Final = "hxl:"


class Choice(NamedTuple):
    """A choice of a list: its value, and its label in the language of the export (the value where it has none)."""

    name: str
    label: str


class Question(NamedTuple):
    """A question as one version asks it.

    ``groups`` are the labels of the groups and repeats around it, outermost first; ``path`` is its key in records.
    """

    name: str
    path: str
    type: str
    label: str
    groups: tuple[str, ...] = ()
    choices: tuple[Choice, ...] = ()
    tags: str = ""
    with_question: str = ""
    """Path of the question that it comes and goes with, as the text of ``or_other`` does."""


@dataclass
class Section:
    """The main section (path ``""``) or a repeat; ``questions`` by name, numbered where a name comes again."""

    name: str
    path: str
    parent: Key | None
    questions: dict[Key, Question] = field(default_factory=dict)


@dataclass
class Version:
    """One version of a form in the language of the export; ``sections`` in form order, the main one first."""

    uid: str
    sections: dict[Key, Section]


MAIN_KEY: Final[Key] = (MAIN, 0)


def read(uid: str, content: Mapping[str, Any], options: Options) -> Version:
    """The version behind stored content (contract assets §4)."""
    content = grids.plain(content)
    reader = _Reader(content, options)
    for row in content.get("survey", ()):
        reader.add(row)
    return Version(uid, reader.sections)


class _Reader:
    def __init__(self, content: Mapping[str, Any], options: Options) -> None:
        self._language = _language_index(content.get("translations") or [None], options)
        self._lists = self._choice_lists(content.get("choices", ()))
        self.sections: dict[Key, Section] = {MAIN_KEY: Section(MAIN, MAIN, None)}
        # How many keys a name has in a section; of sections, in None.
        self._taken: Counter[tuple[Key | None, str]] = Counter({(None, MAIN): 1})
        # What is open: (key of the section inside it, labels down to it).
        self._open: list[tuple[Key, tuple[str, ...]]] = [(MAIN_KEY, ())]

    def add(self, row: Row) -> None:
        kind = str(row["type"])
        if is_end(kind):
            if len(self._open) > 1:
                self._open.pop()
        elif is_begin(kind):
            self._begin(row, is_repeat=kind.endswith("repeat"))
        else:
            for question in self._questions(row, kind):
                section = self._open[-1][0]
                self.sections[section].questions[self._numbered(question.name, section)] = question

    def _begin(self, row: Row, *, is_repeat: bool) -> None:
        inside, labels = self._open[-1]
        name = _name(row)
        key = inside
        if is_repeat:
            key = self._numbered(name)
            self.sections[key] = Section(name, str(row.get("$xpath") or name), inside)
        self._open.append((key, (*labels, self._label(row, name))))

    def _numbered(self, name: str, section: Key | None = None) -> Key:
        """The next key of that name among the questions of a section, or among the sections."""
        number = self._taken[section, name]
        self._taken[section, name] += 1
        return name, number

    def _questions(self, row: Row, kind: str) -> Iterator[Question]:
        name = _name(row)
        path = str(row.get("$xpath") or name)
        label, groups = self._label(row, name), self._open[-1][1]
        choices = self._lists.get(str(row.get("select_from_list_name", "")), ())
        with_other = bool(row.get("_or_other"))
        if with_other and kind == SELECT_MULTIPLE and all(choice.name != OTHER for choice in choices):
            choices = (*choices, Choice(OTHER, OTHER))
        yield Question(name, path, kind, label, groups, choices, _tags(row))
        if with_other and kind == SELECT_ONE:
            yield Question(
                f"{name}_{OTHER}", f"{path}_{OTHER}", "text", f"{label}_{OTHER}", groups, with_question=path
            )

    def _label(self, row: Row, name: str) -> str:
        """The row's label in the language of the export, its name where it has none."""
        labels = row.get("label")
        if self._language is None or not isinstance(labels, list) or self._language >= len(labels):
            return name
        return labels[self._language] or name

    def _choice_lists(self, rows: Any) -> dict[str, tuple[Choice, ...]]:
        lists: dict[str, dict[str, Choice]] = {}
        for row in rows:
            name = str(row.get("name") or row.get("$autovalue") or "")
            choices = lists.setdefault(str(row["list_name"]), {})
            choices.setdefault(name, Choice(name, self._label(row, name)))
        return {list_name: tuple(choices.values()) for list_name, choices in lists.items()}


def _language_index(translations: list[str | None], options: Options) -> int | None:
    """Where labels stand in the arrays; None where names and values are wanted or the language is missing."""
    language = None if options.lang == UNNAMED else options.lang
    if options.wants_names or language not in translations:
        return None
    return translations.index(language)


def _name(row: Row) -> str:
    return str(row.get("name") or row.get("$autoname") or "")


def _tags(row: Row) -> str:
    tags = row.get("tags") or ()
    return "".join(tag.removeprefix(_HXL) for tag in tags if isinstance(tag, str) and tag.startswith(_HXL))


def hand_on_choices(versions: Sequence[Version]) -> None:
    """Gives every question the choices that it had in the versions before, older ones first, under its own labels.

    ``versions`` come newest first. A value that is no longer a choice keeps its column (contract exports §3.7).
    """
    had: dict[tuple[Key, Key], Question] = {}
    for version in reversed(versions):
        for key, section in version.sections.items():
            for name, question in section.questions.items():
                before = had.get((key, name))
                if before and before.type == question.type and before.choices:
                    choices = _merged(before.choices, question.choices)
                    section.questions[name] = question._replace(choices=choices)
                had[key, name] = section.questions[name]


def _merged(older: Sequence[Choice], newer: Sequence[Choice]) -> tuple[Choice, ...]:
    by_name = {choice.name: choice for choice in older} | {choice.name: choice for choice in newer}
    return tuple(by_name.values())
