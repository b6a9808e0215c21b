"""The golden examples of contract exports §4, byte for byte, and the rules of §3 that show in CSV."""

from __future__ import annotations

import csv
from typing import Any

import pytest

from tests.support.exports import (
    BOTH_PARENTS,
    G1,
    G2,
    G3,
    G4,
    META,
    Example,
    content,
    csv_lines,
    csv_text,
    parents,
    record,
    select,
)


def test_g1_labels_with_both_columns_of_multiple_selects() -> None:
    assert csv_text(G1, lang="_default", multiple_select="both") == (
        '"Full name";"Age";"Owner?";"Fuels";"Fuels/Gas";"Fuels/Fire wood";"Where";"_Where_latitude";'
        '"_Where_longitude";"_Where_altitude";"_Where_precision";"_id";"_uuid";"_submission_time";'
        '"_validation_status";"_notes";"_status";"_submitted_by";"__version__";"_tags";"meta/rootUuid";"_index"\r\n'
        '"";"#affected";"";"";"";"";"";"";"";"";"";"";"";"";"";"";"";"";"";"";"";""\r\n'
        '"Ann ""A"" Li";"34";"Yes";"Gas Fire wood";"1";"1";"1.5 30.25 900 4.5";"1.5";"30.25";"900";"4.5";"1";"u1";'
        '"2026-03-01T09:30:00";"Approved";"";"submitted_via_web";"";"v1";"";"uuid:u1";"1"\r\n'
        '"Bo;b";"";"";"";"";"";"";"";"";"";"";"2";"u2";"2026-03-02T09:30:00";"";"";"submitted_via_web";"bob";"v1";"";'
        '"uuid:u2";"2"\r\n'
    )


def test_g1_names_with_choice_columns_alone() -> None:
    lines = csv_lines(G1, lang="_xml", multiple_select="details")
    assert lines[0] == (
        '"name";"age";"own";"fuel/gas";"fuel/wood";"gps";"_gps_latitude";"_gps_longitude";"_gps_altitude";'
        f'"_gps_precision";{META};"_index"'
    )
    assert lines[2] == (
        '"Ann ""A"" Li";"34";"y";"1";"1";"1.5 30.25 900 4.5";"1.5";"30.25";"900";"4.5";"1";"u1";'
        '"2026-03-01T09:30:00";"validation_status_approved";"";"submitted_via_web";"";"v1";"";"uuid:u1";"1"'
    )


def test_g1_hierarchy_and_summaries() -> None:
    lines = csv_lines(G1, hierarchy_in_labels=True, group_sep="/", multiple_select="summary")
    assert lines[0] == (
        '"Full name";"Age";"Home/Owner?";"Home/Fuels";"Where";"Home/_Where_latitude";"Home/_Where_longitude";'
        f'"Home/_Where_altitude";"Home/_Where_precision";{META};"_index"'
    )


def test_g2_no_repeat_shows_in_csv() -> None:
    lines = csv_lines(G2, lang="_xml")
    assert lines[0] == f'"hh";"rem";{META};"_index"'
    assert [line.split(";")[:3] for line in lines[1:]] == [
        ['"A"', '"ok"', '"11"'],
        ['"B"', '""', '"12"'],
        ['"C"', '""', '"13"'],
    ]


def test_g3_two_versions() -> None:
    assert csv_text(G3, lang="_default") == (
        f'"A2";"N2";"M2";"M2/X1";"M2/Y2";"M2/Z2";"C2";"B1";{META};"_index"\r\n'
        '"1";"";"X1 Y1";"1";"1";"";"3";"2";"1";"u1";"2026-03-01T09:30:00";"";"";"submitted_via_web";"";"v1";"";'
        '"uuid:u1";"1"\r\n'
        '"4";"5";"Z2";"0";"0";"1";"6";"";"2";"u2";"2026-03-02T09:30:00";"";"";"submitted_via_web";"";"v2";"";'
        '"uuid:u2";"2"\r\n'
    )
    assert csv_lines(G3, lang="_xml")[0] == f'"a";"n";"m";"m/x";"m/y";"m/z";"c";"b";{META};"_index"'


@pytest.mark.parametrize(
    ("lang", "header", "row"),
    [
        ("English (en)", "Q en; R en; M en; M en/One; M en/Two", "Two; hi; One Two; 1; 1"),
        ("French (fr)", "Q fr; r; M fr; M fr/Un; M fr/2", "2; hi; Un 2; 1; 1"),
        ("_xml", "q; r; m; m/1; m/2", "2; hi; 1 2; 1; 1"),
        ("_default", "q; r; m; m/1; m/2", "2; hi; 1 2; 1; 1"),
    ],
)
def test_g4_languages(lang: str, header: str, row: str) -> None:
    lines = csv_lines(G4, lang=lang)
    shown = [[cell.strip('"') for cell in line.split(";")[:5]] for line in lines]
    assert shown == [header.split("; "), row.split("; ")]


def test_g5_chosen_fields() -> None:
    assert csv_text(G1, lang="_xml", fields=["name", "home/fuel"]) == (
        '"name";"fuel";"fuel/gas";"fuel/wood";"_uuid";"meta/rootUuid"\r\n'
        '"Ann ""A"" Li";"gas wood";"1";"1";"u1";"uuid:u1"\r\n'
        '"Bo;b";"";"";"";"u2";"uuid:u2"\r\n'
    )


def test_g5_chosen_fields_of_a_form_with_a_repeat_end_with_the_index() -> None:
    assert csv_lines(G2, lang="_xml", fields=["hh", "_uuid"])[0] == '"hh";"_uuid";"meta/rootUuid";"_index"'


def test_index_can_be_chosen() -> None:
    assert csv_lines(G1, lang="_xml", fields=["_index", "age"])[0] == '"age";"_uuid";"meta/rootUuid";"_index"'


def test_no_submission_leaves_the_header() -> None:
    empty = G1._replace(records=[])
    assert len(csv_lines(empty)) == 2
    assert csv_text(G3._replace(records=[])) == csv_lines(G3)[0] + "\r\n"


def test_newest_version_alone() -> None:
    lines = csv_lines(G3, lang="_default", fields_from_all_versions=False)
    assert lines[0].startswith('"A2";"N2";"M2";"M2/Z2";"M2/Y2";"C2";"_id"')
    assert lines[1].startswith('"1";"";"x Y2";"0";"1";"3";"1"')


def test_separator_of_groups_stands_before_choices_too() -> None:
    header = csv_lines(G1, hierarchy_in_labels=True, group_sep=" > ")[0]
    assert '"Home > Fuels";"Home > Fuels > Gas"' in header


def values(questions: list[dict[str, Any]], answers: dict[str, Any], **settings: Any) -> list[list[str]]:
    """Header and row of one submission, up to the columns of the submission itself."""
    example = select(questions, [record(1, "v1", **answers)])
    lines = csv_lines(example, **settings)
    header = [cell.strip('"') for cell in lines[0].split(";")]
    width = header.index("_id")
    return [header[:width], [cell.strip('"') for cell in lines[-1].split(";")][:width]]


YN = {"type": "select_one yn", "name": "own", "label": "Owner?"}
FUEL = {"type": "select_multiple fuel", "name": "fuel", "label": "Fuels"}


@pytest.mark.parametrize(
    ("newest", "header", "answers"),
    [
        (["father"], ["father/name", "mother/name"], ["Bo", "Ana"]),
        (["father", "mother"], ["father/name", "mother/name"], ["Bo", "Ana"]),
        (["uncle", "father"], ["uncle/name", "father/name"], ["Ana", "Bo"]),
        (["aunt", "mother", "father"], ["aunt/name", "mother/name", "father/name"], ["", "Ana", "Bo"]),
    ],
)
def test_of_questions_of_one_name_those_with_one_path_are_the_same(
    newest: list[str], header: list[str], answers: list[str]
) -> None:
    versions = [("v2", parents(*newest)), ("v1", parents("mother", "father"))]
    example = Example("Parents", versions, [BOTH_PARENTS])
    text = csv_text(example, lang="_xml", hierarchy_in_labels=True)
    shown = [row[: len(header)] for row in csv.reader(text.splitlines(), delimiter=";")]
    assert shown == [header, answers]


def test_a_question_that_moved_to_another_group_keeps_its_column() -> None:
    versions = [("v2", parents("parent")), ("v1", parents("mother"))]
    example = Example("Parents", versions, [record(1, "v1", **{"mother/name": "Ana"})])
    assert csv_lines(example, lang="_xml")[1].startswith('"Ana";"1";')


@pytest.mark.parametrize(("newest", "shown"), [("note", ["x", ""]), ("text", ["", "x"])])
def test_answers_from_before_a_question_became_a_note_are_shown(newest: str, shown: list[str]) -> None:
    kinds = {"v2": newest, "v1": "text" if newest == "note" else "note"}
    versions = [(uid, content([{"type": kind, "name": "q", "label": "Q"}])) for uid, kind in kinds.items()]
    example = Example("Notes", versions, [record(1, "v1", q="x"), record(2, "v2", q="x")])
    assert [line.split(";")[0].strip('"') for line in csv_lines(example)[1:]] == shown


def test_notes_and_groups_hold_no_answers() -> None:
    shown = values([{"type": "note", "name": "n", "label": "Note"}], {"n": "x"})
    assert shown == [["Note"], [""]]


def test_a_value_that_is_no_choice_stands_as_stored_and_adds_no_column() -> None:
    assert values([YN], {"own": "maybe"}) == [["Owner?"], ["maybe"]]
    shown = values([FUEL], {"fuel": "gas dung"})
    assert shown == [["Fuels", "Fuels/Gas", "Fuels/Fire wood"], ["Gas dung", "1", "0"]]


def test_choice_columns_are_empty_without_an_answer() -> None:
    assert values([FUEL], {"fuel": ""})[1] == ["", "", ""]
    assert values([FUEL], {})[1] == ["", "", ""]


def test_or_other() -> None:
    one = {**YN, "type": "select_one yn or_other"}
    assert values([one], {"own": "other", "own_other": "rented"}, lang="_xml") == [
        ["own", "own_other"],
        ["other", "rented"],
    ]
    many = {**FUEL, "type": "select_multiple fuel or_other"}
    assert values([many], {"fuel": "gas other"}, lang="_xml") == [
        ["fuel", "fuel/gas", "fuel/wood", "fuel/other"],
        ["gas other", "1", "0", "1"],
    ]


@pytest.mark.parametrize(
    ("answer", "parts"),
    [
        ("1 2", ["1", "2", "", ""]),
        ("1 2 3", ["1", "2", "3", ""]),
        ("nowhere", ["nowhere", "", "", ""]),
        ("1 2 3 4 5 6", ["1", "2", "3", "4"]),
        ("", ["", "", "", ""]),
    ],
)
def test_points_of_any_length(answer: str, parts: list[str]) -> None:
    shown = values([{"type": "geopoint", "name": "gps", "label": "Where"}], {"gps": answer})
    assert shown[1] == [answer, *parts]


ATTACHMENT = {"filename": "ann/attachments/f/u/front_door.jpg", "download_url": "https://kf.example.org/a/1/"}


@pytest.mark.parametrize(
    ("attachments", "url"),
    [
        ([ATTACHMENT], "https://kf.example.org/a/1/"),
        ([{**ATTACHMENT, "is_deleted": True}], "Deleted"),
        ([], ""),
    ],
)
def test_urls_of_files(attachments: list[dict[str, Any]], url: str) -> None:
    photo = {"type": "image", "name": "photo", "label": "Photo"}
    answers = {"photo": "front door.jpg", "_attachments": attachments}
    assert values([photo], answers, include_media_url=True) == [
        ["Photo", "Photo_URL"],
        ["front door.jpg", url],
    ]
    assert values([photo], answers) == [["Photo"], ["front door.jpg"]]


@pytest.mark.parametrize("answer", ["1.jpg", "11.jpg", "door (1).jpg"])
def test_the_url_is_that_of_the_very_file_that_was_sent_under_that_name(answer: str) -> None:
    stored = {"11.jpg": "11.jpg", "1.jpg": "1.jpg", "door (1).jpg": "door_1.jpg"}
    attachments = [
        {
            "filename": f"ann/f/u/{kept}",
            "media_file_basename": sent,
            "download_url": f"https://kf.example.org/{sent}",
        }
        for sent, kept in stored.items()
    ]
    photo = {"type": "image", "name": "photo", "label": "Photo"}
    shown = values([photo], {"photo": answer, "_attachments": attachments}, include_media_url=True)
    assert shown[1] == [answer, f"https://kf.example.org/{answer}"]


def test_audit_comes_from_the_metadata() -> None:
    assert values([{"type": "audit", "name": "audit"}], {"meta/audit": "audit.csv"})[1] == ["audit.csv"]


def test_lines_within_answers_and_leading_signs_stay_as_they_are() -> None:
    example = select([{"type": "text", "name": "t"}], [record(1, "v1", t="=1+1\n@x")])
    assert csv_text(example).splitlines()[1].startswith('"=1+1')
    assert '"=1+1\n@x";' in csv_text(example)


def test_quotes_in_labels_and_answers_are_doubled_once() -> None:
    choices = [{"list_name": "yn", "name": "y", "label": 'so "yes"'}]
    example = select(
        [{"type": "select_one yn", "name": "s"}, {"type": "text", "name": "t"}],
        [record(1, "v1", s="y", t='a "b"'), record(2, "v1", s="y", t="c"), record(3, "v1", t='"')],
        choices,
    )
    assert [line.split(";")[:2] for line in csv_lines(example)[1:]] == [
        ['"so ""yes"""', '"a ""b"""'],
        ['"so ""yes"""', '"c"'],
        ['""', '""""'],
    ]


def test_answers_of_other_kinds_do_no_harm() -> None:
    shown = values(
        [{"type": "text", "name": "t"}, YN, FUEL, {"type": "integer", "name": "i"}],
        {"t": [{"x": "1"}], "own": 2, "fuel": None, "i": 7},
    )
    assert shown[1] == ["", "2", "", "", "", "7"]


def test_halves_of_characters_do_no_harm() -> None:
    example = select([{"type": "text", "name": "t"}], [record(1, "v1", t="a\ud800b")])
    assert '"a?b";' in csv_text(example)


def test_the_version_is_the_newest_one_that_any_version_question_names() -> None:
    rows = [
        record(1, None, **{"g/_version_": "v1", "a": "1", "m": "x"}),
        record(2, "v0", a="1", m="y"),
        record(3, "v1", _version__001="v2", a="1", m="y"),
    ]
    lines = csv_lines(G3._replace(records=rows))
    assert [line.split(";")[2:6] for line in lines[1:]] == [
        ['"X1"', '"1"', '"0"', '""'],
        ['"Y2"', '"0"', '"1"', '"0"'],
        ['"Y2"', '"0"', '"1"', '"0"'],
    ]


def test_tags_and_notes_are_joined() -> None:
    example = select([], [record(1, "v1", _tags=["a", "b"], _notes=["n"])])
    cells = csv_lines(example)[1].split(";")
    assert (cells[4], cells[8]) == ('"n"', '"a, b"')
    example = select([{"type": "text", "name": "_tags"}], [record(1, "v1", _tags="ab")])
    cells = csv_lines(example)[1].split(";")
    assert (cells[0], cells[9]) == ('"ab"', '""')


def test_many_different_answers_of_a_select_are_all_right() -> None:
    rows = [record(1, "v1", own=f"v{n % 5_000}" * (1 + n % 3 * 100)) for n in range(9_000)]
    lines = csv_lines(select([YN], rows))
    assert [line.split(";")[0].strip('"') for line in lines[1:]] == [row["own"] for row in rows]
