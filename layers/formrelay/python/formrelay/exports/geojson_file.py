"""GeoJSON: a feature per answered place of the main section (contract exports §3.8, §3.9; RFC 7946)."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from formrelay.exports.layout import INDEX, Field
from formrelay.exports.options import CONTENT_TYPES, GEOJSON
from formrelay.exports.output import Reader, State, whole
from formrelay.exports.plan import Plan, Section
from formrelay.exports.values import Maker, Record, Texts, text
from formrelay.forms import geo
from formrelay.forms.columns import GEO_TYPES
from formrelay.forms.geo import Geometry
from formrelay.json_text import compact


class GeoJsonFile:
    """A GeoJSON file in the making: one collection of all features, or an array with one of each submission.

    ``state`` is that of an earlier process; ``name`` is the project's.
    """

    content_type = CONTENT_TYPES[GEOJSON]

    def __init__(self, plan: Plan, name: str, *, flatten: bool, state: State | None = None) -> None:
        self._plan = plan
        self._name = name
        self._flatten = flatten
        self._texts: list[str] = []
        self._pending = 0
        self._index: int = state["index"] if state else 0
        self._begun: bool = state["begun"] if state else False
        self._dropped: int = state["dropped"] if state else 0
        self._lengths: list[int] = list(state["lengths"]) if state else []

    @property
    def pending(self) -> int:
        return self._pending

    def add(self, record: Record) -> None:
        self._index += 1
        features = self._features(self._plan.section(record), record)
        if self._flatten:
            for feature in features:
                self._write(feature)
        else:
            self._write({"type": "FeatureCollection", "name": self._name, "features": features})

    def _features(self, section: Section, record: Record) -> list[dict[str, Any]]:
        fields = self._plan.layout.sheets[0].fields
        places = [
            (field, answer)
            for field, maker in zip(fields, section.makers, strict=True)
            if field.question.type in GEO_TYPES and (answer := text(record.get(maker.key)).strip())
        ]
        geometries = [geometry(field.question.type, answer) for field, answer in places]
        self._dropped += geometries.count(None)
        properties = self._properties(fields, section, record) if any(geometries) else {}
        return [
            {"type": "Feature", "geometry": shape, "properties": properties} for shape in geometries if shape
        ]

    def _properties(self, fields: tuple[Field, ...], section: Section, record: Record) -> dict[str, str]:
        """What is filled of the other columns, by header."""
        found: dict[str, str] = {}
        for field, maker in zip(fields, section.makers, strict=True):
            if field.question.type not in GEO_TYPES:
                found |= _filled([column.header for column in field.columns], maker, record)
        for name, maker in zip(self._plan.layout.meta, self._plan.meta, strict=True):
            found |= _filled([name], maker, record)
        if self._plan.layout.indexed:
            found[INDEX] = str(self._index)
        return found

    def _write(self, value: Any) -> None:
        written = compact(value)
        self._texts.append(f",{written}" if self._begun else written)
        self._pending += len(written)
        self._begun = True

    def cut(self) -> bytes:
        segment = "".join(self._texts).encode(errors="replace")
        self._texts.clear()
        self._pending = 0
        self._lengths.append(len(segment))
        return segment

    def state(self) -> State:
        return {
            "index": self._index,
            "begun": self._begun,
            "dropped": self._dropped,
            "lengths": self._lengths,
        }

    def finish(self, read: Reader) -> Iterator[bytes]:
        head = {"type": "FeatureCollection", "name": self._name, "features": []}
        opening = compact(head).removesuffix("]}")
        yield opening.encode(errors="replace") if self._flatten else b"["
        yield from whole(self._lengths, read)
        yield b"]}" if self._flatten else b"]"

    def notes(self) -> list[str]:
        if not self._dropped:
            return []
        return [f"{self._dropped} answers are no places on earth and were left out."]


def _filled(headers: list[str], maker: Maker, record: Record) -> dict[str, str]:
    value = text(record.get(maker.key))
    texts: Texts = (value,)
    if maker.with_record:
        texts = maker.with_record(value, record)
    elif maker.texts:
        texts = maker.texts(value)
    return {header: cell for header, cell in zip(headers, texts, strict=True) if cell}


def geometry(kind: str, answer: str) -> Geometry | None:
    """The place in an answer to a geo question of that type; an area counter-clockwise, by the right-hand rule."""
    shape = geo.geometry(kind, answer)
    if shape and shape["type"] == "Polygon":
        (ring,) = shape["coordinates"]
        # Twice the area by the shoelace formula, positive where it is so already.
        if sum(one[0] * other[1] - other[0] * one[1] for one, other in pairwise(ring)) < 0:
            ring.reverse()
    return shape
