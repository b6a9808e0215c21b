"""Places: the geo questions of a form, and what their answers say, as GeoJSON (contract data §4; RFC 7946)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
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


class Places:
    """Where the records of a form are, and what else they say.

    ``versions`` are the :func:`geo_questions` of its versions, newest first: a question that was moved or is no longer
    asked has answers all the same. ``wanted`` is the path or name of the question that says where; the newest version's
    first one, or that of the last version that had any, when it is None.
    """

    def __init__(self, versions: Sequence[Mapping[str, str]], wanted: str | None) -> None:
        self._newest = versions[0] if versions else {}
        self._kinds = {path: kind for version in reversed(versions) for path, kind in version.items()}
        name = wanted or next((_name(path) for version in versions for path in version), "")
        self._paths = list(dict.fromkeys(filter(None, (_path(version, name) for version in versions))))

    def geometry(self, answers: Mapping[str, Any]) -> Geometry | None:
        """Where a record is; None when it does not say."""
        return next(filter(None, (self._geometry(path, answers) for path in self._paths)), None)

    def _geometry(self, path: str, answers: Mapping[str, Any]) -> Geometry | None:
        answer = answers.get(path)
        return geometry(self._kinds[path], answer) if isinstance(answer, str) else None

    def properties(self, answers: Mapping[str, Any]) -> dict[str, str]:
        """Its other answers by the names of their questions, without groups; repeats and metadata are left out."""
        return {
            _name(path): value
            for path, value in answers.items()
            if isinstance(value, str) and not _is_metadata(path) and not self._is_place(path, answers)
        }

    def _is_place(self, path: str, answers: Mapping[str, Any]) -> bool:
        """Whether a geo question is answered there; one of an older version may have become a text since."""
        return path in self._newest or (path in self._kinds and self._geometry(path, answers) is not None)


def _path(questions: Mapping[str, str], wanted: str) -> str | None:
    """The path of the question with that path, else of the first with that name."""
    if wanted in questions:
        return wanted
    return next((path for path in questions if _name(path) == wanted), None)


def _name(path: str) -> str:
    return path.rpartition("/")[2]


def _is_metadata(path: str) -> bool:
    return path == "__version__" or path.startswith(("meta/", "formhub/"))
