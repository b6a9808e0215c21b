"""Instance XML → ids, then answers as the data API shows them (contract submissions §6).

Two steps, because a form's repeats are known only once the form is, while XML is parsed once: :func:`read`
gives the ids and keeps xmltodict's result, :func:`flatten` makes the answers of it.

xmltodict does the parsing: through its ``expat`` argument it takes a parser that refuses DTDs, and
:mod:`formrelay.openrosa.bounds` caps the rest, so its speed is kept and its result needs one walk only.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import xmltodict

from formrelay.openrosa import bounds, instance_ids
from formrelay.openrosa.errors import EmptySubmissionError, MissingInstanceIdError, Outcome, XmlTooLargeError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

Answers = dict[str, Any]
"""Path → text, or list of such dicts for a repeat; keys are full paths without the root, in XML order."""

# Bytes. They become parts of keys, also of S3, which takes 1,024 bytes of what escapes make of them.
MAX_IDENTIFIER = 255

# xmltodict's marks. No XML name starts with them.
_ATTRIBUTE = "@"
_TEXT = "#text"
_MARKS = "@#"
_WHITESPACE = " \t\r\n"
_KOBO_NAMESPACE = "http://kobotoolbox.org/xforms"
# Beyond it, and for "nan", a text is no coordinate, whatever Python's float makes of it.
_MAX_DEGREES = 360


@dataclass(frozen=True, slots=True)
class Instance:
    """What the root and ``meta`` of a submission say, without whitespace around it; absent or blank is None."""

    root: str
    form_id: str | None
    version: str | None
    form_uuid: str | None
    version_uid: str | None
    instance_id: str | None
    deprecated_id: str | None
    root_uuid: str | None
    submission_date: str | None
    submit_message: str | None
    encrypted: bool
    node: dict[str, Any] = field(repr=False, compare=False)
    """The root in xmltodict's shape, for :func:`flatten`."""

    @property
    def uuid(self) -> str:
        """``instance_id`` without ``uuid:``; any other scheme is kept whole. Raises MissingInstanceIdError."""
        uuid = instance_ids.bare(self.instance_id or "")
        if not uuid:
            raise MissingInstanceIdError
        return uuid


def read(xml: bytes) -> Instance:
    """Parse instance XML. Raises MalformedXmlError, UnsupportedCharactersError or EmptySubmissionError, and
    OpenRosaError for identifiers that are too long to look anything up by.

    A missing instanceID and too deep nesting show later, in ``uuid`` and :func:`flatten`: the form and
    the right to submit are looked at first (contract submissions §4, order of checks).
    """
    xml = bounds.checked(xml)
    try:
        document = xmltodict.parse(xml, expat=bounds, strip_whitespace=False)
        bounds.check_prefixes(xml)
    except bounds.PARSE_ERRORS as error:
        raise bounds.failure(xml, error) from None
    ((root, content),) = document.items()
    node = content if isinstance(content, dict) else {}
    meta = _child(node, "meta")
    return Instance(
        root=root,
        form_id=_identifier(_attribute(node, "id")),
        version=_attribute(node, "version"),
        form_uuid=_identifier(_text_of(_child(node, "formhub").get("uuid"))),
        version_uid=_identifier(_text_of(node.get("__version__"))),
        instance_id=_identifier(_meta_text(meta, "instanceID") or _attribute(node, "instanceID")),
        deprecated_id=_identifier(_meta_text(meta, "deprecatedID")),
        root_uuid=_identifier(_meta_text(meta, "rootUuid")),
        submission_date=_attribute(node, "submissionDate"),
        submit_message=_submit_message(node),
        encrypted=_attribute(node, "encrypted") == "yes",
        node=node,
    )


def flatten(instance: Instance, repeats: Collection[str]) -> Answers:
    """The answers of a submission; ``repeats`` are the paths of the form's repeats, without the root.

    Raises MissingInstanceIdError without an instanceID, EmptySubmissionError without any answer,
    XmlTooLargeError when nested deeper than ``bounds.MAX_DEPTH`` or with paths beyond ``bounds.MAX_PATHS``.
    """
    _ = instance.uuid  # or raises
    answers: Answers = {}
    _Flattener(repeats).walk(instance.node, "", answers, 2)
    if not answers:
        raise EmptySubmissionError
    return answers


def xpaths(instance: Instance, repeats: Collection[str], questions: Collection[str]) -> dict[str, str]:
    """Answer to one of ``questions`` → where it stands, with 1-based indexes: ``hh/member[1]/portrait``.

    For ``question_xpath`` of attachments, and for the file names that a submission names. Indexes count the
    instances of a repeat as they stand in the XML, unanswered ones too; of equal answers the first one counts.
    Takes an instance that :func:`flatten` has taken.
    """
    locator = _Locator(repeats, questions)
    locator.walk(instance.node, "", "")
    return locator.found


def geolocation(answers: Answers, geopoints: Iterable[str]) -> list[float | None]:
    """``[lat, lng]`` of the first answered geopoint (paths in form order), ``[None, None]`` without a usable one."""
    for path in geopoints:
        text = answers.get(path)
        if isinstance(text, str):
            return _coordinates(text)
    return [None, None]


class _Flattener:
    """One walk over a document; ``room`` is what is left of the characters its paths may have together."""

    def __init__(self, repeats: Collection[str]) -> None:
        self._repeats = repeats
        self._room = bounds.MAX_PATHS

    def walk(self, node: dict[str, Any], prefix: str, out: Answers, depth: int) -> None:
        """Put the answers below a group into ``out``, under full paths; ``depth`` is that of its children."""
        self._take(len(prefix) * len(node))
        if depth > bounds.MAX_DEPTH:
            raise XmlTooLargeError
        repeats = self._repeats
        for tag, value in node.items():
            if value is None or tag[0] in _MARKS:
                continue
            path = prefix + tag
            kind = type(value)
            if kind is list or path in repeats:
                rows = self._rows(value if kind is list else [value], path, depth)
                if rows:
                    out[path] = rows
            elif kind is str:
                if not _blank(value):
                    out[path] = value
            elif _is_group(value):
                self.walk(value, path + "/", out, depth + 1)
            elif not _blank(value.get(_TEXT)):
                out[path] = value[_TEXT]

    def _rows(self, values: list[Any], path: str, depth: int) -> list[Answers]:
        self._take(len(path) * len(values))
        rows = []
        for value in values:
            row: Answers = {}
            if isinstance(value, dict) and _is_group(value):
                self.walk(value, path + "/", row, depth + 1)
            else:
                text = _raw_text(value)
                if not _blank(text):
                    row[path] = text
            if row:
                rows.append(row)
        return rows

    def _take(self, characters: int) -> None:
        self._room -= characters
        if self._room < 0:
            raise XmlTooLargeError


def _is_group(node: dict[str, Any]) -> bool:
    """Whether it has child elements; an element with attributes and text only is an answer."""
    return any(tag[0] not in _MARKS for tag in node)


def _blank(text: str | None) -> bool:
    return text is None or (text.isspace() and not text.strip(_WHITESPACE))


def _raw_text(value: Any) -> str | None:
    """The text of an element in xmltodict's shape; None for a group."""
    if isinstance(value, dict):
        value = None if _is_group(value) else value.get(_TEXT)
    return value if isinstance(value, str) else None


def _text_of(value: Any) -> str | None:
    """The text of an element without the whitespace around it; of a repeated element the first one's."""
    text = _raw_text(value[0] if isinstance(value, list) else value)
    return text.strip(_WHITESPACE) or None if text else None


def _attribute(node: dict[str, Any], name: str) -> str | None:
    value = node.get(_ATTRIBUTE + name)
    return value.strip(_WHITESPACE) or None if isinstance(value, str) else None


def _identifier(value: str | None) -> str | None:
    """The identifier, if it is short enough to look anything up by."""
    if value is not None and len(value.encode()) > MAX_IDENTIFIER:
        raise Outcome.IDENTIFIER_TOO_LONG.error()
    return value


def _local(tag: str) -> str:
    return tag.rpartition(":")[2]


def _child(node: dict[str, Any], name: str) -> dict[str, Any]:
    """The first child group of that name, whatever its prefix; empty without one."""
    for tag, value in node.items():
        if tag[0] not in _MARKS and _local(tag) == name:
            first = value[0] if isinstance(value, list) else value
            if isinstance(first, dict):
                return first
    return {}


def _meta_text(meta: dict[str, Any], name: str) -> str | None:
    for tag, value in meta.items():
        if tag[0] not in _MARKS and _local(tag) == name:
            return _text_of(value)
    return None


def _submit_message(node: dict[str, Any]) -> str | None:
    """Text of the question that the root attribute ``kobo:submitMessage`` names; None for a bad path."""
    path = None
    for mark, namespace in node.items():
        if namespace == _KOBO_NAMESPACE and mark.startswith("@xmlns:"):
            path = _attribute(node, mark.removeprefix("@xmlns:") + ":submitMessage")
    return None if path is None else _text_of(_at(node, path.strip("/").split("/")[1:]))


def _at(value: Any, steps: list[str]) -> Any:
    """What stands under these tags; None for a path that leads nowhere."""
    for step in steps:
        if not isinstance(value, dict) or step[:1] in _MARKS:
            return None
        value = value.get(step)
        if isinstance(value, list):
            value = value[0]
    return value


class _Locator:
    """One walk over a document, into those groups only that hold a wanted question."""

    def __init__(self, repeats: Collection[str], questions: Collection[str]) -> None:
        self._repeats = repeats
        self._questions = questions
        self._groups = {path[:end] for path in questions for end, char in enumerate(path) if char == "/"}
        self.found: dict[str, str] = {}

    def walk(self, node: dict[str, Any], prefix: str, place: str) -> None:
        """Looks below a group; ``prefix`` and ``place`` are what paths and places in it begin with."""
        for tag, value in node.items():
            path = prefix + tag
            if path not in self._questions and path not in self._groups:
                continue
            if isinstance(value, list) or path in self._repeats:
                rows = value if isinstance(value, list) else [value]
                for index, row in enumerate(rows, 1):
                    self._look(row, path, f"{place}{tag}[{index}]")
            else:
                self._look(value, path, place + tag)

    def _look(self, value: Any, path: str, place: str) -> None:
        if isinstance(value, dict) and _is_group(value):
            self.walk(value, path + "/", place + "/")
        elif path in self._questions:
            text = _raw_text(value)
            if text is not None and not _blank(text):
                self.found.setdefault(text, place)


def _coordinates(text: str) -> list[float | None]:
    try:
        lat, lng = map(float, text.split()[:2])
    except ValueError:
        return [None, None]
    if "_" in text or not (abs(lat) <= _MAX_DEGREES and abs(lng) <= _MAX_DEGREES):
        return [None, None]
    # The store refuses numbers that are next to nothing.
    return [round(lat, 20), round(lng, 20)]
