"""The XML that hooks get: the submission as received, whole or a subset (contract rest-services §6).

Names, prefixes, attributes and namespace declarations stay as the client wrote them, so expat's events
are written straight out again; ElementTree would rename prefixes. Comments and processing instructions
are no answers and are left out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from formrelay.hooks.subset import matcher
from formrelay.openrosa import bounds
from formrelay.openrosa.errors import XmlTooLargeError
from formrelay.openrosa.markup import attribute, text

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_DECLARATION = "<?xml version='1.0' encoding='utf-8'?>\n"


def render(xml: bytes) -> bytes:
    """The whole submission, in UTF-8. Raises what ``instance.read`` raises."""
    return _rewritten(xml, None)


def subset(xml: bytes, entries: Sequence[str]) -> bytes:
    """The elements that an entry names, with all they hold and the elements around them.

    ``hooks.subset`` says what an entry names. The root always stays, with its attributes; empty when
    nothing matches. Raises what ``instance.read`` raises.
    """
    return _rewritten(xml, matcher(entries))


def shell(form: str, instance_id: str, root_uuid: str) -> bytes:
    """An instance of a form that has no answers, nothing but what tells which one it is."""
    meta = f"<instanceID>{text(instance_id)}</instanceID><rootUuid>{text(root_uuid)}</rootUuid>"
    return f"{_DECLARATION}<{form} id={attribute(form)}><meta>{meta}</meta></{form}>".encode()


def _rewritten(xml: bytes, rank: Callable[[str], int | None] | None) -> bytes:
    xml = bounds.checked(xml)
    writer = _Writer(rank, bounds.MAX_PATHS + len(xml))
    parser = bounds.ParserCreate()
    parser.ordered_attributes = True
    parser.buffer_text = True
    parser.StartElementHandler = writer.start
    parser.EndElementHandler = writer.end
    parser.CharacterDataHandler = writer.characters
    try:
        parser.Parse(xml, True)
    except bounds.PARSE_ERRORS as error:
        raise bounds.failure(xml, error) from None
    return "".join(writer.out).encode()


class _Writer:
    """Writes elements as they come. Those around a selected one are held back until it is met."""

    def __init__(self, rank: Callable[[str], int | None] | None, room: int) -> None:
        self.out = [_DECLARATION]
        self._rank = rank
        self._paths: list[str] = []  # of the elements we are in, without the root
        self._depth = 0
        self._room = room  # characters of paths left, at least what `instance.flatten` allows
        self._waiting: list[str] = []
        self._kept_at = 0 if rank else 1  # depth of the selected element we are in; 0: in none
        self._open = False  # the last start tag still lacks its ">"

    def start(self, tag: str, attributes: list[str]) -> None:
        self._depth += 1
        if self._depth > bounds.MAX_DEPTH:
            raise XmlTooLargeError
        pairs = zip(attributes[::2], attributes[1::2], strict=True)
        self._waiting.append("<" + tag + "".join(f" {name}={attribute(value)}" for name, value in pairs))
        if not self._kept_at and self._depth > 1 and self._selected(tag):
            self._kept_at = self._depth
        if self._kept_at or self._depth == 1:
            self._flush()

    def _selected(self, tag: str) -> bool:
        """Whether an entry names this element; within a kept one nobody asks, and no path is noted."""
        path = f"{self._paths[-1]}/{tag}" if self._paths else tag
        self._room -= len(path)
        if self._room < 0:
            raise XmlTooLargeError
        self._paths.append(path)
        return self._rank is not None and self._rank(path) is not None

    def characters(self, data: str) -> None:
        if self._kept_at:
            self._close_tag()
            self.out.append(text(data))

    def end(self, tag: str) -> None:
        if self._waiting:
            self._waiting.pop()
        elif self._open:
            self.out.append("/>")
            self._open = False
        else:
            self.out.append(f"</{tag}>")
        if len(self._paths) == self._depth - 1 and self._paths:
            self._paths.pop()
        if self._kept_at == self._depth and self._rank:
            self._kept_at = 0
        self._depth -= 1

    def _flush(self) -> None:
        for start_tag in self._waiting:
            self._close_tag()
            self.out.append(start_tag)
            self._open = True
        self._waiting.clear()

    def _close_tag(self) -> None:
        if self._open:
            self.out.append(">")
            self._open = False
