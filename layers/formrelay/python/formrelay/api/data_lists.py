"""Lists of submissions as JSON, XML and GeoJSON, written row by row (contract data §3, §4)."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Protocol

from formrelay.api import data_parameters, paging
from formrelay.api.fitting import Spool
from formrelay.api.http import JSON, XML, XML_DECLARATION, Request, Response
from formrelay.forms import geo
from formrelay.json_text import compact
from formrelay.openrosa import markup, readback
from formrelay.selection import Row
from formrelay.storage import assets
from formrelay.storage.assets import Project

ALWAYS = ("_id", "_uuid", "meta/rootUuid", "_validation_status")


class DataList(Protocol):
    """A list that is being written."""

    def take(self, row: Row) -> None:
        """Writes the next row of the page."""

    def answer(self, count: int) -> Response:
        """The whole list; ``count`` is how many rows there are on all pages."""


def data_list(request: Request, project: Project, start: int, limit: int) -> DataList:
    """The list in the format that was asked for. Raises ApiError 400 for parameters that this has not."""
    names = data_parameters.fields(request)
    if request.format == "xml":
        return _XmlList(request, start, limit)
    if request.format == "geojson":
        return _GeoList(request, project, names)
    return _JsonList(request, start, limit, names)


class _JsonList:
    def __init__(self, request: Request, start: int, limit: int, names: list[str] | None) -> None:
        self._request, self._start, self._limit = request, start, limit
        self._names = None if names is None else {*names, *ALWAYS}
        self._spool = Spool(request, JSON)
        self._comma = ""

    def take(self, row: Row) -> None:
        text = row.text() if self._names is None else compact(row.record(self._names))
        self._spool.write((self._comma + text).encode())
        self._comma = ","

    def answer(self, count: int) -> Response:
        frame = compact(paging.envelope(self._request, count, [], self._start, self._limit))
        return self._spool.answer(frame[:-2].encode(), b"]}")


class _XmlList:
    def __init__(self, request: Request, start: int, limit: int) -> None:
        self._request, self._start, self._limit = request, start, limit
        self._spool = Spool(request, XML)

    def take(self, row: Row) -> None:
        self._spool.write(readback.element(row.bodies.xml))

    def answer(self, count: int) -> Response:
        frame = paging.envelope(self._request, count, [], self._start, self._limit)
        links = "".join(f"<{name}>{markup.text(str(frame[name]))}</{name}>" for name in ("next", "previous"))
        head = f"{XML_DECLARATION}<root><count>{count}</count>{links}<results>"
        return self._spool.answer(head.encode(), b"</results></root>")


class _GeoList:
    """Features of those rows of the page that answer one geo question, the first unless told."""

    def __init__(self, request: Request, project: Project, names: list[str] | None) -> None:
        deployed = [version.uid for version in assets.versions(project.uid) if version.deployed]
        questions = [_geo_questions(project.uid, version) for version in deployed]
        self._places = geo.Places(questions, request.query.get("geo_question_name") or None)
        self._names = names
        self._name = project.state["name"]
        self._spool = Spool(request, JSON)
        self._comma = ""

    def take(self, row: Row) -> None:
        answers = row.answers
        geometry = self._places.geometry(answers)
        if geometry is None:
            return
        if self._names is not None:
            answers = {path: value for path, value in answers.items() if path in self._names}
        feature = {"type": "Feature", "geometry": geometry, "properties": self._places.properties(answers)}
        self._spool.write((self._comma + compact(feature)).encode())
        self._comma = ","

    def answer(self, count: int) -> Response:  # noqa: ARG002 - GeoJSON has no place for it
        frame = compact({"type": "FeatureCollection", "name": self._name, "features": []})
        return self._spool.answer(frame[:-2].encode(), b"]}")


@lru_cache(maxsize=256)
def _geo_questions(asset: str, version: str) -> Mapping[str, str]:
    """Those of a deployed version. Never changes, so kept per process."""
    return geo.geo_questions(assets.content(asset, version) or {})
