"""Where the elements of instance XML stand in its bytes, so that some can be changed and every other byte stays."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from formrelay.openrosa import bounds
from formrelay.openrosa.errors import MalformedXmlError, XmlTooLargeError

if TYPE_CHECKING:
    from collections.abc import Iterator

_START_TAG = re.compile(rb"<(?:[^\"'>]++|\"[^\"]*+\"|'[^']*+')*+>")
_DECLARED = re.compile(r"(<\?xml[^>]*?encoding\s*=\s*[\"'])[A-Za-z0-9._-]+")
_UTF_8 = ("utf-8", "us-ascii", "ascii")
_NAMESPACE = "xmlns:"


@dataclass(slots=True, eq=False)
class Element:
    """An element: its start tag stands at ``start:inside``, its end tag at ``end:after``.

    Of ``<a/>`` all but ``start`` are the same. ``prefixes`` are those that it declares.
    """

    tag: str
    start: int
    inside: int
    parent: Element | None
    prefixes: frozenset[str]
    end: int = 0
    after: int = 0
    empty_tag: bool = False
    has_text: bool = False
    last: Element | None = None
    children: defaultdict[str, list[Element]] = field(default_factory=lambda: defaultdict(list))

    @property
    def name(self) -> str:
        """The tag without its prefix."""
        return self.tag.rpartition(":")[2]

    def all_children(self) -> Iterator[Element]:
        """Its children, by tag in the order in which the tags first stand."""
        for siblings in self.children.values():
            yield from siblings

    def declares(self, prefix: str) -> bool:
        """Whether that prefix means a namespace in here."""
        found: Element | None = self
        while found is not None:
            if prefix in found.prefixes:
                return True
            found = found.parent
        return False


def utf8(xml: bytes) -> bytes:
    """The document, checked, in UTF-8: the same bytes, or the same text where it was in another encoding.

    Raises what ``instance.read`` raises.
    """
    xml = bounds.checked(xml)
    name = _encoding(xml)
    if name.lower() in _UTF_8:
        return xml
    try:
        text = xml.decode(name).removeprefix("\ufeff")
    except (ValueError, LookupError):
        raise MalformedXmlError from None
    return _DECLARED.sub(r"\1utf-8", text, count=1).encode()


def _encoding(xml: bytes) -> str:
    # UTF-16 without a byte order mark has a zero beside "<".
    if b"\0" in xml[:2]:
        return "utf-16-be" if xml[0] == 0 else "utf-16-le"
    return bounds.encoding(xml)


def parse(xml: bytes) -> Element:
    """The root of a document in UTF-8. Raises what ``instance.read`` raises, also for one that is nested too deeply."""
    reader = _Reader(xml)
    parser = bounds.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = lambda tag, attributes: reader.start(
        parser.CurrentByteIndex, tag, attributes
    )
    parser.EndElementHandler = lambda _tag: reader.end(parser.CurrentByteIndex)
    parser.CharacterDataHandler = reader.characters
    try:
        parser.Parse(xml, True)
    except bounds.PARSE_ERRORS as error:
        raise bounds.failure(xml, error) from None
    assert reader.root is not None  # noqa: S101 - a document without an element is malformed
    return reader.root


class _Reader:
    """Takes expat's events."""

    def __init__(self, xml: bytes) -> None:
        self._xml = xml
        self._open: Element | None = None
        self._depth = 0
        self.root: Element | None = None

    def start(self, index: int, tag: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        if self._depth > bounds.MAX_DEPTH:
            raise XmlTooLargeError
        inside = self._tag_end(index)
        prefixes = frozenset(
            name.removeprefix(_NAMESPACE) for name in attributes if name.startswith(_NAMESPACE)
        )
        element = Element(tag, index, inside, self._open, prefixes)
        element.empty_tag = self._xml[inside - 2 : inside] == b"/>"
        if self._open is None:
            self.root = element
        else:
            self._open.children[tag].append(element)
            self._open.last = element
        self._open = element

    def _tag_end(self, index: int) -> int:
        found = _START_TAG.match(self._xml, index)
        if found is None:
            raise MalformedXmlError
        return found.end()

    def end(self, index: int) -> None:
        self._depth -= 1
        element = self._open
        if element is None:
            raise MalformedXmlError
        element.end = element.inside if element.empty_tag else index
        element.after = element.inside if element.empty_tag else self._xml.index(b">", index) + 1
        self._open = element.parent

    def characters(self, data: str) -> None:
        if self._open is not None and data.strip(" \t\r\n"):
            self._open.has_text = True
