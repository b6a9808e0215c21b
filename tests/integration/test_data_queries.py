"""Queries, orders, row-level rights and GeoJSON of the data API (contract data §2–§4)."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import settings as bounded
from hypothesis import strategies as st

from formrelay import sorting
from formrelay.settings import settings
from formrelay.storage import keys, marks, table
from tests.support.app import FORM, App, Clock
from tests.support.calls import counting

PEOPLE: list[dict[str, Any]] = [
    {"name": "Ana", "age": "34"},
    {"name": "bo", "age": "9"},
    {"name": "Cy", "member": [{"who": "Eve"}, {"who": "Flo"}]},
    {"name": "Ana", "age": "7"},
    {"age": "80"},
]


@pytest.fixture
def asset(app: App) -> str:
    return app.deploy(FORM)


@pytest.fixture
def people(app: App, asset: str) -> str:
    for number, values in enumerate(PEOPLE):
        app.submit(app.filled(asset, values, f"uuid:{number}"))
    return asset


def data(asset: str, rest: str = "/") -> str:
    return f"/api/v2/assets/{asset}/data{rest}"


def found(app: App, asset: str, user: str = "ann", **parameters: Any) -> tuple[list[int], int]:
    """Numbers of the submissions on the page, and the count."""
    texts = {k: v if isinstance(v, str) else json.dumps(v) for k, v in parameters.items()}
    answer = app.get(data(asset), user=user, **texts)
    assert answer.status == 200, answer.text
    return [int(row["_uuid"]) for row in answer.json()["results"]], answer.json()["count"]


# Queries


QUERIES: list[tuple[dict[str, Any], list[int]]] = [
    ({"name": "Ana"}, [0, 3]),
    ({"name": "Ana", "age": "7"}, [3]),
    ({"age": {"$gt": "34"}}, [1, 3, 4]),  # as texts
    ({"age": 34}, []),
    ({"name": {"$exists": False}}, [4]),
    ({"age": None}, [2]),
    ({"name": {"$regex": "^a", "$options": "i"}}, [0, 3]),
    ({"name": {"$in": ["bo", "Cy", "x"]}}, [1, 2]),
    ({"name": {"$ne": "Ana"}}, [1, 2, 4]),
    ({"name": {"$not": {"$regex": "a"}}}, [1, 2, 4]),
    ({"$or": [{"age": "9"}, {"age": "80"}]}, [1, 4]),
    ({"$and": [{"name": "Ana"}, {"age": "34"}]}, [0]),
    ({"member": {"$elemMatch": {"member/who": "Flo"}}}, [2]),
    ({"_uuid": "3"}, [3]),
    ({"meta/rootUuid": {"$in": ["uuid:2", "uuid:4"]}}, [2, 4]),
    ({"_submitted_by": "ann"}, [0, 1, 2, 3, 4]),
    ({"_validation_status.uid": {"$exists": "true"}}, []),
    ({"_id": {"$gt": 0}}, [0, 1, 2, 3, 4]),
    ({"_id": "17"}, []),
    ({"nothing": {"$exists": True}}, []),
]


def test_rows_are_those_that_match(app: App, people: str) -> None:
    for query, expected in QUERIES:
        assert found(app, people, query=query) == (expected, len(expected)), query
        backward = found(app, people, query=query, sort={"_id": -1})
        assert backward == (expected[::-1], len(expected)), query


def test_braces_and_spaces_may_come_unencoded(app: App, people: str) -> None:
    answer = app.call("GET", data(people, ".json"), query='query={"name": "Ana"}&limit=30000')
    assert answer.json()["count"] == 2


def test_pages_of_a_query_have_as_many_rows_as_asked_for(app: App, people: str) -> None:
    query = {"age": {"$exists": True}}
    assert found(app, people, query=query, limit=2) == ([0, 1], 4)
    assert found(app, people, query=query, limit=2, start=1) == ([1, 3], 4)
    assert found(app, people, query=query, limit=2, start=3) == ([4], 4)
    assert found(app, people, query=query, limit=2, start=4) == ([], 4)
    assert found(app, people, query=query, page=2, page_size=3) == ([4], 4)


def test_links_keep_the_text_of_the_query(app: App, people: str) -> None:
    text = '{ "age":{"$exists" : true} }'
    answer = app.call("GET", data(people), query=f"query={quote(text)}&limit=2&start=2").json()
    assert answer["next"] is None
    assert answer["previous"] == f"https://kf.example.org{data(people)}?limit=2&query={quote(text)}"


def test_one_submission_is_shown_if_it_matches(app: App, people: str) -> None:
    path = data(people, "/uuid:3/")
    assert app.get(path, query='{"name":"Ana"}').json()["age"] == "7"
    assert app.get(path, query='{"name":"Bo"}').status == 404
    assert app.get(path, query="{").json() == {"query": "Value must be valid JSON."}
    assert app.get(path, query='{"a":{"$size":1}}').json() == ["Unsupported query"]


def test_an_answer_too_long_for_a_regular_expression_is_refused(app: App, asset: str) -> None:
    app.submit(app.filled(asset, {"name": "a" * 20_000}, "uuid:1"))
    query = '{"name":{"$regex":"a{900}c"}}'
    for path in (data(asset), data(asset, "/uuid:1/")):
        answer = app.get(path, query=query)
        assert (answer.status, answer.json()) == (400, ["Unsupported query"])


def test_queries_that_need_no_answers_read_none_from_s3(app: App, asset: str) -> None:
    import secrets

    app.submit(app.filled(asset, {"name": secrets.token_hex(200_000)}, "uuid:1"))
    with counting() as made:
        assert found(app, asset, query={"_submitted_by": "bob"}) == ([], 0)
    assert "s3.GetObject" not in made
    with counting() as made:
        assert found(app, asset, query={"age": "1"}) == ([], 0)
    assert made["s3.GetObject"] == 1


# Orders


SORTS: list[tuple[dict[str, Any], list[int]]] = [
    ({"name": 1}, [4, 0, 3, 2, 1]),  # missing first, then by code point
    ({"name": -1}, [1, 2, 0, 3, 4]),
    ({"name": 1, "age": -1}, [4, 3, 0, 2, 1]),
    ({"age": 1}, [2, 0, 3, 4, 1]),
    ({"_id": -1, "name": 1}, [4, 3, 2, 1, 0]),
    ({"_submission_time": 1}, [0, 1, 2, 3, 4]),
]


def test_rows_come_in_the_order_that_was_asked_for(app: App, people: str) -> None:
    for sort, expected in SORTS:
        assert found(app, people, sort=sort) == (expected, 5), sort
        assert found(app, people, sort=sort, start=1, limit=2) == (expected[1:3], 5), sort
    assert found(app, people, sort={"age": -1}, query={"name": "Ana"}) == ([3, 0], 2)


def test_texts_too_long_to_sort_by_are_refused(
    app: App, people: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sorting, "MAX_TEXT", 4)
    answer = app.get(data(people), sort='{"name":1}')
    assert answer.status == 400
    assert answer.json() == {"sort": "Not supported: the texts are too long to sort so many rows by them."}


@bounded(max_examples=60)
@given(st.lists(st.tuples(st.integers(0, 9), st.text("ab", max_size=3))), st.integers(0, 12))
def test_the_smallest_keys_are_those_of_a_full_sort(values: list[tuple[int, str]], most: int) -> None:
    by = sorting.sort_key({"a": -1, "b": 1})
    records = [{"_id": number, "a": a, "b": b} for number, (a, b) in enumerate(values)]
    smallest = sorting.Smallest(most)
    for record in records:
        smallest.add(by(record))
    assert [key[-1] for key in smallest.sorted()] == [r["_id"] for r in sorted(records, key=by)[:most]]


# Times


def test_stretches_of_other_times_are_not_read(
    app: App, asset: str, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(marks, "STRETCH", 4)
    monkeypatch.setattr(marks, "WORTH", 1)
    for number in range(12):
        app.submit(app.filled(asset, {"name": "x" * 900}, f"uuid:{number}"))
        clock.forward(3600)
    rows = app.records(asset)
    for number in (0, 3, 4, 7, 11):
        time = rows[number]["_submission_time"]
        assert found(app, asset, query={"_submission_time": {"$gte": time}})[0] == list(range(number, 12))
        assert found(app, asset, query={"_submission_time": {"$lt": time}})[0] == list(range(number))
        assert found(app, asset, query={"_submission_time": time}) == ([number], 1)
    app.get(data(asset), start="1")  # makes the marks
    with counting() as made:
        query = {"_submission_time": {"$gte": rows[8]["_submission_time"]}}
        assert found(app, asset, query=query, sort={"_id": -1})[0] == [11, 10, 9, 8]
    assert made["dynamodb.Query"] == 3  # the project, its marks, the stretch behind


def test_a_time_of_its_own_is_found_wherever_it_stands(
    app: App, asset: str, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(marks, "STRETCH", 2)
    monkeypatch.setattr(marks, "WORTH", 1)
    for number in range(6):
        xml = app.filled(asset, {"name": "x"}, f"uuid:{number}")
        if number == 1:
            xml = xml.replace(" id=", ' submissionDate="2031-01-01T00:00:00" id=', 1)
        assert app.submit(xml).status == 201
        clock.forward(600)
    app.get(data(asset), start="1")
    assert len(marks.stretches(asset)) == 3
    assert found(app, asset, query={"_submission_time": {"$gt": "2030"}}) == ([1], 1)


# Row-level rights


@pytest.fixture
def bob(app: App, people: str) -> str:
    """A user who sees the rows of Ana."""
    app.add_user("bob")
    item = {
        **keys.permission(people, "bob"),
        "codenames": {"view_asset": "p1", "partial_submissions": "p2"},
        "filters": json.dumps({"view_submissions": [{"name": "Ana"}]}),
        "revision": 0,
    }
    table.put(settings().data_table, item)
    return "bob"


def test_row_level_users_see_their_rows_alone(app: App, people: str, bob: str) -> None:
    assert found(app, people, bob) == ([0, 3], 2)
    assert found(app, people, bob, start=1) == ([3], 2)
    assert found(app, people, bob, query={"age": "7"}) == ([3], 1)
    assert found(app, people, bob, query={"$or": [{"age": "7"}, {"age": "9"}]}) == ([3], 1)
    assert found(app, people, bob, sort={"age": -1}) == ([3, 0], 2)
    assert "<count>2</count>" in app.get(data(people, ".xml"), user=bob).text


def test_row_level_users_find_nothing_else(app: App, people: str, bob: str) -> None:
    rows = app.records(people)
    assert app.get(data(people, f"/{rows[0]['_id']}/"), user=bob).status == 200
    for name in (
        rows[1]["_id"],
        rows[1]["_uuid"],
        f"{rows[1]['_id']}.xml",
        f"{rows[1]['_id']}/attachments/x",
    ):
        assert app.get(data(people, f"/{name}"), user=bob).status == 404


# GeoJSON


GEO = {
    "survey": [
        {"type": "text", "name": "text", "label": "T"},
        {"type": "begin_group", "name": "where", "label": "W"},
        {"type": "geopoint", "name": "point", "label": "P"},
        {"type": "text", "name": "note", "label": "N"},
        {"type": "end_group"},
        {"type": "geotrace", "name": "line", "label": "L"},
        {"type": "geoshape", "name": "area", "label": "A"},
        {"type": "begin_repeat", "name": "tree", "label": "R"},
        {"type": "geopoint", "name": "spot", "label": "S"},
        {"type": "end_repeat"},
    ]
}


@pytest.fixture
def places(app: App) -> str:
    asset = app.deploy(GEO, name="Two points and one text")
    point = {"where/point": "10.11 10.12 10.13 0", "where/note": "N"}
    line, area = "1 2 0 0; 3 4 0 0", "0 0 0 0;0 1 0 0;1 1 0 0;0 0 0 0"
    app.submit(app.filled(asset, {"text": "Tired", **point, "tree": [{"spot": "1 1 0 0"}]}))
    app.submit(app.filled(asset, {"text": "No place", "line": line}))
    app.submit(app.filled(asset, {"where/point": "nowhere", "area": area}))
    app.submit(app.filled(asset, {"where/point": "-1.5 30"}))
    return asset


def features(app: App, asset: str, rest: str = ".geojson", **parameters: str) -> list[dict[str, Any]]:
    answer = app.get(data(asset, rest), **parameters)
    assert (answer.status, answer.headers["content-type"]) == (200, "application/json")
    whole = answer.json()
    assert list(whole) == ["type", "name", "features"]
    assert (whole["type"], whole["name"]) == ("FeatureCollection", "Two points and one text")
    return list(whole["features"])


def test_places_are_listed_as_geojson(app: App, places: str) -> None:
    assert features(app, places) == [
        {
            "type": "Feature",
            "geometry": {"type": "Point", "coordinates": [10.12, 10.11, 10.13]},
            "properties": {"text": "Tired", "note": "N"},
        },
        {"type": "Feature", "geometry": {"type": "Point", "coordinates": [30.0, -1.5]}, "properties": {}},
    ]
    assert features(app, places, "/", format="geojson") == features(app, places)


@pytest.mark.parametrize(
    ("question", "kind", "coordinates"),
    [
        ("line", "LineString", [[2.0, 1.0, 0.0], [4.0, 3.0, 0.0]]),
        ("area", "Polygon", [[[0.0, 0.0, 0.0], [1.0, 0.0, 0.0], [1.0, 1.0, 0.0], [0.0, 0.0, 0.0]]]),
    ],
)
def test_another_geo_question_may_be_named(
    app: App, places: str, question: str, kind: str, coordinates: Any
) -> None:
    (feature,) = features(app, places, geo_question_name=question)
    assert feature["geometry"] == {"type": kind, "coordinates": coordinates}


def test_a_geo_question_may_be_named_by_its_path(app: App, places: str) -> None:
    assert len(features(app, places, geo_question_name="where/point")) == 2
    assert features(app, places, geo_question_name="nothing") == []
    assert features(app, places, geo_question_name="spot") == []


@pytest.fixture
def redrawn(app: App, places: str) -> str:
    """The project after its form was deployed anew: the point has moved out of its group, the line has become a text,
    the area is asked no longer."""
    survey = [
        {"type": "text", "name": "text", "label": "T"},
        {"type": "geopoint", "name": "point", "label": "P"},
        {"type": "text", "name": "line", "label": "L"},
    ]
    changed = app.send("PATCH", f"/api/v2/assets/{places}/", {"content": {"survey": survey}})
    assert changed.status == 200
    assert app.send("PATCH", f"/api/v2/assets/{places}/deployment/", {}).status == 200
    app.submit(app.filled(places, {"text": "New", "point": "5 6", "line": "a long one"}))
    return places


def test_places_of_older_versions_of_the_form_are_listed_too(app: App, redrawn: str) -> None:
    found = features(app, redrawn)
    assert [feature["geometry"]["coordinates"] for feature in found] == [
        [10.12, 10.11, 10.13],
        [30.0, -1.5],
        [6.0, 5.0],
    ]
    assert features(app, redrawn, geo_question_name="point") == found
    (area,) = features(app, redrawn, geo_question_name="area")
    assert area["geometry"]["type"] == "Polygon"
    (line,) = features(app, redrawn, geo_question_name="line")
    assert line == {
        "type": "Feature",
        "geometry": {"type": "LineString", "coordinates": [[2.0, 1.0, 0.0], [4.0, 3.0, 0.0]]},
        "properties": {"text": "No place"},
    }


def test_what_was_a_place_once_and_is_a_text_now_is_told(app: App, redrawn: str) -> None:
    assert [feature["properties"] for feature in features(app, redrawn)] == [
        {"text": "Tired", "note": "N"},
        {},
        {"text": "New", "line": "a long one"},
    ]


def test_pages_queries_orders_and_fields_hold_for_geojson(app: App, places: str) -> None:
    assert len(features(app, places, start="1")) == 1
    assert len(features(app, places, limit="1")) == 1
    assert len(features(app, places, query='{"text":"Tired"}')) == 1
    assert features(app, places, fields='["text"]')[0]["properties"] == {"text": "Tired"}
    assert len(features(app, places, sort='{"_id":-1}', limit="1")) == 1


def test_a_form_without_places_has_none(app: App, people: str) -> None:
    answer = app.get(data(people, ".geojson"))
    assert answer.text == '{"type":"FeatureCollection","name":"Households","features":[]}'
