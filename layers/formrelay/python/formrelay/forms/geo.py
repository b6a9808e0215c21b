"""Places: the geo questions of a form, and what their answers say, as GeoJSON (contract data §4; RFC 7946)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from formrelay.forms import grids

Geometry = dict[str, Any]

POINT, LINE, AREA = "geopoint", "geotrace", "geoshape"
_KINDS = (POINT, LINE, AREA)
# What a geometry needs at least: a line two points, the ring of an area four, the last of which is the first.
_LEAST_LINE, _LEAST_RING = 2, 4


def geo_questions(content: Mapping[str, Any]) -> dict[str, str]:
    """Path → ``geopoint``, ``geotrace`` or ``geoshape`` of the geo questions outside repeats, in form order.

    ``content`` is in normal form (:mod:`formrelay.forms.content`).
    """
    found: dict[str, str] = {}
    repeats = 0
    for row in grids.plain(content).get("survey", []):
        kind = row["type"]
        if kind in ("begin_repeat", "end_repeat"):
            repeats += 1 if kind == "begin_repeat" else -1
        elif kind in _KINDS and not repeats:
            found[row["$xpath"]] = kind
    return found


def geometry(kind: str, text: str) -> Geometry | None:
    """The geometry of an answer, coordinates as longitude, latitude and, where known, altitude; None if it has none."""
    if kind == POINT:
        point = _position(text)
        return {"type": "Point", "coordinates": point} if point else None
    positions = [_position(part) for part in text.strip().rstrip(";").split(";")]
    line = [position for position in positions if position]
    if len(line) < len(positions):
        return None
    if kind == LINE:
        return {"type": "LineString", "coordinates": line} if len(line) >= _LEAST_LINE else None
    if line[0] != line[-1]:
        line.append(line[0])
    return {"type": "Polygon", "coordinates": [line]} if len(line) >= _LEAST_RING else None


def _position(text: str) -> list[float] | None:
    """``latitude longitude [altitude [accuracy]]`` as GeoJSON's position."""
    parts = text.split()
    if not 2 <= len(parts) <= 4:
        return None
    try:
        numbers = [float(part) for part in parts]
    except ValueError:
        return None
    latitude, longitude = numbers[:2]
    if not all(map(math.isfinite, numbers)) or abs(latitude) > 90 or abs(longitude) > 180:
        return None
    return [longitude, latitude, *numbers[2:3]]


def properties(answers: Mapping[str, Any], questions: Mapping[str, str]) -> dict[str, str]:
    """The other answers of a record by the names of their questions, without groups; repeats and metadata are left out.

    ``questions`` are the geo questions.
    """
    return {
        path.rpartition("/")[2]: value
        for path, value in answers.items()
        if isinstance(value, str) and path not in questions and not _is_metadata(path)
    }


def _is_metadata(path: str) -> bool:
    return path == "__version__" or path.startswith(("meta/", "formhub/"))
