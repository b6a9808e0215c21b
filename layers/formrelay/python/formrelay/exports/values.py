"""What an answer becomes in the cells of its question: one function per question of a version, made once
(contract exports §3.3)."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, Final, Generic, NamedTuple, TypeVar

from formrelay.exports import form
from formrelay.exports.form import Question
from formrelay.exports.layout import Field
from formrelay.exports.options import DETAILS, SUMMARY, Options

Record = Mapping[str, Any]
Texts = tuple[str, ...]
T = TypeVar("T")

# Where a record has nothing: no answer has this key.
NOWHERE: Final = ""
_DELETED: Final = "Deleted"
# Different answers of one select that are remembered, with what they became.
_MEMORY: Final = 4_000
_LONGEST: Final = 200


class Maker(NamedTuple):
    """How one question of one version fills its columns.

    ``key`` is where records have the answer. ``texts`` makes the cells of an answer; None: the answer is the cell.
    ``few``: answers repeat, so that what they became is worth remembering. ``with_record`` makes the cells of an answer
    with a look at the whole submission. ``width``: how many cells that are.
    """

    key: str
    texts: Callable[[str], Texts] | None = None
    few: bool = False
    with_record: Callable[[str, Record], Texts] | None = None
    width: int = 1


class Memory(dict[str, T], Generic[T]):
    """What texts became, remembered unless they are long, while there are not too many of them."""

    def __init__(self, make: Callable[[str], T]) -> None:
        super().__init__()
        self._make = make

    def __missing__(self, value: str) -> T:
        made = self._make(value)
        if len(value) <= _LONGEST:
            if len(self) >= _MEMORY:
                self.clear()
            self[value] = made
        return made


def text(value: Any) -> str:
    """An answer as text, whatever a client made of it; what is no answer (the entries of a repeat) is empty."""
    if isinstance(value, str):
        return value
    if value is None or isinstance(value, (list, dict)):
        return ""
    return json.dumps(value)


def maker(field: Field, own: Question | None, options: Options) -> Maker:
    """How a version fills the columns of a field; ``own`` is its question, None where it has none."""
    width = len(field.columns)
    question = field.question
    if own is None or own.type == form.NOTE:
        return (
            Maker(NOWHERE) if width == 1 else Maker(NOWHERE, lambda _: ("",) * width, few=True, width=width)
        )
    if own.type != question.type:
        # The question became another one: its old answers are read as those of today are.
        own = Question(own.name, own.path, question.type, own.label, choices=question.choices)
    if question.type == form.SELECT_ONE:
        labels = {choice.name: choice.label for choice in own.choices}
        return Maker(own.path) if options.wants_names else Maker(own.path, _label_in(labels), few=True)
    if question.type == form.SELECT_MULTIPLE:
        return Maker(own.path, _chosen(own, question, options), few=True, width=width)
    if question.type == form.GEOPOINT:
        return Maker(own.path, _geopoint, width=width)
    if width == 2:
        return Maker(own.path, with_record=_with_url, width=width)
    return Maker("meta/audit" if question.type == form.AUDIT else own.path)


def _label_in(labels: Mapping[str, str]) -> Callable[[str], Texts]:
    return lambda value: (labels.get(value, value),)


def _chosen(own: Question, newest: Question, options: Options) -> Callable[[str], Texts]:
    """Summary and choice columns; ``own`` are the choices there were, ``newest`` those that have columns."""
    labels = {choice.name: choice.label for choice in own.choices}
    names = [choice.name for choice in newest.choices] if options.multiple_select != SUMMARY else []
    summary = options.multiple_select != DETAILS
    blank = ("",) * (len(names) + summary)

    def texts(value: str) -> Texts:
        chosen = value.split()
        if not chosen:
            return blank
        marks = ["1" if name in chosen else "0" if name in labels else "" for name in names]
        return (" ".join([labels.get(name, name) for name in chosen]), *marks) if summary else tuple(marks)

    return texts


def _geopoint(value: str) -> Texts:
    parts = value.split()[:4]
    return (value, *parts, *("",) * (4 - len(parts)))


def _with_url(value: str, record: Record) -> Texts:
    return value, attachment_url(value, record) if value else ""


def attachment_url(value: str, record: Record) -> str:
    """The URL of the file that an answer names; empty when the submission has none of that name.

    The name as it was sent tells files apart that are stored under other ones, or end alike, such as 1.jpg and 11.jpg.
    """
    attachments = record.get("_attachments") or ()
    named = [file for file in attachments if file.get("media_file_basename") == value]
    stored = value.replace(" ", "_")
    for file in named or (file for file in attachments if str(file.get("filename", "")).endswith(stored)):
        return _DELETED if file.get("is_deleted") else str(file.get("download_url", ""))
    return ""


def _joined(value: Any) -> str:
    # A text is the answer to a question of that name.
    return ", ".join(map(str, value)) if isinstance(value, list) else ""


def meta(name: str, options: Options) -> Maker:
    """How a column of the submission itself is filled."""
    if name == "_validation_status":
        part = "uid" if options.wants_names else "label"
        return Maker(name, with_record=lambda _, record: (str((record.get(name) or {}).get(part, "")),))
    if name in ("_tags", "_notes"):
        return Maker(name, with_record=lambda _, record: (_joined(record.get(name)),))
    if name in ("_id", "_submitted_by"):
        return Maker(name, with_record=lambda _, record: (text(record.get(name)),))
    return Maker(name)
