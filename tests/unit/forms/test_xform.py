from __future__ import annotations

import os
import subprocess
import sys
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from formrelay.forms import xform_faults
from formrelay.forms.content import normalise
from formrelay.forms.xform import Identity, XFormError, compile_xform
from tests.support.forms import JAVAROSA, XFORMS, XHTML, data_form, long_survey, parse

IDENTITY = Identity(
    asset="aBX3kq7WmTz9fJhLr2YcVn",
    name="Household <visit>",
    version="vK9dP2mXwQz7RtYhLb3CfJs",
    version_label="3 (2026-08-01 09:15:00)",
    form_uuid="5f1c2d3e4b5a69788796a5b4c3d2e1f0",
)
ROOT = f"/{IDENTITY.asset}"


def _compile(*rows: dict[str, Any], **sheets: Any) -> ET.Element:
    return parse(compile_xform({"survey": list(rows), **sheets}, IDENTITY).xml)


def _instance(form: ET.Element) -> ET.Element:
    found = form.find(f".//{{{XFORMS}}}instance")
    assert found is not None
    return found[0]


def _bind(form: ET.Element, path: str) -> dict[str, str]:
    return next(
        bind.attrib for bind in form.iter(f"{{{XFORMS}}}bind") if bind.get("nodeset") == f"{ROOT}/{path}"
    )


def _error(*rows: dict[str, Any], **sheets: Any) -> str:
    with pytest.raises(XFormError) as error:
        compile_xform({"survey": list(rows), **sheets}, IDENTITY)
    return str(error.value)


def _text(name: str = "q", **cells: Any) -> dict[str, Any]:
    return {"type": "text", "name": name, "label": "Q", **cells}


def test_the_instance_is_named_and_versioned_by_the_project() -> None:
    form = _compile(_text(), settings={"form_id": "own", "form_title": "Own", "version": "9"})
    root = _instance(form)
    assert root.tag == f"{{{XFORMS}}}{IDENTITY.asset}"
    assert root.attrib == {"id": IDENTITY.asset, "version": IDENTITY.version_label}
    assert form.findtext(f".//{{{XHTML}}}title") == IDENTITY.name


def test_the_setting_name_names_the_root_and_the_id_stays() -> None:
    root = _instance(_compile(_text(), settings={"name": "visit"}))
    assert (root.tag, root.get("id")) == (f"{{{XFORMS}}}visit", IDENTITY.asset)


def test_the_form_uuid_is_the_first_child_and_a_quoted_literal() -> None:
    form = _compile({"type": "start", "name": "start"}, _text())
    first = _instance(form)[0]
    assert [first.tag, first[0].tag] == [f"{{{XFORMS}}}formhub", f"{{{XFORMS}}}uuid"]
    assert _bind(form, "formhub/uuid")["calculate"] == f"'{IDENTITY.form_uuid}'"


def test_the_version_is_the_last_question_and_a_quoted_literal() -> None:
    form = _compile(_text(), {"type": "calculate", "name": "__version__", "calculation": "'old'"})
    names = [child.tag.rpartition("}")[2] for child in _instance(form)]
    assert names == ["formhub", "q", "__version__", "meta"]
    assert _bind(form, "__version__")["calculate"] == f"'{IDENTITY.version}'"


def test_the_instance_id_is_preloaded() -> None:
    assert _bind(_compile(_text()), "meta/instanceID")[f"{{{JAVAROSA}}}preload"] == "uid"


def test_translations_stand_in_order_and_the_first_is_the_default() -> None:
    form = _compile(
        _text(name="a", **{"label": None, "label::fr": "Seulement"}),
        _text(name="b", **{"label": None, "label::en": "Only", "label::fr": "Les deux"}),
        settings={"default_language": "en"},
    )
    found = [(item.get("lang"), item.get("default")) for item in form.iter(f"{{{XFORMS}}}translation")]
    assert found == [("en", "true()"), ("fr", None)]


def test_the_unnamed_language_need_not_be_the_default() -> None:
    row = {"type": "text", "name": "q", "label": [None, "Bare"], "hint": ["Nom", "Name"]}
    form = _compile(row, translations=["fr", None])
    found = [(item.get("lang"), item.get("default")) for item in form.iter(f"{{{XFORMS}}}translation")]
    assert found == [("fr", "true()"), ("default", None)]


LANGUAGES = {"label": None, "label::en": "A", "label::fr": "B"}


@pytest.mark.parametrize(
    ("rows", "choices", "path", "shown"),
    [
        ([{**LANGUAGES, "hint": "H"}], [], "hint", "H"),
        ([{**LANGUAGES, "hint": "H"}, {**LANGUAGES, "hint::fr": "I"}], [], "hint", ["H", "H"]),
        ([{**LANGUAGES, "hint": "H", "guidance_hint::en": "G"}], [], "hint", ["H G", "H -"]),
        ([{**LANGUAGES, "guidance_hint": "G"}], [], "hint", ["G", "G"]),
        ([{**LANGUAGES, "image": "i.png"}], [], "label", ["A jr://images/i.png", "B jr://images/i.png"]),
        ([{"label": "L"}, LANGUAGES], [], "label", ["L", "L"]),
        ([{"label": "L", "hint::fr": "H"}], [], "label", "L"),
        ([{**LANGUAGES, "type": "select_one c"}], [{"label": "C"}], "itemset/label", "C"),
        (
            [{**LANGUAGES, "type": "select_one c"}], [{"label": "C", "image": "i.png"}], "itemset/label",
            ["C jr://images/i.png"] * 2,
        ),
    ],
    ids=[
        "hint", "hint beside translated ones", "hint beside guidance", "guidance", "picture",
        "label beside translated ones", "labels", "choice", "picture of a choice",
    ],
)  # fmt: skip
def test_a_text_without_a_language_is_shown_in_every_language(
    rows: list[dict[str, Any]], choices: list[dict[str, Any]], path: str, shown: Any
) -> None:
    form = _compile(
        *[_text(name=f"q{number}", **row) for number, row in enumerate(rows)],
        choices=[{"list_name": "c", "name": "x", **choice} for choice in choices],
    )
    steps = "/".join(f"{{{XFORMS}}}{step}" for step in path.split("/"))
    (found, *_) = form.iterfind(f".//{{http://www.w3.org/1999/xhtml}}body/*/{steps}")
    assert "default" not in {item.get("lang") for item in form.iter(f"{{{XFORMS}}}translation")}
    if isinstance(shown, str):
        choice = form.findtext(f".//{{{XFORMS}}}item/{{{XFORMS}}}label")
        assert (choice if path.startswith("itemset") else found.text) == shown
        return
    reference = str(found.get("ref")).removeprefix("jr:itext(").strip("')")
    texts = [item for item in form.iter(f"{{{XFORMS}}}text") if item.get("id") in (reference, "c-0")]
    assert [" ".join(str(value.text) for value in text) for text in texts] == shown


def test_a_form_of_one_unnamed_language_has_no_translations() -> None:
    form = _compile(_text())
    assert form.find(f".//{{{XFORMS}}}itext") is None
    assert form.findtext(f".//{{{XFORMS}}}label") == "Q"


def test_a_name_made_from_the_label_is_used() -> None:
    assert _bind(_compile({"type": "text", "label": "Full name?"}), "Full_name")["type"] == "string"


def test_a_column_that_appears_late_in_a_long_form_is_known() -> None:
    form = _compile(*[_text(f"q{number}") for number in range(150)], _text("last", relevant="${q1} = 'x'"))
    assert "relevant" in _bind(form, "last")


def test_the_shape_names_repeats_geopoints_and_media() -> None:
    shape = compile_xform(data_form("food_security"), IDENTITY).shape
    assert shape == {"repeats": [], "geopoints": ["home"], "media": ["recording", "card"]}
    shape = compile_xform(data_form("birth_history"), IDENTITY).shape
    assert shape == {
        "repeats": ["woman", "woman/birth", "woman/birth/child/visit"],
        "geopoints": [],
        "media": ["woman/birth/child/visit/remark", "tour"],
    }


def test_a_survey_of_every_kind_of_question_compiles() -> None:
    form = parse(compile_xform(data_form("food_security"), IDENTITY).xml)
    paths = {bind.get("nodeset", "").removeprefix(f"{ROOT}/") for bind in form.iter(f"{{{XFORMS}}}bind")}
    assert {
        "place/admin3",
        "place/way",
        "fcs/score",
        "strategies",
        "sources_other",
        "origin",
        "meta/audit",
    } <= paths
    instances = {
        item.get("id"): item.get("src") for item in form.iter(f"{{{XFORMS}}}instance") if item.get("id")
    }
    assert instances["markets"] == "jr://file-csv/markets.csv"
    itemsets = [item.get("nodeset", "") for item in form.iter(f"{{{XFORMS}}}itemset")]
    assert f"instance('adm2')/root/item[adm1= {ROOT}/place/admin1 ]" in itemsets


def test_repeats_have_templates() -> None:
    (woman,) = [
        child
        for child in _instance(parse(compile_xform(data_form("birth_history"), IDENTITY).xml))
        if child.get(f"{{{JAVAROSA}}}template") == ""
    ]
    assert woman.tag == f"{{{XFORMS}}}woman"


def test_a_form_of_three_hundred_questions_compiles() -> None:
    form = parse(compile_xform(long_survey(300), IDENTITY).xml)
    assert len(list(form.iter(f"{{{XFORMS}}}bind"))) > 300


def test_the_same_form_gives_the_same_bytes_in_every_process() -> None:
    script = (
        "import hashlib\n"
        "from tests.unit.forms.test_xform import IDENTITY\n"
        "from tests.support.forms import data_form\n"
        "from formrelay.forms.xform import compile_xform\n"
        "print(hashlib.sha256(compile_xform(data_form('food_security'), IDENTITY).xml.encode()).hexdigest())"
    )
    digests = {
        subprocess.run(
            [sys.executable, "-c", script],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(sys.path)},
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        for seed in ("1", "4", "6")  # sets of strings come in other orders under these
    }
    assert len(digests) == 1


def test_nothing_is_indented() -> None:
    assert "\n" not in compile_xform(data_form("food_security"), IDENTITY).xml


def test_a_question_without_a_label_is_refused_in_pyxforms_words() -> None:
    assert (
        _error({"type": "integer", "name": "age"}) == "The survey element named 'age' has no label or hint."
    )


def test_a_name_used_twice_is_a_duplicate_name_error() -> None:
    assert _error(_text(), _text()).startswith("Duplicate name error: [row : 3] On the 'survey' sheet")


def test_the_name_of_the_form_uuid_is_reserved() -> None:
    assert _error(_text("formhub")).startswith("Duplicate name error: ")


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([{"type": "select_one nowhere", "name": "q", "label": "Q"}], "There should be a choices sheet"),
        ([{"type": "magic", "name": "q", "label": "Q"}], "Unknown question type 'magic'."),
        ([_text(relevant="${nope} = 1")], "Could not find the name 'nope'"),
        ([_text("a b")], "Names must begin with a letter or underscore"),
        ([{"type": "begin_group", "name": "g", "label": "G"}], "Unmatched 'begin_group'"),
        ([{"type": "end_group"}], "Unmatched 'end_group'"),
        ([{"type": "calculate", "name": "c"}], "Missing calculation"),
        (
            [_text("r"), _text(self="1")],
            "could not be compiled: `q` has a cell, or choices, that the compiler",
        ),
        ([_text("", self="1")], "that the compiler cannot read (TypeError: "),
        (
            [{"type": "begin_group", "name": "g", "label": "G", "self": "1"}, _text(), {"type": "end_group"}],
            "could not be compiled: `g` has a cell",
        ),
        (
            [_text(**{"Default::fr": "1", "label::fr": "F"}), _text("r", bind="x")],
            "could not be compiled. Columns that nobody can read: `Default::fr`, `bind`.",
        ),
        ([_text(**{"label::fr::x": "1"})], "Columns that nobody can read: `label::fr::x`."),
        ([_text(**{"bind::a b": "1"})], "no well-formed XForm"),
        ([_text(**{"bind::nobody:b": "1"})], "no well-formed XForm"),
    ],
)
def test_a_faulty_form_is_refused_with_the_reason(rows: list[dict[str, Any]], words: str) -> None:
    assert words in _error(*rows)


def test_a_language_with_colons_in_its_name_is_named() -> None:
    stored = normalise({"survey": [_text(**{"label::fr::x": "F"})]}).content
    with pytest.raises(XFormError, match="Columns that nobody can read: `label::fr::x`"):
        compile_xform(stored, IDENTITY)


def test_what_pyxform_trips_over_beside_columns_of_the_survey_is_named() -> None:
    choices = [{"list_name": "c", "name": "x", "label": "X", "region::en": "north", "media": "x.png"}]
    question = {"type": "select_one c", "name": "q", "label": "Q"}
    assert "nobody can read: `region::en`, `media`." in _error(question, choices=choices)
    external = {"type": "select_one_external c", "name": "county", "label": "County"}
    stored = normalise({"survey": [external], "external_choices": choices[:1]}).content
    with pytest.raises(XFormError, match="`county`: a select_one_external needs a choice_filter"):
        compile_xform(stored, IDENTITY)


@pytest.mark.parametrize("choice", [{"name": "y"}, {"name": "y", "media::image::fr": "y.png"}])
def test_a_choice_that_or_other_needs_a_label_of_is_named(choice: dict[str, Any]) -> None:
    labels = {"label::en": "X", "label::fr": "X"}
    choices = [{"list_name": "c", "name": "x", **labels}, {"list_name": "c", **choice}]
    question = {"type": "select_one c or_other", "name": "q", **labels}
    assert _error(question, choices=choices).startswith(
        "Choice `y` of the list `c` has no label: every choice of a question with or_other (`q`) needs one"
    )
    stored = normalise({"survey": [question], "choices": choices}).content
    with pytest.raises(XFormError, match="Choice `y` of the list `c`"):
        compile_xform(stored, IDENTITY)


def test_where_no_question_is_found_in_time_its_author_is_told_how_to_find_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(xform_faults, "_PATIENCE", -1)
    assert "put it back piece by piece" in _error(_text(self="1"))


def test_what_is_no_content_is_refused() -> None:
    assert "not an object" in _error("row")  # type: ignore[arg-type]


def test_a_form_too_large_for_an_answer_is_refused() -> None:
    assert "too large" in _error(*[_text(f"q{number}", hint="x" * 90_000) for number in range(60)])


def test_an_identity_that_would_break_the_quoting_is_refused() -> None:
    with pytest.raises(XFormError):
        Identity(asset="a", name="", version="v'1", version_label="", form_uuid="f")


def test_attributes_of_a_namespace_reach_the_root_and_the_questions() -> None:
    """As KoboToolbox's custom confirmation message is set, and columns for other systems."""
    rows = [_text("thanks"), _text("q", **{"bind::esri:fieldLength": "9", "instance::esri:x": "1"})]
    settings = {
        "namespaces": 'kobo="http://kobotoolbox.org/xforms" esri="https://esri.com/xforms"',
        "attribute::kobo:submitMessage": "/data/thanks",
    }
    form = _compile(*rows, settings=settings)
    root = _instance(form)
    assert root.get("{http://kobotoolbox.org/xforms}submitMessage") == "/data/thanks"
    assert root[2].get("{https://esri.com/xforms}x") == "1"
    assert _bind(form, "q")["{https://esri.com/xforms}fieldLength"] == "9"


def test_entities_are_part_of_the_form() -> None:
    form = _compile(
        _text("species", save_to="species"), entities=[{"list_name": "trees", "label": "${species}"}]
    )
    entity = _instance(form).find(f".//{{{XFORMS}}}entity")
    assert entity is not None
    assert entity.get("dataset") == "trees"
