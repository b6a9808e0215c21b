"""Forms and records of the golden examples of exports (contract exports §4), and files made of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from formrelay.exports.csv_file import CsvFile
from formrelay.exports.options import checked, options
from formrelay.exports.output import Output, Reader
from formrelay.exports.plan import Plan, plan
from formrelay.forms.content import normalise

META = (
    '"_id";"_uuid";"_submission_time";"_validation_status";"_notes";"_status";"_submitted_by";"__version__";"_tags";'
    '"meta/rootUuid"'
)
SETTINGS: dict[str, Any] = {
    "type": "csv",
    "lang": "_default",
    "fields_from_all_versions": True,
    "group_sep": "/",
    "hierarchy_in_labels": False,
    "multiple_select": "both",
}


class Example(NamedTuple):
    """A project: ``contents`` are uid and content of its versions, newest first."""

    name: str
    contents: list[tuple[str, dict[str, Any]]]
    records: list[dict[str, Any]]


def content(survey: Sequence[Mapping[str, Any]], choices: Sequence[Mapping[str, Any]] = ()) -> dict[str, Any]:
    return normalise({"survey": list(survey), "choices": list(choices)}).content


def record(sid: int, version: str | None, **answers: Any) -> dict[str, Any]:
    """A submission as the data API shows it."""
    versioned = {"__version__": version} if version else {}
    return {
        "_id": sid,
        **versioned,
        "_uuid": f"u{sid}",
        "meta/rootUuid": f"uuid:u{sid}",
        "_attachments": [],
        "_status": "submitted_via_web",
        "_geolocation": [None, None],
        "_submission_time": f"2026-03-{sid:02d}T09:30:00",
        "_validation_status": {},
        "_submitted_by": None,
        **answers,
    }


LISTS = [
    {"list_name": "yn", "name": "y", "label": "Yes"},
    {"list_name": "yn", "name": "n", "label": "No"},
    {"list_name": "fuel", "name": "gas", "label": "Gas"},
    {"list_name": "fuel", "name": "wood", "label": "Fire wood"},
]


def select(
    survey: Sequence[Mapping[str, Any]],
    records: list[dict[str, Any]],
    choices: Sequence[Mapping[str, Any]] = LISTS,
    name: str = "Households",
) -> Example:
    """A project of one version, ``v1``."""
    return Example(name, [("v1", content(survey, choices))], records)


G1 = select(
    [
        {"type": "text", "name": "name", "label": "Full name"},
        {"type": "integer", "name": "age", "label": "Age", "hxl": "#affected"},
        {"type": "begin_group", "name": "home", "label": "Home"},
        {"type": "select_one yn", "name": "own", "label": "Owner?"},
        {"type": "select_multiple fuel", "name": "fuel", "label": "Fuels"},
        {"type": "geopoint", "name": "gps", "label": "Where"},
        {"type": "end_group"},
    ],
    [
        record(
            1,
            "v1",
            **{
                "name": 'Ann "A" Li',
                "age": "34",
                "home/own": "y",
                "home/fuel": "gas wood",
                "home/gps": "1.5 30.25 900 4.5",
                "_validation_status": {"uid": "validation_status_approved", "label": "Approved"},
            },
        ),
        record(2, "v1", name="Bo;b", _submitted_by="bob"),
    ],
)
G2 = select(
    [
        {"type": "text", "name": "hh", "label": "Household"},
        {"type": "begin_repeat", "name": "member", "label": "Members"},
        {"type": "text", "name": "mname", "label": "Member name"},
        {"type": "begin_group", "name": "g", "label": "Grp"},
        {"type": "integer", "name": "mage", "label": "Member age"},
        {"type": "end_group"},
        {"type": "begin_repeat", "name": "visit", "label": "Visits"},
        {"type": "date", "name": "vd", "label": "Visit date"},
        {"type": "end_repeat"},
        {"type": "end_repeat"},
        {"type": "text", "name": "rem", "label": "Remark"},
    ],
    [
        record(
            11,
            "v1",
            hh="A",
            rem="ok",
            member=[
                {
                    "member/mname": "x",
                    "member/g/mage": "5",
                    "member/visit": [{"member/visit/vd": "2026-01-01"}, {"member/visit/vd": "2026-01-02"}],
                },
                {"member/mname": "y"},
            ],
        ),
        record(12, "v1", hh="B"),
        record(
            13,
            "v1",
            hh="C",
            member=[{"member/mname": "z", "member/visit": [{"member/visit/vd": "2026-01-03"}]}],
        ),
    ],
    name="HH: survey/1",
)
G3 = Example(
    "Versions",
    [
        (
            "v2",
            content(
                [
                    {"type": "text", "name": "a", "label": "A2"},
                    {"type": "text", "name": "n", "label": "N2"},
                    {"type": "select_multiple l", "name": "m", "label": "M2"},
                    {"type": "integer", "name": "c", "label": "C2"},
                ],
                [
                    {"list_name": "l", "name": "z", "label": "Z2"},
                    {"list_name": "l", "name": "y", "label": "Y2"},
                ],
            ),
        ),
        (
            "v1",
            content(
                [
                    {"type": "text", "name": "a", "label": "A1"},
                    {"type": "text", "name": "b", "label": "B1"},
                    {"type": "select_multiple l", "name": "m", "label": "M1"},
                    {"type": "text", "name": "c", "label": "C1"},
                ],
                [
                    {"list_name": "l", "name": "x", "label": "X1"},
                    {"list_name": "l", "name": "y", "label": "Y1"},
                ],
            ),
        ),
    ],
    [record(1, "v1", a="1", b="2", m="x y", c="3"), record(2, "v2", a="4", n="5", m="z", c="6")],
)


def _both(en: str, fr: str | None) -> dict[str, Any]:
    return {"label::English (en)": en, "label::French (fr)": fr}


G4 = select(
    [
        {"type": "select_one l", "name": "q", **_both("Q en", "Q fr")},
        {"type": "text", "name": "r", **_both("R en", None)},
        {"type": "select_multiple l", "name": "m", **_both("M en", "M fr")},
    ],
    [record(1, "v1", q="2", r="hi", m="1 2")],
    [
        {"list_name": "l", "name": "1", **_both("One", "Un")},
        {"list_name": "l", "name": "2", **_both("Two", None)},
    ],
)


def parents(*groups: str) -> dict[str, Any]:
    """The content of a form that asks for the name and the children of each of these."""
    rows: list[dict[str, Any]] = []
    for group in groups:
        rows += [
            {"type": "begin_group", "name": group, "label": group.title()},
            {"type": "text", "name": "name", "label": "Name"},
            {"type": "begin_repeat", "name": "child", "label": "Child"},
            {"type": "text", "name": "age", "label": "Age"},
            {"type": "end_repeat"},
            {"type": "end_group"},
        ]
    return content(rows)


BOTH_PARENTS = record(
    1,
    "v1",
    **{
        "mother/name": "Ana",
        "mother/child": [{"mother/child/age": "3"}],
        "father/name": "Bo",
        "father/child": [{"father/child/age": "7"}],
    },
)


def planned(example: Example, **settings: Any) -> Plan:
    """The plan of an export with these settings; what is not given is as in the contract's example."""
    languages = example.contents[0][1]["translations"]
    return plan(example.contents, options(checked({**SETTINGS, **settings}, languages)))


def finished(output: Output, records: Sequence[Mapping[str, Any]], every: int = 1_000) -> bytes:
    """The file, made in segments of so many submissions."""
    segments = []
    for number, row in enumerate(records, 1):
        output.add(row)
        if number % every == 0:
            segments.append(output.cut())
    segments.append(output.cut())
    return b"".join(output.finish(reader(segments)))


def reader(segments: Sequence[bytes]) -> Reader:
    def read(number: int, start: int, end: int) -> Iterator[bytes]:
        yield segments[number][start:end]

    return read


def csv_text(example: Example, **settings: Any) -> str:
    return finished(CsvFile(planned(example, **settings)), example.records).decode()


def csv_lines(example: Example, **settings: Any) -> list[str]:
    return csv_text(example, **settings).split("\r\n")[:-1]
