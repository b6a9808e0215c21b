"""Changes of instance XML: answers set, emptied or added at paths, every other byte kept (contract data §7).

A path is one of the data API's keys, ``loc/region``; ``hh/member[2]/name`` names an instance of a repeat, without an
index the first one is meant. Tags are meant as they are written, with their prefixes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from formrelay.openrosa import bounds, markup, spans
from formrelay.openrosa.spans import Element

Value = str | None
"""An answer; None or an empty text for none."""

_STEP = re.compile(r"([^\[\]]+)(?:\[([1-9][0-9]{0,5})\])?")
_META: Final = "meta"
# What tells one revision from another, or one form from another, is not edited.
_KEPT = (_META, "formhub", "__version__")


class PathError(ValueError):
    """A path that is none."""


class EditError(Exception):
    """An edit that this submission does not allow; the text says why, for the caller."""


@dataclass(frozen=True)
class Step:
    """One step of a path: a tag, and which of several elements with it (from 1)."""

    tag: str
    index: int | None

    def __str__(self) -> str:
        return self.tag if self.index is None else f"{self.tag}[{self.index}]"


Path = tuple[Step, ...]


def parse_path(text: str) -> Path:
    """The steps of a path. Raises PathError when it is none."""
    parts = text.split("/")
    if len(parts) >= bounds.MAX_DEPTH:
        raise PathError
    return tuple(_step(part) for part in parts)


def _step(text: str) -> Step:
    found = _STEP.fullmatch(text)
    if found is None or len(found[1]) > bounds.MAX_NAME:
        raise PathError
    names = found[1].split(":")
    if len(names) > 2 or not all(map(bounds.is_name, names)):
        raise PathError
    return Step(found[1], int(found[2]) if found[2] else None)


def is_kept(path: Path) -> bool:
    """Whether it leads to what no edit changes."""
    return path[0].tag.rpartition(":")[2] in _KEPT


def edited(xml: bytes, answers: Mapping[Path, Value]) -> bytes:
    """The document with these answers. Raises EditError, and what ``instance.read`` raises."""

    def answer(change: _Change) -> None:
        for path, value in answers.items():
            change.answer(path, value or "")

    return _rewritten(xml, answer)


def identified(
    xml: bytes, instance_id: str, *, deprecated_id: str | None = None, root_uuid: str | None = None
) -> bytes:
    """The document as another instance: all three with their scheme, ``uuid:…``; without a value the latter two go.

    Raises EditError, and what ``instance.read`` raises.
    """

    def identify(change: _Change) -> None:
        change.meta("instanceID", instance_id)
        change.meta("deprecatedID", deprecated_id)
        change.meta("rootUuid", root_uuid)

    return _rewritten(xml, identify)


def restamped(xml: bytes, moment: str, tags: tuple[str, ...]) -> bytes:
    """The document with that text in those of the root's children that are answered."""

    def stamp(change: _Change) -> None:
        for tag in tags:
            for element in change.root.children.get(tag, ())[:1]:
                if element.has_text and not element.children:
                    change.answer((Step(tag, None),), moment)

    return _rewritten(xml, stamp)


def _rewritten(xml: bytes, plan: Callable[[_Change], None]) -> bytes:
    xml = spans.utf8(xml)
    change = _Change(spans.parse(xml))
    plan(change)
    return change.applied(xml)


@dataclass(eq=False)
class _New:
    """Elements that are to be added to one that is there: tag → text, or elements within."""

    tags: dict[str, str | _New] = field(default_factory=dict)

    def text(self) -> str:
        return "".join(
            f"<{tag}>{markup.text(value) if isinstance(value, str) else value.text()}</{tag}>"
            for tag, value in self.tags.items()
        )


class _Change:
    """What is to become of the elements of a document."""

    def __init__(self, root: Element) -> None:
        self.root = root
        self._set: dict[Element, str] = {}
        self._added: dict[Element, _New] = {}
        self._removed: list[Element] = []

    def answer(self, path: Path, value: str) -> None:
        """Sets the element at a path, or adds it; one that is not there is not emptied either."""
        at = self.root
        for number, step in enumerate(path):
            found = _child(at, step)
            if found is None:
                if step.index is not None:
                    raise EditError(f"There is no {_shown(path[: number + 1])}")
                if value:
                    self._add(at, path, number, value)
                return
            at = found
        self._put(at, value, path)

    def _put(self, element: Element, value: str, path: Path) -> None:
        if element.children or element in self._added:
            raise EditError(f"{_shown(path)} is a group")
        if element in self._set:
            raise EditError(f"{_shown(path)} is given twice")
        self._set[element] = value

    def _add(self, at: Element, path: Path, number: int, value: str) -> None:
        """Adds what is missing of a path, from that step on, below an element that is there."""
        if (at.has_text and not at.children) or at in self._set:
            raise EditError(f"{_shown(path[:number])} is a question")
        new = self._added.setdefault(at, _New())
        for step in path[number:]:
            if ":" in step.tag and not at.declares(step.tag.partition(":")[0]):
                raise EditError(f"{_shown(path)} has a prefix without a namespace")
        for step in path[number:-1]:
            inner = new.tags.setdefault(step.tag, _New())
            if isinstance(inner, str):
                raise EditError(f"{_shown(path)} is below a question")
            new = inner
        if path[-1].tag in new.tags:
            raise EditError(f"{_shown(path)} is given twice")
        new.tags[path[-1].tag] = value

    def meta(self, name: str, value: str | None) -> None:
        """Sets, adds or removes an element of ``meta``, whatever prefix that has."""
        meta = next((child for child in self._metas() if child.children), None) or next(self._metas(), None)
        if meta is None:
            if value is not None:
                group = self._added.setdefault(self.root, _New()).tags.setdefault(_META, _New())
                assert isinstance(group, _New)  # noqa: S101 - answers never set it
                group.tags[name] = value
            return
        there = [child for child in meta.all_children() if child.name == name]
        if value is None:
            self._removed += there
        elif there:
            self._put(there[0], value, (Step(there[0].tag, None),))
        else:
            self._added.setdefault(meta, _New()).tags[_prefix(meta) + name] = value

    def _metas(self) -> Iterator[Element]:
        return (child for child in self.root.all_children() if child.name == _META)

    def applied(self, xml: bytes) -> bytes:
        """The document with the changes."""
        cuts: list[tuple[int, int, bytes]] = [(gone.start, gone.after, b"") for gone in self._removed]
        for element, value in self._set.items():
            cuts.append(_content(element, element.inside, markup.text(value)))
        for element, new in self._added.items():
            # Behind the last child, so that the line on which the end tag stands stays.
            at = element.last.after if element.last else element.end
            cuts.append(_content(element, at, new.text(), replaced=False))
        out, done = [], 0
        for start, end, data in sorted(cuts, key=lambda cut: cut[:2]):
            out += [xml[done:start], data]
            done = end
        return b"".join([*out, xml[done:]])


def _content(element: Element, start: int, text: str, *, replaced: bool = True) -> tuple[int, int, bytes]:
    """What puts text into an element: from where, up to where it replaces, and the bytes."""
    if element.empty_tag:
        if not text:
            return element.inside, element.inside, b""
        return element.inside - 2, element.inside, f">{text}</{element.tag}>".encode()
    return start, element.end if replaced else start, text.encode()


def _child(at: Element, step: Step) -> Element | None:
    there = at.children.get(step.tag, [])
    number = (step.index or 1) - 1
    return there[number] if number < len(there) else None


def _prefix(meta: Element) -> str:
    """The prefix of what stands in ``meta``, with its colon."""
    beside = meta.last.tag if meta.last else meta.tag
    return beside[: len(beside) - len(beside.rpartition(":")[2])]


def _shown(path: Path) -> str:
    return f"`{'/'.join(map(str, path))}`"
