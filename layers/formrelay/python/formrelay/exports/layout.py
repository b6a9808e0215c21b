"""Which columns an export has, over all versions of its form: headers, order, what is filtered out
(contract exports §3.2, §3.3, §3.5–§3.7)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import Enum
from typing import Final, NamedTuple

from formrelay.exports import form
from formrelay.exports.form import MAIN_KEY, Key, Question, Version
from formrelay.exports.options import DETAILS, SUMMARY, Options

META: Final = (
    "_id",
    "_uuid",
    "_submission_time",
    "_validation_status",
    "_notes",
    "_status",
    "_submitted_by",
    "__version__",
    "_tags",
    "meta/rootUuid",
)
ALWAYS: Final = ("_uuid", "meta/rootUuid")
INDEX: Final = "_index"
PARENT_TABLE: Final = "_parent_table_name"
PARENT_INDEX: Final = "_parent_index"
GEO_PARTS: Final = ("latitude", "longitude", "altitude", "precision")


class Kind(Enum):
    """What a spreadsheet makes of the texts of a column."""

    TEXT = "text"
    NUMBER = "number"
    DATE = "date"
    DATETIME = "datetime"
    GUESS = "guess"
    """A number if it looks like one."""
    ALWAYS_NUMBER = "always"


_KINDS: Final = {
    "integer": Kind.NUMBER,
    "decimal": Kind.NUMBER,
    "range": Kind.NUMBER,
    "date": Kind.DATE,
    "today": Kind.DATE,
    "datetime": Kind.DATETIME,
    "dateTime": Kind.DATETIME,
    "start": Kind.DATETIME,
    "end": Kind.DATETIME,
    form.SELECT_ONE: Kind.GUESS,
    form.SELECT_MULTIPLE: Kind.GUESS,
}
_META_KINDS: Final = {"_id": Kind.ALWAYS_NUMBER, "_submission_time": Kind.DATETIME}


class Column(NamedTuple):
    """One column: its header, what a spreadsheet makes of it, its HXL tags."""

    header: str
    kind: Kind = Kind.TEXT
    tags: str = ""


class Field(NamedTuple):
    """The columns of one question. ``question`` is its newest definition, with the choices of all versions before."""

    key: Key
    question: Question
    columns: tuple[Column, ...]


class Sheet(NamedTuple):
    """The questions' columns of one section; ``name`` is the repeat's, empty for the main one."""

    key: Key
    name: str
    fields: tuple[Field, ...]


class Layout(NamedTuple):
    """All sections of an export, the main one first. ``meta``: names of meta columns; ``indexed``: whether the main
    section has ``_index``."""

    sheets: tuple[Sheet, ...]
    meta: tuple[str, ...]
    indexed: bool

    def headers(self, sheet: Sheet) -> list[Column]:
        """All columns of a section, those of the export itself included."""
        columns = [column for field in sheet.fields for column in field.columns]
        if sheet.key == MAIN_KEY:
            columns += meta_columns(self.meta)
            return columns + [Column(INDEX, Kind.ALWAYS_NUMBER)] * self.indexed
        columns += [
            Column(INDEX, Kind.ALWAYS_NUMBER),
            Column(PARENT_TABLE),
            Column(PARENT_INDEX, Kind.ALWAYS_NUMBER),
        ]
        return columns + meta_columns(META, "_submission_")


def meta_columns(names: Sequence[str], prefix: str = "") -> list[Column]:
    """The columns of what the server knows of a submission."""
    return [Column(prefix + name, _META_KINDS.get(name, Kind.TEXT)) for name in names]


def lay_out(versions: Sequence[Version], options: Options) -> Layout:
    """The columns of an export of these versions, newest first, whose choices have been handed on."""
    sheets = [
        Sheet(key, section.name, tuple(_fields(key, versions, options)))
        for key, section in _sections(versions).items()
    ]
    has_repeats = len(sheets) > 1
    if not options.fields:
        return Layout(tuple(sheets), META, indexed=True)
    wanted = options.fields.union(ALWAYS)
    return Layout(
        tuple(_needed(sheets, versions, options)),
        tuple(name for name in META if name in wanted),
        indexed=INDEX in wanted or has_repeats,
    )


def enlarged(fields: Sequence[str]) -> list[str]:
    """The ``fields`` of an export with those that are always added, as its task shows them (contract exports §3.6)."""
    added: list[str] = []
    for path in fields:
        parts = path.split("/")
        added += ["/".join(parts[:end]) for end in range(1, len(parts))]
    return list(dict.fromkeys([*fields, *added, *ALWAYS, "_attachments", "_supplementalDetails"]))


def _sections(versions: Sequence[Version]) -> dict[Key, form.Section]:
    found: dict[Key, form.Section] = {}
    for version in versions:
        for key, section in version.sections.items():
            found.setdefault(key, section)
    return found


def _needed(sheets: list[Sheet], versions: Sequence[Version], options: Options) -> Iterator[Sheet]:
    """The main section, the repeats with columns or named themselves, and those around, to which their rows refer."""
    found = [(key, section) for version in versions for key, section in version.sections.items()]
    todo = [sheet.key for sheet in sheets if sheet.fields]
    todo += [key for key, section in found if section.path in options.fields]
    needed = {MAIN_KEY}
    while todo:
        key = todo.pop()
        if key not in needed:
            needed.add(key)
            todo += [section.parent for other, section in found if other == key and section.parent]
    return (sheet for sheet in sheets if sheet.key in needed)


def _fields(key: Key, versions: Sequence[Version], options: Options) -> Iterator[Field]:
    definitions: dict[Key, Question] = {}
    paths: dict[Key, set[str]] = {}
    for version in versions:
        section = version.sections.get(key)
        for name, question in section.questions.items() if section else ():
            paths.setdefault(name, set()).update((question.path, question.with_question))
            definitions.setdefault(name, question)
    for name, question in definitions.items():
        if not options.fields or paths[name] & options.fields:
            yield Field(name, question, tuple(columns(question, options)))


def columns(question: Question, options: Options) -> Iterator[Column]:
    """The columns of a question; its tags stand on the first one."""
    made = list(_columns(question, options))
    for number, column in enumerate(made):
        yield column._replace(tags=question.tags) if not number else column


def _columns(question: Question, options: Options) -> Iterator[Column]:
    prefix = "".join(f"{label}{options.group_sep}" for label in question.groups) if options.hierarchy else ""
    header = prefix + question.label
    if question.type == form.GEOPOINT:
        yield Column(question.label)  # without the groups, as its parts have them
        yield from (Column(f"{prefix}_{question.label}_{part}", Kind.NUMBER) for part in GEO_PARTS)
        return
    is_multiple = question.type == form.SELECT_MULTIPLE
    if not is_multiple or options.multiple_select != DETAILS:
        yield Column(header, _KINDS.get(question.type, Kind.TEXT))
    if is_multiple and options.multiple_select != SUMMARY:
        for choice in question.choices:
            yield Column(f"{header}{options.group_sep}{choice.label}", Kind.NUMBER)
    if options.media_urls and question.type in form.MEDIA:
        yield Column(f"{header}_URL")
