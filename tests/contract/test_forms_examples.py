"""Golden examples of the contract: assets §4.2 and §4.3, and the answers of the compile function."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any

import pytest

from formrelay.forms.content import normalise
from formrelay.forms.summary import summarise
from functions.compile.app import handler
from infra.local.demo.build import workbook
from tests.support.forms import (
    DATA,
    HOUSEHOLD_ANSWERS,
    XFORMS,
    data_form,
    fill,
    household_xlsx,
    parse,
    small_jpeg,
)

EXAMPLE: dict[str, Any] = {
    "survey": [
        {"type": "start", "name": "start"},
        {"type": "text", "label": "Full name?"},
        {"type": "select_one yn", "name": "ok", "label": "OK?", "required": "true"},
        {"type": "begin_group", "name": "g", "label": "G"},
        {"type": "integer", "name": "age", "label": "How old are you?"},
        {"type": "geopoint", "name": "loc", "label": "Where", "hint": "outside"},
        {"type": "end_group"},
    ],
    "choices": [{"list_name": "yn", "name": "y", "label": "Yes"}, {"list_name": "yn", "label": "No way"}],
    "settings": {"id_string": "hh", "form_title": "Household survey"},
}
IDENTITY = {
    "asset": "aBX3kq7WmTz9fJhLr2YcVn",
    "name": "Household visit",
    "version": "vK9dP2mXwQz7RtYhLb3CfJs",
    "version_label": "3 (2026-08-01 09:15:00)",
    "form_uuid": "5f1c2d3e4b5a69788796a5b4c3d2e1f0",
}
INSTANCE_ID = "uuid:0b1c7d0e-5a3f-4d0e-9c55-2f1b8e7a6c11"


def _without_kuids(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{key: cell for key, cell in row.items() if key != "$kuid"} for row in rows]


def _xform(content: Any, **changes: Any) -> dict[str, Any]:
    answer = handler({"action": "xform", **IDENTITY, "content": content, **changes}, None)
    return dict(json.loads(json.dumps(answer)))


def _household() -> str:
    answer = handler(
        {"action": "import", "name": "household.xlsx", "data": base64.b64encode(household_xlsx()).decode()},
        None,
    )
    assert answer["name"] == "Household visit"
    return str(_xform(answer["content"])["xform"])


def test_the_measured_example_of_normalisation_is_met() -> None:
    normal = normalise(EXAMPLE)
    content = normal.content
    assert normal.title == "Household survey"
    assert all("$kuid" in row for row in content["survey"] + content["choices"])
    assert {
        **content,
        "survey": _without_kuids(content["survey"]),
        "choices": _without_kuids(content["choices"]),
    } == {
        "schema": "1",
        "translations": [None],
        "translated": ["hint", "label"],
        "settings": {"id_string": "hh"},
        "survey": [
            {"type": "start", "name": "start", "$autoname": "start", "$xpath": "start"},
            {"type": "text", "label": ["Full name?"], "$autoname": "Full_name", "$xpath": "Full_name"},
            {
                "type": "select_one",
                "name": "ok",
                "label": ["OK?"],
                "required": True,
                "select_from_list_name": "yn",
                "$autoname": "ok",
                "$xpath": "ok",
            },
            {"type": "begin_group", "name": "g", "label": ["G"], "$autoname": "g", "$xpath": "g"},
            {
                "type": "integer",
                "name": "age",
                "label": ["How old are you?"],
                "$autoname": "age",
                "$xpath": "g/age",
            },
            {
                "type": "geopoint",
                "name": "loc",
                "label": ["Where"],
                "hint": ["outside"],
                "$autoname": "loc",
                "$xpath": "g/loc",
            },
            {"type": "end_group"},
        ],
        "choices": [
            {"list_name": "yn", "name": "y", "label": ["Yes"], "$autovalue": "y"},
            # ``name`` is a decided deviation: clients index it.
            {"list_name": "yn", "name": "No_way", "label": ["No way"], "$autovalue": "No_way"},
        ],
    }


def test_the_measured_example_of_a_summary_is_met() -> None:
    assert summarise(normalise(EXAMPLE).content) == {
        "row_count": 4,
        "languages": [None],
        "default_translation": None,
        "geo": True,
        "lock_all": False,
        "lock_any": False,
        "labels": ["Full name?", "OK?", "How old are you?", "Where"],
        "columns": ["type", "label", "name", "required", "select_from_list_name", "hint"],
        "name_quality": {
            "firsts": {"ok": {"name": "Full_name", "index": 1, "label": ["Full name?"]}},
            "bad": 0,
            "ok": 1,
            "good": 3,
            "total": 4,
        },
    }


def test_the_demo_workbook_is_made_from_its_source() -> None:
    def content(data: bytes) -> Any:
        return handler({"action": "import", "data": base64.b64encode(data).decode()}, None)

    assert content(household_xlsx()) == content(workbook())


def test_the_demo_form_has_the_shape_that_ingest_needs() -> None:
    imported = handler(
        {"action": "import", "name": "f.xlsx", "data": base64.b64encode(household_xlsx()).decode()}, None
    )
    assert _xform(imported["content"])["shape"] == {
        "repeats": ["hh/member", "hh/member/dose"],
        "geopoints": ["loc/gps"],
        "media": ["hh/member/portrait", "photo"],
    }


def test_the_demo_form_filled_in_is_the_worked_example() -> None:
    def flat(xml: str) -> list[tuple[str, str]]:
        return [(element.tag, (element.text or "").strip()) for element in parse(xml).iter()]

    filled = fill(_household(), HOUSEHOLD_ANSWERS, INSTANCE_ID)
    example = (DATA / "instances" / "household.xml").read_text("utf-8")
    assert flat(filled) == flat(example)
    assert parse(filled).attrib == parse(example).attrib


def test_filling_in_refuses_a_question_that_the_form_lacks() -> None:
    for answers in (
        {"nope": "1"},
        {"loc/nope": "1"},
        {"hh/member": [{"nope": "1"}]},
        {"hh/member": [{"contact/x": "1"}]},
    ):
        with pytest.raises(KeyError):
            fill(_household(), answers)


def test_the_small_picture_is_a_jpeg() -> None:
    data = small_jpeg()
    assert (data[:3], data[-2:], len(data)) == (b"\xff\xd8\xff", b"\xff\xd9", 159)


def test_a_faulty_form_is_answered_in_pyxforms_words() -> None:
    content = {"survey": [{"type": "integer", "name": "age"}]}
    assert _xform(content) == {"error": "The survey element named 'age' has no label or hint."}


def test_a_name_used_twice_is_answered_as_such() -> None:
    row = {"type": "integer", "name": "age", "label": "Age"}
    assert _xform({"survey": [row, row]})["error"].startswith("Duplicate name error: ")


def test_an_upload_that_is_no_spreadsheet_is_answered_as_such() -> None:
    answer = handler(
        {"action": "import", "name": "x.xlsx", "data": base64.b64encode(b"nothing").decode()}, None
    )
    assert answer == {"error": "Unsupported format, or corrupt file", "error_type": "ValueError"}


def test_an_upload_may_be_encoded_with_line_breaks() -> None:
    answer = handler(
        {"action": "import", "name": "f.xlsx", "data": base64.encodebytes(household_xlsx()).decode()}, None
    )
    assert answer["name"] == "Household visit"


def test_a_download_comes_as_base64() -> None:
    answer = handler({"action": "xlsx", "content": EXAMPLE, "name": "Household survey"}, None)
    data = base64.b64decode(answer["data"])
    imported = handler({"action": "import", "data": base64.b64encode(data).decode()}, None)
    assert imported["name"] == "Household survey"
    names = [row["name"] for row in normalise(imported["content"]).content["survey"] if "name" in row]
    assert names == ["start", "Full_name", "ok", "g", "age", "loc"]


@pytest.mark.parametrize(
    "event",
    [
        None,
        {},
        {"action": "destroy"},
        {"action": ["xform"]},
        {"action": "xform"},
        {"action": "xform", **IDENTITY, "content": "text"},
        {"action": "xform", **IDENTITY, "content": {"survey": [1]}},
        {"action": "xform", **IDENTITY, "version": "a'b", "content": {}},
        {"action": "import"},
        {"action": "import", "data": "%%%"},
        {"action": "import", "data": 7},
        {"action": "xlsx", "content": [1]},
    ],
)
def test_bad_events_are_answered_not_raised(event: Any) -> None:
    assert isinstance(handler(event, None)["error"], str)


def test_a_form_compiles_to_the_same_bytes_again() -> None:
    digests = {
        hashlib.sha256(_xform(data_form("food_security"))["xform"].encode()).hexdigest() for _ in range(3)
    }
    assert len(digests) == 1


def test_the_namespaces_of_the_contract_are_declared() -> None:
    head = _household()[:900]
    for declaration in (
        f'xmlns="{XFORMS}"',
        'xmlns:h="http://www.w3.org/1999/xhtml"',
        'xmlns:ev="http://www.w3.org/2001/xml-events"',
        'xmlns:xsd="http://www.w3.org/2001/XMLSchema"',
        'xmlns:jr="http://openrosa.org/javarosa"',
        'xmlns:orx="http://openrosa.org/xforms"',
        'xmlns:odk="http://www.opendatakit.org/xforms"',
    ):
        assert declaration in head
