"""GeoJSON as contract exports §3.9 has it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from formrelay.exports.geojson_file import GeoJsonFile, geometry
from tests.support.exports import G1, Example, finished, planned, reader, record, select


def parsed(example: Example, every: int = 1_000, **settings: Any) -> Any:
    flatten = settings.get("flatten", True)
    file = GeoJsonFile(planned(example, type="geojson", **settings), example.name, flatten=flatten)
    return json.loads(finished(file, example.records, every))


@pytest.mark.parametrize("every", [1, 1000])
def test_a_feature_for_every_answered_place(every: int) -> None:
    assert parsed(G1, every, lang="_xml") == {
        "type": "FeatureCollection",
        "name": "Households",
        "features": [
            {
                "type": "Feature",
                "geometry": {"type": "Point", "coordinates": [30.25, 1.5, 900.0]},
                "properties": {
                    "name": 'Ann "A" Li',
                    "age": "34",
                    "own": "y",
                    "fuel": "gas wood",
                    "_id": "1",
                    "_uuid": "u1",
                    "_submission_time": "2026-03-01T09:30:00",
                    "_validation_status": "validation_status_approved",
                    "_status": "submitted_via_web",
                    "__version__": "v1",
                    "meta/rootUuid": "uuid:u1",
                    "_index": "1",
                },
            }
        ],
    }


def test_a_collection_for_every_submission() -> None:
    collections = parsed(G1, every=1, flatten=False)
    assert [(each["type"], each["name"], len(each["features"])) for each in collections] == [
        ("FeatureCollection", "Households", 1),
        ("FeatureCollection", "Households", 0),
    ]


@pytest.mark.parametrize(
    ("flatten", "empty"),
    [(True, {"type": "FeatureCollection", "name": "Households", "features": []}), (False, [])],
)
def test_no_submission_is_an_empty_file(flatten: bool, empty: Any) -> None:
    assert parsed(G1._replace(records=[]), flatten=flatten) == empty


@pytest.mark.parametrize(
    ("kind", "answer", "shape"),
    [
        ("geopoint", "1 2", {"type": "Point", "coordinates": [2, 1]}),
        ("geopoint", "1 2 3", {"type": "Point", "coordinates": [2, 1, 3]}),
        ("geopoint", "1", None),
        ("geopoint", "1 2 3 4 5", None),
        ("geopoint", "91 2", None),
        ("geopoint", "nan 2", None),
        ("geopoint", "here", None),
        ("geotrace", "1 2 0 0;3 4 0 0", {"type": "LineString", "coordinates": [[2, 1, 0], [4, 3, 0]]}),
        ("geotrace", "1 2;x;3 4", None),
        ("geotrace", "1 2", None),
        (
            "geoshape",
            "0 0;1 0;1 1;0 0",
            {"type": "Polygon", "coordinates": [[[0, 0], [1, 1], [0, 1], [0, 0]]]},
        ),
        ("geoshape", "0 0;0 1;1 1", {"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1], [0, 0]]]}),
        ("geoshape", "0 0;0 1;0 0", None),
    ],
)
def test_places(kind: str, answer: str, shape: Any) -> None:
    assert geometry(kind, answer) == shape


def test_places_that_are_none_are_counted() -> None:
    example = select([{"type": "geopoint", "name": "g"}], [record(1, "v1", g="here"), record(2, "v1", g="")])
    file = GeoJsonFile(planned(example, type="geojson"), example.name, flatten=True)
    assert json.loads(finished(file, example.records))["features"] == []
    assert file.notes() == ["1 answers are no places on earth and were left out."]


def test_another_process_can_go_on_after_every_segment() -> None:
    plan = planned(G1, type="geojson")
    segments, state = [], None
    for row in G1.records * 2:
        file = GeoJsonFile(plan, G1.name, flatten=True, state=state)
        file.add(row)
        segments.append(file.cut())
        state = json.loads(json.dumps(file.state()))
    whole = b"".join(GeoJsonFile(plan, G1.name, flatten=True, state=state).finish(reader(segments)))
    assert [f["properties"]["_index"] for f in json.loads(whole)["features"]] == ["1", "3"]
