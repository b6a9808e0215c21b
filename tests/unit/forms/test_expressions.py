from __future__ import annotations

from typing import Any

import pytest

from formrelay.forms.expressions import faults
from formrelay.forms.xform import XFormError, compile_xform
from tests.unit.forms.test_xform import IDENTITY

COLUMNS = ("relevant", "constraint", "calculation", "required", "read_only", "choice_filter", "repeat_count")


@pytest.mark.parametrize(
    "expression",
    [
        "",
        "true()",
        "${a} = 'x' and (${b} > 1 or not(${c}))",
        "instance('l')/root/item[name = current()/../a and (x or y)]/label",
        "regex(., '^[(]\\d{3}[)]$')",
        """concat("it's (", ')', '"')""",
        "'it''s'",
        "${q} = \u2018x\u2019",
        '${q} = \u201cx"',
    ],
)
def test_an_expression_that_is_closed_passes(expression: str) -> None:
    assert not list(
        faults([{"type": "text", "name": "q", "relevant": expression}], {"instance_name": expression})
    )


@pytest.mark.parametrize(
    ("expression", "fault"),
    [
        ("if(${a} = 'x', 1, 2", "a `(` that is not closed"),
        ("(1 = 1))", "a `)` that closes nothing"),
        ("item[name = 'x')", "a `)` that closes nothing"),
        ("item[1", "a `[` that is not closed"),
        ("${a} = 'x", "a quotation mark that is not closed"),
        ('${a} = "x', "a quotation mark that is not closed"),
        ("${a} = 'it\u2019s'", "a quotation mark that is not closed"),
    ],
)
def test_an_expression_that_is_not_closed_is_named(expression: str, fault: str) -> None:
    for column in COLUMNS:
        row = {"type": "text", "$autoname": "q", column: expression}
        assert list(faults([row], {})) == [f"`q`: its `{column}` has {fault}."]


def test_the_name_of_instances_is_an_expression_too() -> None:
    found = list(faults([], {"instance_name": "concat(${a}", "form_title": "(x"}))
    assert found == ["`instance_name` in the settings has a `(` that is not closed."]


def test_texts_and_questions_that_are_switched_off_may_hold_anything() -> None:
    rows: list[dict[str, Any]] = [
        {"type": "text", "name": "a", "label": ["(a"], "hint": ["it's"], "required": True},
        {"type": "text", "name": "b", "relevant": "(", "disabled": "yes"},
    ]
    assert not list(faults(rows, {}))


def test_a_form_with_an_open_bracket_does_not_compile() -> None:
    row = {"type": "text", "name": "q", "label": "Q", "relevant": "(1 = 1"}
    with pytest.raises(XFormError, match="`q`: its `relevant` has a `\\(` that is not closed"):
        compile_xform({"survey": [row]}, IDENTITY)
