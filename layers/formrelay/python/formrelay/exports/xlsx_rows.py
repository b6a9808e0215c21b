"""The cells of a row: for every question of a version one function from its answer to them, made once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from formrelay.exports.layout import Column
from formrelay.exports.values import Maker, Memory, Record, text
from formrelay.exports.xlsx_cells import LONGEST_TEXT, Encoder, encoder, is_text, plain_encoder

Cells = list[str]

# Between texts that are looked at together; a space beside it is one that XML has to be told to keep.
_MARK: Final = "|"
_SPECIAL: Final = ("&", "<", ">", "_x", "://", f" {_MARK}", f"{_MARK} ")


class Filler:
    """The cells of one section in one version."""

    def __init__(
        self, makers: Sequence[Maker], columns: Sequence[Column], first: int = 0, *, as_text: bool
    ) -> None:
        """``columns`` are those of the makers, the first of which is number ``first`` of its sheet."""
        self._keys = [maker.key for maker in makers]
        self._blanks = ("",) * len(makers)
        self._functions: list[Callable[[Any], Any]] = []
        self._quick: list[Callable[[Any], Any]] = []
        # Answers that are their cells as text; functions that look at the whole submission; and all that fill several
        # cells, from the last one on.
        self._texts: list[int] = []
        self._looked_up: list[tuple[int, Callable[[Any, Record], Cells]]] = []
        self._wide: list[int] = []
        place = 0
        for number, maker in enumerate(makers):
            kinds = [column.kind for column in columns[place : place + maker.width]]
            encoders = [encoder(kind, first + place + i, as_text=as_text) for i, kind in enumerate(kinds)]
            function = _function(maker, encoders)
            self._functions.append(function)
            if function is encoders[0] and is_text(kinds[0], as_text=as_text):
                self._texts.append(number)
                function = plain_encoder(first + place)
            self._quick.append(function)
            if maker.with_record:
                self._looked_up.append((number, _looked_up(maker, encoders)))
            if maker.with_record or maker.width > 1:
                self._wide.insert(0, number)
            place += maker.width

    def cells(self, entry: Record, record: Record) -> Cells:
        values = list(map(entry.get, self._keys, self._blanks))
        try:
            return self._cells(values, record)
        except (TypeError, AttributeError):  # answers that are no texts
            return self._cells([text(value) for value in values], record)

    def _cells(self, values: list[Any], record: Record) -> Cells:
        # Most texts are plain, which one look at all of them together tells.
        functions = (
            self._quick if _are_plain(_MARK.join([values[i] for i in self._texts])) else self._functions
        )
        made = [function(value) for function, value in zip(functions, values, strict=True)]
        for number, several in self._looked_up:
            made[number] = several(values[number], record)
        for number in self._wide:
            made[number : number + 1] = made[number]
        return made


def _are_plain(texts: str) -> bool:
    """Whether no text needs escaping, cutting, or is a link."""
    return (
        texts.isprintable()
        and len(texts) < LONGEST_TEXT // 2
        and not any(map(texts.__contains__, _SPECIAL))
        and texts[:1] != " "
        and texts[-1:] != " "
    )


def _function(maker: Maker, encoders: Sequence[Encoder]) -> Callable[[Any], Any]:
    """From an answer to the body of its cell, or to a list of several."""
    encode, texts = encoders[0], maker.texts
    if maker.with_record:
        return _nothing
    if texts is None:
        return encode
    made: Callable[[str], Any]
    if len(encoders) == 1:

        def made(value: str) -> str:
            return encode(texts(value)[0])

    else:

        def made(value: str) -> Cells:
            return [encode(cell) for encode, cell in zip(encoders, texts(value), strict=True)]

    return Memory(made).__getitem__ if maker.few else made


def _nothing(_: Any) -> str:
    """Stands for what is looked up afterwards."""
    return ""


def _looked_up(maker: Maker, encoders: Sequence[Encoder]) -> Callable[[Any, Record], Cells]:
    find = maker.with_record
    assert find is not None  # noqa: S101 - it is asked before

    def made(value: str, record: Record) -> Cells:
        return [encode(cell) for encode, cell in zip(encoders, find(value, record), strict=True)]

    return made
