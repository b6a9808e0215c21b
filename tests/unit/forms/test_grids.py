"""Ratings, rankings and matrices become plain questions."""

from __future__ import annotations

from typing import Any

import pytest

from formrelay.forms import geo, grids, sample
from formrelay.forms.content import ContentError, normalise
from formrelay.forms.xform import Identity, XFormError, compile_xform
from tests.support.forms import XFORMS, parse

IDENTITY = Identity("aBX3kq7WmTz9fJhLr2YcVn", "Needs", "vK9dP2mXwQz7RtYhLb3CfJs", "1", "5f" * 16)
ROOT = f"/{IDENTITY.asset}"
RATING: list[dict[str, Any]] = [
    {"type": "begin_score", "name": "sc", "label": "Rate", "kobo--score-choices": "sl", "required": "true"},
    {"type": "score__row", "label": "Food"},
    {"type": "score__row", "name": "water", "label": "Water", "appearance": "w1"},
    {"type": "end_score"},
]
RANKING: list[dict[str, Any]] = [
    {
        "type": "begin_rank",
        "name": "rk",
        "label": "Needs",
        "hint": "Top three",
        "relevant": "${q} = 'y'",
        "kobo--rank-items": "needs",
        "kobo--rank-constraint-message": "Each once",
    },
    {"type": "rank__level", "name": "n1", "label": "1st"},
    {"type": "rank__level", "name": "n2", "label": "2nd"},
    {"type": "rank__level", "name": "n3", "label": "3rd"},
    {"type": "end_rank"},
]
MATRIX: list[dict[str, Any]] = [
    {"type": "begin_kobomatrix", "name": "m1", "label": "Items", "kobo--matrix_list": "things"},
    {"type": "select_one yn", "name": "has", "label": "Has?", "required": "true", "appearance": "w3"},
    {"type": "integer", "name": "n", "label": "How many?", "relevant": "${has} = 'yes'"},
    {"type": "end_kobomatrix"},
]
CHOICES: list[dict[str, Any]] = [
    {"list_name": listed, "name": name, "label": name.title()}
    for listed, names in {
        "sl": ("good", "bad"),
        "needs": ("food", "water", "shelter"),
        "things": ("car", "tv"),
        "yn": ("yes", "no"),
    }.items()
    for name in names
]
_COLUMNS = ("type", "name", "$xpath", "label", "appearance", "required")


def plain(*survey: dict[str, Any], choices: list[dict[str, Any]] | None = None) -> list[dict[str, Any]]:
    content = normalise({"survey": list(survey), "choices": choices or CHOICES}).content
    rows: list[dict[str, Any]] = grids.plain(content)["survey"]
    return rows


def table(rows: list[dict[str, Any]], *columns: str) -> list[tuple[Any, ...]]:
    return [tuple(row.get(column) for column in columns) for row in rows]


def question(name: str, type_: str = "text") -> dict[str, Any]:
    return {"type": type_, "name": name, "label": name}


def test_a_form_without_such_groups_stays_itself() -> None:
    content = normalise({"survey": [question("a")]}).content
    assert grids.plain(content) is content


def test_a_rating_is_a_group_of_select_ones_under_a_header() -> None:
    rows = plain(*RATING)
    assert table(rows, *_COLUMNS) == [
        ("begin_group", "sc", "sc", None, "field-list", None),
        ("select_one", "sc_header", "sc/sc_header", ["Rate"], "label", None),
        ("select_one", None, "sc/Food", ["Food"], "list-nolabel", True),
        ("select_one", "water", "sc/water", ["Water"], "w1", True),
        ("end_group", None, None, None, None, None),
    ]
    assert {row.get("select_from_list_name") for row in rows[1:4]} == {"sl"}


def test_the_levels_of_a_ranking_have_to_differ() -> None:
    rows = plain(question("q"), *RANKING)
    assert table(rows[1:3], "type", "name", "label", "hint", "relevant") == [
        ("begin_group", "rk", None, None, "${q} = 'y'"),
        ("note", "rk_label", ["Needs"], ["Top three"], None),
    ]
    levels = rows[3:6]
    assert (
        table(levels, "type", "select_from_list_name", "required", "appearance")
        == [("select_one", "needs", True, "minimal")] * 3
    )
    assert table(levels, "$xpath", "constraint", "constraint_message") == [
        ("rk/n1", None, None),
        ("rk/n2", "${n2} != ${n1}", "Each once"),
        ("rk/n3", "${n3} != ${n1} and ${n3} != ${n2}", "Each once"),
    ]


def test_a_matrix_is_a_group_for_its_header_and_one_for_each_choice() -> None:
    rows = plain({"type": "begin_group", "name": "g", "label": "G"}, *MATRIX, {"type": "end_group"})
    hidden = '<span style="display:none">{}</span>'.format
    assert table(rows[1:11], *_COLUMNS) == [
        ("begin_group", "m1_header", "g/m1_header", None, "w6", None),
        ("note", "m1_header_note", "g/m1_header/m1_header_note", ["**Items**"], "w1", None),
        ("note", "m1_header_has", "g/m1_header/m1_header_has", ["**Has?**"], "w3", None),
        ("note", "m1_header_n", "g/m1_header/m1_header_n", ["**How many?**"], "w2", None),
        ("end_group", None, None, None, None, None),
        ("begin_group", "m1_car", "g/m1_car", None, "w6", None),
        ("note", "m1_car_note", "g/m1_car/m1_car_note", ["##### Car"], "w1", None),
        (
            "select_one",
            "m1_car_has",
            "g/m1_car/m1_car_has",
            [hidden("car-Has?")],
            "w3 horizontal-compact",
            True,
        ),
        ("integer", "m1_car_n", "g/m1_car/m1_car_n", [hidden("car-How many?")], "w2 no-label", None),
        ("end_group", None, None, None, None, None),
    ]
    assert [row["name"] for row in rows if row["type"] == "begin_group"] == [
        "g",
        "m1_header",
        "m1_car",
        "m1_tv",
    ]


def test_a_cell_of_a_matrix_refers_to_the_cells_of_its_line() -> None:
    relevant = {row["name"]: row.get("relevant") for row in plain(*MATRIX) if "name" in row}
    assert relevant["m1_car_n"] == "${m1_car_has} = 'yes'"
    assert relevant["m1_tv_n"] == "${m1_tv_has} = 'yes'"


def test_texts_stand_in_every_language() -> None:
    survey = [
        {
            "type": "begin_kobomatrix",
            "name": "m",
            "label::A": "Ia",
            "label::B": "Ib",
            "kobo--matrix_list": "l",
        },
        {"type": "text", "name": "t", "label::A": "Ta"},
        {"type": "end_kobomatrix"},
    ]
    choices = [{"list_name": "l", "name": "x", "label::A": "Xa", "label::B": "Xb"}]
    labels = {row["name"]: row["label"] for row in plain(*survey, choices=choices) if "label" in row}
    assert labels["m_header_note"] == ["**Ia**", "**Ib**"]
    assert labels["m_x_note"] == ["##### Xa", "##### Xb"]
    assert labels["m_x_t"] == ['<span style="display:none">x-Ta</span>', None]


def test_all_of_it_compiles() -> None:
    content = {"survey": [question("q"), *RATING, *RANKING, *MATRIX], "choices": CHOICES}
    form = parse(compile_xform(content, IDENTITY).xml)
    paths = {bind.get("nodeset") for bind in form.iter(f"{{{XFORMS}}}bind")}
    for path in ("sc/Food", "sc/water", "rk/n3", "m1_car/m1_car_has", "m1_tv/m1_tv_n"):
        assert f"{ROOT}/{path}" in paths
    binds = {bind.get("nodeset"): bind for bind in form.iter(f"{{{XFORMS}}}bind")}
    assert binds[f"{ROOT}/m1_tv/m1_tv_n"].get("relevant") == f" {ROOT}/m1_tv/m1_tv_has  = 'yes'"


@pytest.mark.parametrize(
    ("rows", "text"),
    [
        ([{"type": "begin_score", "name": "s", "label": "S"}, {"type": "end_score"}], "kobo--score-choices"),
        ([{"type": "begin_rank", "name": "s", "label": "S"}, {"type": "end_rank"}], "kobo--rank-items"),
        (
            [{"type": "begin_kobomatrix", "name": "s", "label": "S"}, {"type": "end_kobomatrix"}],
            "kobo--matrix_list",
        ),
        (
            [{**MATRIX[0], "kobo--matrix_list": "nowhere"}, *MATRIX[1:]],
            "needs choices of the list `nowhere`",
        ),
        (RATING[:-1], "end_score"),
        ([*RATING[:-1], {"type": "end_group"}], "end_score"),
        ([*RATING[:2], question("x"), RATING[-1]], "score__row"),
        ([*RANKING[:2], question("x"), RANKING[-1]], "rank__level"),
    ],
)
def test_one_that_lacks_something_does_not_compile_and_the_error_says_what(
    rows: list[dict[str, Any]], text: str
) -> None:
    with pytest.raises(XFormError, match=text):
        compile_xform({"survey": rows, "choices": CHOICES}, IDENTITY)


def test_a_matrix_does_not_grow_without_bounds() -> None:
    choices = [
        {"list_name": "things", "name": f"c{n}", "label": "C"} for n in range(grids.MAX_CELLS // 2 + 1)
    ]
    with pytest.raises(ContentError, match="cells"):
        plain(*MATRIX, choices=choices)


def test_places_and_samples_see_the_plain_questions() -> None:
    survey = [*MATRIX[:-1], question("at", "geopoint"), MATRIX[-1]]
    content = normalise({"survey": survey, "choices": CHOICES}).content
    assert list(geo.geo_questions(content)) == ["m1_car/m1_car_at", "m1_tv/m1_tv_at"]
    assert sample.fill(content).answers["m1_tv"]["m1_tv_has"] == "yes"
