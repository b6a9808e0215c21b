"""Submissions read back: list, one, JSON and XML, pages and links (contract data §1–§4)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from formrelay import aws
from formrelay.settings import settings
from formrelay.storage import keys, submissions, table
from tests.support.app import FORM, App
from tests.support.grants import ANONYMOUS, grant

BASE = "https://kf.example.org"
DETAIL_404 = {"detail": "Not found."}
XML_404 = '<?xml version="1.0" encoding="utf-8"?><root><detail>Not found.</detail></root>'


@pytest.fixture
def asset(app: App) -> str:
    return app.deploy(FORM)


@pytest.fixture
def filled(app: App, asset: str) -> str:
    """The project with five submissions, n0 to n4."""
    for number in range(5):
        app.submit(app.filled(asset, {"name": f"n{number}"}))
    return asset


def names(answer: Any) -> list[str]:
    return [row["name"] for row in answer.json()["results"]]


def data(asset: str, rest: str = "/") -> str:
    return f"/api/v2/assets/{asset}/data{rest}"


# Lists


def test_a_form_without_submissions_has_an_empty_list(app: App, asset: str) -> None:
    answer = app.get(data(asset))
    assert answer.text == '{"count":0,"next":null,"previous":null,"results":[]}'


@pytest.mark.parametrize("rest", ["", "/", "//", ".json", "?format=json", "/?format=api"])
def test_every_spelling_of_the_path_lists(app: App, filled: str, rest: str) -> None:
    path, _, query = data(filled, rest).partition("?")
    assert names(app.call("GET", path, query=query)) == ["n0", "n1", "n2", "n3", "n4"]


def test_a_doubled_slash_anywhere_lists(app: App, filled: str) -> None:
    assert len(names(app.call("GET", f"//api/v2//assets/{filled}//data"))) == 5


def test_the_list_has_the_rows_of_the_single_records(app: App, filled: str) -> None:
    for row in app.records(filled):
        assert app.get(data(filled, f"/{row['_id']}/")).json() == row


ROWS: list[tuple[str, list[str]]] = [
    ("limit=2", ["n0", "n1"]),
    ("limit=2&start=2", ["n2", "n3"]),
    ("limit=2&start=4", ["n4"]),
    ("start=5", []),
    ("start=99999999999999999999", []),
    ("start=" + "9" * 5_000, []),
    ("limit=" + "9" * 5_000, ["n0", "n1", "n2", "n3", "n4"]),
    ("limit=30000", ["n0", "n1", "n2", "n3", "n4"]),
    ("offset=3", ["n3", "n4"]),
    ("offset=3&start=4", ["n4"]),
    ("page=2&page_size=2", ["n2", "n3"]),
    ("page=3&page_size=2", ["n4"]),
    ("page=1&page_size=2&limit=1", ["n0"]),
    ("limit=1&limit=3", ["n0", "n1", "n2"]),
    ('sort={"_id":-1}', ["n4", "n3", "n2", "n1", "n0"]),
    ('sort={"_id":-1}&start=1&limit=2', ["n3", "n2"]),
    ('sort={"_id":1}&limit=1', ["n0"]),
    ("sort={}&limit=1", ["n0"]),
    ("query={}&limit=1", ["n0"]),
    ("query=&fields=&sort=&limit=1", ["n0"]),
    ("fields=[]&limit=1", ["n0"]),
    ("nonsense=1&limit=1&user=x", ["n0"]),
]


def test_rows_are_those_that_were_asked_for(app: App, filled: str) -> None:
    for query, expected in ROWS:
        answer = app.call("GET", data(filled), query=query)
        assert (names(answer), answer.json()["count"]) == (expected, 5), query


REFUSED: list[tuple[str, Any]] = [
    ("limit=0", {"limit": "A positive integer is required"}),
    ("limit=000", {"limit": "A positive integer is required"}),
    ("limit=-1", {"limit": "A positive integer is required"}),
    ("limit=x", {"limit": "A positive integer is required"}),
    ("limit=", {"limit": "A positive integer is required"}),
    ("limit=%D9%A3", {"limit": "A positive integer is required"}),
    ("start=-1", {"start": "A positive integer is required."}),
    ("start=1.5", {"start": "A positive integer is required."}),
    ("start=%C2%B2", {"start": "A positive integer is required."}),
    ("query={", {"query": "Value must be valid JSON."}),
    ("query=NaN", {"query": "Value must be valid JSON."}),
    ('query={"$where":1}', ["Unsupported query"]),
    ("query=[]", ["Unsupported query"]),
    ("fields=x", {"fields": "Value must be valid JSON."}),
    ('fields={"a":1}', {"fields": "Value must be valid JSON."}),
    ("sort=[", {"sort": "Value must be valid JSON."}),
    ("sort=1", {"sort": "Value must be valid JSON."}),
    ("query=null", ["Unsupported query"]),
    ('query={"a":{"$size":1}}', ["Unsupported query"]),
    ('query={"$nor":[{"a":1}]}', ["Unsupported query"]),
    ('query={"name":{"$regex":"("}}', ["Unsupported query"]),
    ('sort={"name":2}', {"sort": "Not supported: the direction of a sort is 1 or -1."}),
    ('sort={"$name":1}', {"sort": "Not supported: a sort goes by names."}),
    (
        'sort={"name":1}&start=100000&limit=1',
        {"sort": "Not supported: only the first 100000 rows can be read in another order than that of _id."},
    ),
    (
        "count=1",
        {"count": "This param is not implemented. Use `count` property of the response instead."},
    ),
]


def test_parameters_that_cannot_be_are_refused(app: App, filled: str) -> None:
    for query, body in REFUSED:
        answer = app.call("GET", data(filled), query=query)
        assert (answer.status, answer.json()) == (400, body), query


LINKS: list[tuple[str, str, str | None, str | None]] = [
        ("/", "limit=2", "/?limit=2&start=2", None),
        ("/", "limit=2&start=2", "/?limit=2&start=4", "/?limit=2"),
        ("/", "limit=2&start=3", None, "/?limit=2&start=1"),
        ("/", "limit=2&start=1", "/?limit=2&start=3", "/?limit=2"),
        ("/", "limit=2&start=40", None, "/?limit=2&start=38"),
        ("", "limit=4", "/?limit=4&start=4", None),
        (".json", "limit=4", ".json?limit=4&start=4", None),
        ("/", "format=json&limit=4&format=json", "/?format=json&limit=4&start=4", None),
        ("/", "query={}&limit=4&fields=[\"name\"]", "/?fields=%5B%22name%22%5D&limit=4&query=%7B%7D&start=4", None),
        ("/", "page=1&page_size=4", "/?limit=4&start=4", None),
        ("/", "offset=1&limit=2", "/?limit=2&start=3", "/?limit=2"),
        ("/", "x=a%20b%2Bc%26d&limit=4", "/?limit=4&start=4&x=a%20b%2Bc%26d", None),
    ]  # fmt: skip


def test_links_are_exactly_these(app: App, filled: str) -> None:
    base = BASE + data(filled, "")
    for path, query, following, previous in LINKS:
        answer = app.call("GET", data(filled, path), query=query).json()
        assert answer["next"] == (following and base + following), query
        assert answer["previous"] == (previous and base + previous), query


def test_the_default_page_has_a_hundred_rows_and_the_largest_a_thousand(app: App, filled: str) -> None:
    from formrelay.api import paging

    assert (paging.DEFAULT_LIMIT, paging.MAX_LIMIT) == (100, 1000)
    _multiply(filled, 101)
    answer = app.call("GET", data(filled)).json()
    assert (len(answer["results"]), answer["next"]) == (100, f"{BASE}{data(filled)}?limit=100&start=100")


def _multiply(asset: str, count: int) -> None:
    """Copies of a submission under further ids."""
    item = next(submissions.scan(asset))
    for number in range(count):
        sid = item["id"] + 10**9 + number
        table.put(settings().data_table, {**item, **keys.submission(asset, sid), "id": sid})


def test_following_the_links_shows_every_row_once(app: App, filled: str) -> None:
    seen, url = [], BASE + data(filled) + "?limit=2"
    while url:
        parts = urlsplit(url)
        page = app.call("GET", parts.path, query=parts.query).json()
        seen += [row["name"] for row in page["results"]]
        url = page["next"]
    assert seen == ["n0", "n1", "n2", "n3", "n4"]


def test_links_stand_on_the_callers_own_origin_and_prefix(app: App, filled: str) -> None:
    headers = {"host": "forms.example.org:8443", "x-forwarded-proto": "http", "x-forwarded-prefix": "/relay"}
    answer = app.call("GET", data(filled), query="limit=4", headers=headers).json()
    assert answer["next"].startswith("http://forms.example.org:8443/relay/api/v2/assets/")


def test_fields_choose_keys_in_stored_order_and_keep_the_ids(app: App, asset: str) -> None:
    app.submit(app.filled(asset, {"name": "Ana", "age": "3", "member": [{"who": "Bo"}]}))
    (full,) = app.records(asset)
    answer = app.call("GET", data(asset), query='fields=["_uuid","age","member","nothing"]')
    (row,) = answer.json()["results"]
    assert list(row) == ["_id", "age", "member", "_uuid", "meta/rootUuid", "_validation_status"]
    assert row == {name: full[name] for name in row}
    single = app.call("GET", data(asset, f"/{full['_id']}"), query='fields=["name"]').json()
    assert list(single) == ["_id", "name", "_uuid", "meta/rootUuid", "_validation_status"]


def test_attachments_come_only_when_they_are_among_the_fields(app: App, asset: str) -> None:
    app.submit(app.filled(asset, {"photo": "p.jpg"}), {"p.jpg": b"1"})
    app.submit(app.filled(asset, {"name": "Ana"}))
    rows = app.call("GET", data(asset), query='fields=["_attachments"]').json()["results"]
    assert [len(row["_attachments"]) for row in rows] == [1, 0]
    rows = app.call("GET", data(asset), query='fields=["name"]').json()["results"]
    assert not any("_attachments" in row for row in rows)


def test_the_list_is_counted_and_read_with_strong_consistency(app: App, filled: str) -> None:
    """A submission that was answered 201 stands in the list at once."""
    with _reads() as made:
        app.get(data(filled))
        app.get(data(filled), start="1")
    assert made
    assert all(request["ConsistentRead"] for request in made)


@contextmanager
def _reads() -> Iterator[list[dict[str, Any]]]:
    made: list[dict[str, Any]] = []

    def note(model: Any, params: dict[str, Any], **_: Any) -> None:
        made.append(json.loads(params["body"]))

    events = aws.dynamodb().meta.events
    for operation in ("Query", "GetItem"):
        events.register(f"before-call.dynamodb.{operation}", note)
    try:
        yield made
    finally:
        for operation in ("Query", "GetItem"):
            events.unregister(f"before-call.dynamodb.{operation}", note)


# Records


@pytest.mark.parametrize("name", ["_id", "_uuid", "_attachments", "_submitted_by", "_xform_id_string"])
def test_a_question_named_like_a_key_of_the_server_breaks_nothing(app: App, asset: str, name: str) -> None:
    xml = app.filled(asset, {"name": "Ana"}).replace("<name>", f"<{name}>mine</{name}><name>")
    assert app.submit(xml).status == 201
    assert app.submit(app.filled(asset, {"name": "Bo"})).status == 201
    first, second = app.records(asset)
    assert [key for key in first if key.startswith("_")] == [key for key in second if key.startswith("_")]
    assert first[name] != "mine"
    assert app.get(data(asset, f"/{first['_id']}/")).json()["name"] == "Ana"


def test_coordinates_are_floats_even_when_they_are_whole(app: App, asset: str) -> None:
    app.submit(app.filled(asset, {"gps": "36 -1 0 0"}))
    assert '"_geolocation":[36.0,-1.0]' in app.get(data(asset)).text


@pytest.mark.parametrize("gps", ["nowhere", "1", "1e999 1", "nan nan", "1e200 1", "1_0 2"])
def test_a_geopoint_that_is_none_is_kept_as_text_and_has_no_place(app: App, asset: str, gps: str) -> None:
    assert app.submit(app.filled(asset, {"gps": gps})).status == 201
    (record,) = app.records(asset)
    assert (record["gps"], record["_geolocation"]) == (gps, [None, None])


@pytest.mark.parametrize(
    "text", ["  spaces\tand\nlines  ", "\N{PILE OF POO}", "e\N{COMBINING ACUTE ACCENT}", "a" * 50_000]
)
def test_text_is_kept_exactly(app: App, asset: str, text: str) -> None:
    app.submit(app.filled(asset, {"name": text}))
    assert app.records(asset)[0]["name"] == text


# One


def test_one_submission_is_found_by_id_and_by_uuid(app: App, filled: str) -> None:
    row = app.records(filled)[2]
    sid, uuid = row["_id"], row["_uuid"]
    for rest in (
        f"/{sid}",
        f"/{sid}/",
        f"/{sid}.json",
        f"/00{sid}",
        f"/{uuid}/",
        f"/uuid:{uuid}",
        f"/uuid%3A{uuid}.json",
    ):
        answer = app.get(data(filled, rest))
        assert (answer.status, answer.status == 200 and answer.json()) == (200, row), rest


def test_an_instance_id_of_another_scheme_finds_its_submission(app: App, asset: str) -> None:
    app.submit(app.filled(asset, {"name": "Ana"}, "kobotoolbox.org:123"))
    answer = app.get(data(asset, "/kobotoolbox.org:123/")).json()
    assert (answer["_uuid"], answer["meta/rootUuid"]) == ("kobotoolbox.org:123", "kobotoolbox.org:123")


NO_IDS = [
        "1", "0", "000", "999999999999999", "9999999999999999", "9" * 250, "-1", "1.5", "%D9%A3", "uuid:", "x", "%00",
        "00000000-0000-4000-8000-000000000000", "uuid:00000000-0000-4000-8000-000000000000",
        "%F0%9F%92%A9" * 60, "a" * 250, "a" * 5_000,
    ]  # fmt: skip


def test_an_id_that_is_none_is_not_found(app: App, filled: str) -> None:
    for id_ in NO_IDS:
        answer = app.get(data(filled, f"/{id_}/"))
        assert (answer.status, answer.json()) == (404, DETAIL_404), id_
        assert app.get(data(filled, f"/{id_}.xml")).status == 404, id_


def test_the_submission_of_another_form_is_not_found(app: App, filled: str) -> None:
    other = app.deploy(FORM)
    row = app.records(filled)[0]
    assert app.get(data(other, f"/{row['_id']}/")).status == 404
    assert app.get(data(other, f"/{row['_uuid']}/")).status == 404


@pytest.mark.parametrize("format_", ["csv", "xlsx", "nonsense", "%00", "XML"])
def test_an_unknown_format_is_not_found(app: App, filled: str, format_: str) -> None:
    answer = app.call("GET", data(filled), query=f"format={format_}")
    assert (answer.status, answer.json()) == (404, DETAIL_404)


def test_the_suffix_beats_the_format_parameter(app: App, filled: str) -> None:
    assert len(app.call("GET", data(filled, ".json"), query="format=xml").json()["results"]) == 5
    assert app.call("GET", data(filled, ".xml"), query="format=json").text.startswith("<?xml")


@pytest.mark.parametrize(
    "accept",
    [
        "*/*",
        "",
        "text/html",
        "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
        "application/json, text/xml, application/xml, */*",
        "application/xml;q=0.5, application/json",
        "application/xml;q=0",
        "image/png",
        ";;q=x, ,",
    ],
)
def test_what_browsers_and_scripts_accept_is_answered_in_json(app: App, filled: str, accept: str) -> None:
    assert app.call("GET", data(filled), headers={"accept": accept}).json()["count"] == 5


@pytest.mark.parametrize(
    "accept", ["application/xml", "TEXT/XML;q=0.9, */*;q=0.1", "text/csv, application/xml"]
)
def test_who_accepts_xml_first_gets_it_unless_the_path_says_otherwise(
    app: App, filled: str, accept: str
) -> None:
    headers = {"accept": accept}
    assert app.call("GET", data(filled), headers=headers).text == app.call(
        "GET", data(filled), query="format=xml"
    ).text.replace("format=xml&amp;", "")
    assert app.call("GET", data(filled, "/1/"), headers=headers).text == XML_404
    assert app.call("GET", data(filled, ".json"), headers=headers).json()["count"] == 5
    # Where there is no XML, JSON is for who takes anything.
    elsewhere = app.call("GET", "/api/v2/assets/", headers=headers)
    assert elsewhere.status == (200 if "*/*" in accept else 406)


# XML


@pytest.mark.parametrize("how", [".xml", "/?format=xml", "?format=xml"])
def test_one_submission_in_xml_is_the_text_that_was_sent(app: App, asset: str, how: str) -> None:
    xml = app.filled(asset, {"name": "Björn &amp; <co>"}, "uuid:1").replace(
        "?>", "?>\n<!-- made here -->\n  ", 1
    )
    app.submit(xml)
    path, _, query = data(asset, f"/{app.records(asset)[0]['_id']}{how}").partition("?")
    answer = app.call("GET", path, query=query)
    assert answer.headers["content-type"] == "application/xml; charset=utf-8"
    assert answer.text == xml


def test_a_declaration_is_put_in_front_only_where_there_is_none(app: App, asset: str) -> None:
    bare = app.filled(asset, {"name": "Ana"}, "uuid:1").partition("?>")[2]
    app.submit(bare)
    answer = app.get(data(asset, "/1/").replace("/1/", "/uuid:1.xml"))
    assert answer.text == f'<?xml version="1.0" encoding="utf-8"?>{bare}'


def test_errors_of_xml_come_in_xml(app: App, filled: str) -> None:
    for path in (data(filled, "/1.xml"), data("aUnknownUnknownUnknow2", ".xml")):
        answer = app.get(path)
        assert (answer.status, answer.text) == (404, XML_404)
        assert answer.headers["content-type"] == "application/xml; charset=utf-8"


def test_the_xml_list_has_links_that_are_escaped(app: App, filled: str) -> None:
    text = app.call("GET", data(filled, ".xml"), query="limit=2&start=2").text
    link = f"{BASE}{data(filled, '.xml')}?limit=2"
    assert text.startswith(
        '<?xml version="1.0" encoding="utf-8"?><root><count>5</count>'
        f"<next>{link}&amp;start=4</next><previous>{link}</previous><results><"
    )
    assert text.endswith("</results></root>")
    assert text.count("<name>n") == 2


@pytest.mark.parametrize(
    ("query", "body"),
    [
        ('sort={"_id":-1}', "<sort>This param is not supported in `XML` format</sort>"),
        ('fields=["name"]', "<fields>This is not supported in `XML` format</fields>"),
        ("limit=0", "<limit>A positive integer is required</limit>"),
    ],
)
def test_the_xml_list_refuses_what_it_cannot_do(app: App, filled: str, query: str, body: str) -> None:
    answer = app.call("GET", data(filled, ".xml"), query=query)
    assert answer.status == 400
    assert answer.text == f'<?xml version="1.0" encoding="utf-8"?><root>{body}</root>'


@pytest.mark.parametrize("encoding", ["utf-16", "iso-8859-1", "windows-1252", "utf-8-sig", "us-ascii"])
def test_xml_in_another_encoding_reads_back_in_utf_8(app: App, asset: str, encoding: str) -> None:
    from xml.etree import ElementTree as ET

    name = "Ana" if encoding == "us-ascii" else "Anaïs"
    declared = "utf-8" if encoding == "utf-8-sig" else encoding
    xml = app.filled(asset, {"name": name}, "uuid:1").partition("?>")[2]
    sent = f"<?xml version='1.0' encoding='{declared}'?>{xml}".encode(encoding)
    app.send_form("POST", "/submission", [("xml_submission_file", ("i.xml", sent, "text/xml"))])
    app.submit(app.filled(asset, {"name": "plain"}))
    for path in (data(asset, "/uuid:1.xml"), data(asset, ".xml")):
        answer = app.get(path)
        assert answer.headers["content-type"] == "application/xml; charset=utf-8"
        root = ET.fromstring(answer.body.decode("utf-8"))  # noqa: S314 (our own answer)
        assert next(element.text for element in root.iter("name")) == name


# Rights


def test_a_project_that_is_not_deployed_has_no_data(app: App) -> None:
    made = app.send("POST", "/api/v2/assets/", {"asset_type": "survey", "content": FORM}).json()
    answer = app.get(data(made["uid"]))
    assert (answer.status, answer.json()) == (400, {"detail": "The specified asset has not been deployed"})


@pytest.mark.parametrize("rest", ["/", "/1/", "/1/attachments/attX/", "/1/attachments/"])
@pytest.mark.parametrize("user", ["bob", None])
def test_who_may_not_see_data_is_told_that_it_is_not_there(
    app: App, filled: str, rest: str, user: str | None
) -> None:
    app.add_user("bob")
    grant(filled, "bob", "view_asset")
    grant(filled, ANONYMOUS, "view_asset")
    answer = app.get(data(filled, rest), user=user)
    assert (answer.status, answer.json()) == (404, DETAIL_404)


def test_a_viewer_reads(app: App, filled: str) -> None:
    app.add_user("bob")
    grant(filled, "bob", "view_asset", "view_submissions")
    assert len(app.records(filled, user="bob")) == 5


@pytest.mark.parametrize("user", ["bob", None])
def test_public_data_is_read_by_anybody(app: App, filled: str, user: str | None) -> None:
    app.add_user("bob")
    grant(filled, ANONYMOUS, "view_asset", "view_submissions")
    assert len(app.get(data(filled), user=user).json()["results"]) == 5


def test_a_wrong_key_is_refused_even_on_public_data(app: App, filled: str) -> None:
    grant(filled, ANONYMOUS, "view_asset", "view_submissions")
    answer = app.call("GET", data(filled), headers={"authorization": "Token " + "0" * 40})
    assert (answer.status, answer.json()) == (401, {"detail": "Invalid token."})


def test_a_superuser_reads_everything(app: App, filled: str) -> None:
    app.add_user("root", superuser=True)
    assert len(app.records(filled, user="root")) == 5


def test_data_is_never_posted_here(app: App, filled: str) -> None:
    app.add_user("bob")
    answer = app.send("POST", data(filled), {"name": "x"})
    assert (answer.status, answer.json()) == (405, {"detail": 'Method "POST" not allowed.'})
    assert answer.headers["allow"] == "GET"
    assert app.send("PUT", data(filled), {}).headers["allow"] == "GET"
    assert app.send("POST", data(filled), {"name": "x"}, user="bob").status == 404
    grant(filled, "bob", "view_asset", "view_submissions")
    assert app.send("POST", data(filled), {"name": "x"}, user="bob").status == 403
    assert len(app.records(filled)) == 5


def test_an_archived_form_is_read_on(app: App, filled: str) -> None:
    app.send("PATCH", f"/api/v2/assets/{filled}/deployment/", {"active": False})
    assert len(app.records(filled)) == 5


def test_parameters_of_links_survive_a_round_trip(app: App, filled: str) -> None:
    query = 'fields=["a b","c/d","\N{SNOWMAN}"]&limit=1'
    link = app.call("GET", data(filled), query=query).json()["next"]
    assert dict(parse_qsl(urlsplit(link).query))["fields"] == '["a b","c/d","\N{SNOWMAN}"]'
