"""Lists of many projects: search, order, what they cost (contract accounts §6.4, §6.6; assets §3.2)."""

from __future__ import annotations

from typing import Any

import pytest

from formrelay import aws, listings
from formrelay.storage import keys, table
from formrelay.storage.listings import MAX_ROW, put_op
from tests.integration.test_assets import ASSETS, make, patch
from tests.support.app import FORM, App, Clock
from tests.support.calls import counting
from tests.support.grants import ANONYMOUS, grant

CANADA, FRANCE = {"value": "CAN", "label": "Canada"}, {"value": "FRA", "label": "France"}


def names(app: App, user: str | None = "ann", **parameters: str) -> list[str]:
    answer = app.get(ASSETS, user=user, **parameters)
    assert answer.status == 200, answer.text
    return [row["name"] for row in answer.json()["results"]]


def found(app: App, q: str, **parameters: str) -> list[str]:
    return names(app, q=q, ordering="name", **parameters)


@pytest.fixture
def several(app: App, clock: Clock) -> App:
    make(app, name="Flood", tag_string="flood,round 3", settings={"description": "after the Storm"})
    clock.forward(60)
    sector = {"value": "Health", "label": "Health"}
    make(app, name="survey of wells", settings={"sector": sector, "country": [CANADA, FRANCE]})
    clock.forward(60)
    english = {"type": "text", "name": "q", "label::English (en)": "Household head?"}
    make(
        app, name="Ärzte", asset_type="block", content={"survey": [english]}, settings={"organization": "MSF"}
    )
    clock.forward(60)
    app.deploy(FORM, name="Visits")
    return app


@pytest.mark.parametrize(
    ("q", "expected"),
    [
        ("", ["Flood", "survey of wells", "Visits", "Ärzte"]),
        ("asset_type:survey", ["Flood", "survey of wells", "Visits"]),
        ("asset_type:survey AND NOT name:Flood", ["survey of wells", "Visits"]),
        ("name__icontains:FLOOD", ["Flood"]),
        ("_deployment_status:deployed", ["Visits"]),
        ("_deployment_status:draft storm", ["Flood"]),
        ("storm", ["Flood"]),
        ("household", ["Ärzte"]),
        ("ärz", ["Ärzte"]),
        ("ann", ["Flood", "survey of wells", "Visits", "Ärzte"]),
        ("earthquake", []),
        ("tags__name:flood AND tags__name:round-3", ["Flood"]),
        ("settings__sector__value:Health", ["survey of wells"]),
        ("settings__country_codes[]__icontains:fra", ["survey of wells"]),
        ('summary__languages[]:"English (en)"', ["Ärzte"]),
        ("NOT settings__sector__value:Health", ["Flood", "Visits", "Ärzte"]),
        ("owner__username:ann asset_type:block", ["Ärzte"]),
        ("owner__username:bob", []),
        ("((", []),
        ("name:", []),
    ],
)
def test_projects_are_found(several: App, q: str, expected: list[str]) -> None:
    assert found(several, q) == expected
    assert several.get(ASSETS, q=q).json()["count"] == len(expected)


def test_a_project_is_found_by_its_uid(several: App) -> None:
    uid = make(several, name="One")["uid"]
    assert found(several, f"uid:{uid}") == found(several, uid) == ["One"]


@pytest.mark.parametrize(
    ("q", "text"), [("ab", "Your query is too short"), ("owner__password:x", "Not supported field lookup")]
)
def test_what_cannot_be_asked_is_refused(several: App, q: str, text: str) -> None:
    for user in ("ann", None):
        answer = several.get(ASSETS, user=user, q=q)
        assert (answer.status, answer.json()) == (400, {"detail": text})


def test_query_and_type_are_kept_in_the_links(several: App) -> None:
    page = several.get(ASSETS, q="asset_type:survey", limit="2").json()
    assert (page["count"], len(page["results"])) == (3, 2)
    assert page["next"].endswith("?limit=2&q=asset_type%3Asurvey&start=2")


@pytest.mark.parametrize(
    ("ordering", "expected"),
    [
        ("name", ["Flood", "survey of wells", "Visits", "Ärzte"]),
        ("-name", ["Ärzte", "Visits", "survey of wells", "Flood"]),
        ("asset_type,-date_modified", ["Ärzte", "Visits", "survey of wells", "Flood"]),
        ("date_modified", ["Flood", "survey of wells", "Ärzte", "Visits"]),
        ("date_deployed,name", ["Visits", "Flood", "survey of wells", "Ärzte"]),
        ("_deployment_status,name", ["Visits", "Flood", "survey of wells", "Ärzte"]),
        ("settings__sector__value,name", ["survey of wells", "Flood", "Visits", "Ärzte"]),
        ("settings__description,-name", ["Flood", "Ärzte", "Visits", "survey of wells"]),
        ("nonsense", ["Visits", "survey of wells", "Flood", "Ärzte"]),
        ("nonsense,-name,,", ["Ärzte", "Visits", "survey of wells", "Flood"]),
    ],
)
def test_lists_are_sorted(several: App, ordering: str, expected: list[str]) -> None:
    assert names(several, ordering=ordering) == expected


def test_every_change_is_found_and_sorted_by_in_the_next_request(several: App) -> None:
    uid = make(several, name="Before")["uid"]
    assert found(several, "Before") == ["Before"]
    patch(several, uid, {"name": "Renamed", "tag_string": "special", "settings": {"description": "harvest"}})
    for q in ("Renamed", "special", "harvest", "tags__name:special"):
        assert found(several, q) == ["Renamed"]
    assert found(several, "Before") == []
    several.send("POST", f"{ASSETS}{uid}/deployment/", {"active": True})
    assert found(several, "_deployment_status:deployed") == ["Renamed", "Visits"]
    several.send("PATCH", f"{ASSETS}{uid}/deployment/", {"active": False})
    assert found(several, "_deployment_status:archived") == ["Renamed"]


def test_shared_projects_are_searched_and_stay_in_step(several: App) -> None:
    several.add_user("bob")
    uid = make(several, name="Shared")["uid"]
    grant(uid, "bob", "view_asset")
    patch(several, uid, {"name": "Renamed", "settings": {"description": "harvest"}})
    assert names(several, user="bob", q="harvest") == ["Renamed"]
    assert names(several, user="bob", q="owner__username:ann") == ["Renamed"]
    (row,) = several.get(ASSETS, user="bob").json()["results"]
    assert (row["status"], row["owner__username"]) == ("shared", "ann")
    mine = {row["name"]: row["status"] for row in several.get(ASSETS).json()["results"]}
    assert (mine["Renamed"], mine["Flood"]) == ("shared", "private")
    grant(uid, ANONYMOUS, "view_asset")
    assert {row["name"]: row["status"] for row in several.get(ASSETS).json()["results"]}[
        "Renamed"
    ] == "public"


def test_the_list_can_be_narrowed_to_what_is_shared_how(several: App) -> None:
    several.add_user("bob")
    uids = {row["name"]: row["uid"] for row in several.get(ASSETS).json()["results"]}
    for name in ("Flood", "Visits"):
        grant(uids[name], "bob", "view_asset")
    grant(uids["Visits"], ANONYMOUS, "view_asset")
    expected = {
        "private": ["survey of wells", "Ärzte"],
        "shared": ["Flood"],
        "public": ["Visits"],
        "public-discoverable": [],
    }
    for status, projects in expected.items():
        assert names(several, status=status, ordering="name") == projects
        assert found(several, f"status:{status}") == projects
    assert found(several, "NOT status:private") == ["Flood", "Visits"]
    assert names(several, user="bob", status="shared", q="asset_type:survey") == ["Flood"]


def test_fields_can_be_left_out(several: App) -> None:
    (whole, *_), (row, *_) = (
        several.get(ASSETS, exclude=names).json()["results"] for names in ("", "summary, permissions,x")
    )
    assert row == {name: value for name, value in whole.items() if name not in ("summary", "permissions")}
    path = f"{ASSETS}{row['uid']}/"
    whole = several.get(path).json()
    assert several.get(path, exclude="content").json() == {k: v for k, v in whole.items() if k != "content"}
    without = several.get(path, exclude="content.survey,content.x").json()
    assert without == {**whole, "content": {k: v for k, v in whole["content"].items() if k != "survey"}}
    assert "survey" in whole["content"]


def test_metadata_is_that_of_all_that_was_found(several: App) -> None:
    page = several.get(ASSETS, metadata="on", limit="1").json()
    assert list(page) == ["count", "next", "previous", "results", "metadata"]
    assert page["metadata"] == {
        "languages": ["English (en)"],
        "countries": [["CAN", "Canada"], ["FRA", "France"]],
        "sectors": [["Health", "Health"]],
        "organizations": ["MSF"],
    }
    assert several.get(ASSETS, metadata="on", q="Flood").json()["metadata"]["countries"] == []
    assert "metadata" not in several.get(ASSETS).json()


def test_settings_of_any_shape_are_listed(app: App) -> None:
    odd: list[Any] = [None, 1, "x", [], {}, [1, "x", {"value": 5}], {"value": ["x"]}]
    for number, value in enumerate(odd):
        settings = dict.fromkeys(("country", "sector", "organization", "description"), value)
        make(app, name=f"P{number}", settings=settings)
    answer = app.get(
        ASSETS, metadata="on", ordering="settings__sector,settings__description,name", q="NOT earthquake"
    )
    assert (answer.status, answer.json()["count"]) == (200, len(odd))


def test_the_minimal_list_has_names_alone(several: App) -> None:
    page = several.get(f"{ASSETS}minimal-list/", q="asset_type:block").json()
    (row,) = page.pop("results")
    assert page == {"next": None, "previous": None}
    assert list(row) == ["uid", "name", "deployment_status"]
    assert row["name"] == "Ärzte"


def test_the_hash_changes_with_every_change(several: App, clock: Clock) -> None:
    uid = make(several)["uid"]
    before = several.get(f"{ASSETS}hash/").json()
    assert several.get(f"{ASSETS}hash/").json() == before
    clock.forward(1)
    patch(several, uid, {"name": "x"})
    after = several.get(f"{ASSETS}hash/").json()
    assert (list(after), after == before) == (["hash"], False)
    assert several.get(f"{ASSETS}hash/", user=None).status == 401


# Many

MANY = 2_000
WORDS = ("water", "health", "school", "market", "harvest", "shelter", "clinic", "river", "village", "road")


def many(app: App, number: int) -> None:
    """So many drafts of ann's, as far as lists read them."""
    made = make(app, name="Model")
    state = table.get(app.settings.data_table, keys.asset_state(made["uid"])) or {}
    client, writes = aws.dynamodb(), []
    for i in range(number):
        words = [WORDS[(i >> shift) % 10] for shift in (0, 3, 6)]
        sector = {"value": f"Sector {i % 7}", "label": f"Sector {i % 7}"}
        info = {
            "settings": {"description": f"About {' and '.join(words)} in district {i}", "sector": sector},
            "summary": {"languages": ["English (en)"], "labels": [f"What about {word}?" for word in words * 2]},
            "tags": [words[0]], "created": i, "modified": i, "deployed": None, "modified_by": "ann",
        }  # fmt: skip
        row = listings.row_of(
            {**state, "uid": f"{made['uid'][:-4]}{i:04d}", "name": f"Survey of {words[0]} {i}"}, info
        )
        writes.append({"PutRequest": {"Item": put_op(row)["Put"]["Item"]}})
    for i in range(0, number, 25):
        client.batch_write_item(RequestItems={app.settings.data_table: writes[i : i + 25]})  # type: ignore[dict-item]


def test_thousands_are_read_as_small_rows_and_a_page_of_them_in_full(app: App) -> None:
    many(app, MANY)
    for i in range(5):
        make(app, name=f"Newest {i}", settings={"description": "x" * 1000})
    with counting() as calls:
        page = app.get(ASSETS, ordering="-date_modified", limit="5").json()
    assert (page["count"], len(page["results"])) == (MANY + 6, 5)
    # The key; all rows, a call for each megabyte; state, details and AnonymousUser's rights of five.
    assert set(calls) == {"dynamodb.GetItem", "dynamodb.Query", "dynamodb.BatchGetItem"}
    assert (calls["dynamodb.GetItem"], calls["dynamodb.BatchGetItem"]) == (1, 1)
    assert calls["dynamodb.Query"] <= MANY * MAX_ROW // 1_000_000 + 1
    # Rows answer most searches; those that may match are read, a hundred a call.
    for q, most in (("name__icontains:river", 0), ("earthquake", 3), ("NOT tags__name:earthquake", 3)):
        with counting() as calls:
            app.get(ASSETS, q=q, limit="1")
        assert calls["dynamodb.BatchGetItem"] <= most + 1, q


def test_rows_have_at_most_400_bytes(app: App) -> None:
    many(app, 300)
    app.deploy(FORM, name="x" * 190, user="ann")
    make(app, name="ж" * 60, settings={"description": "ж" * 5_000, "organization": "ж" * 500})
    raw = aws.dynamodb().query(
        TableName=app.settings.data_table,
        KeyConditionExpression="pk = :pk",
        ExpressionAttributeValues={":pk": {"S": keys.listing_pk("ann")}},
    )["Items"]
    sizes = [sum(len(name) + _bytes(value) for name, value in item.items()) for item in raw]
    assert len(sizes) == 303
    assert max(sizes) <= MAX_ROW


def _bytes(value: Any) -> int:
    ((kind, inner),) = value.items()
    if kind == "N":
        return len(inner) // 2 + 2
    return len(inner.encode()) if kind == "S" else len(inner)


def test_a_name_too_long_for_a_trace_is_found_all_the_same(app: App) -> None:
    name = "long name " * 25
    make(app, name=name, settings={"description": "harvest"})
    assert found(app, "harvest") == [name.strip()]
    assert found(app, "earthquake") == []
