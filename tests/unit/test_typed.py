"""Python values as DynamoDB's typed values, and back."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from formrelay.storage import typed

FLOATS = st.floats(allow_nan=False, allow_infinity=False)
VALUES: Any = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.binary() | FLOATS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(min_size=1), inner, max_size=4),
    max_leaves=20,
)  # fmt: skip


@given(VALUES)
def test_a_value_comes_back_as_it_was(value: Any) -> None:
    assert typed.unmarshal(typed.marshal(value)) == value


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("x", {"S": "x"}),
        (True, {"BOOL": True}),
        (7, {"N": "7"}),
        (-1.25, {"N": "-1.25"}),
        (None, {"NULL": True}),
        (b"x", {"B": b"x"}),
        ([1, "a"], {"L": [{"N": "1"}, {"S": "a"}]}),
        ((1,), {"L": [{"N": "1"}]}),
        ({"a": {}}, {"M": {"a": {"M": {}}}}),
    ],
)
def test_each_kind_of_value_has_its_type(value: Any, written: Any) -> None:
    assert typed.marshal(value) == written


@pytest.mark.parametrize("value", [object(), {1, 2}, 1j])
def test_other_kinds_are_refused(value: Any) -> None:
    with pytest.raises(TypeError):
        typed.marshal(value)


@pytest.mark.parametrize(("text", "number"), [("7", 7), ("-7", -7), ("1.5", 1.5), ("1E+3", 1000.0)])
def test_whole_numbers_come_back_as_int(text: str, number: float) -> None:
    found = typed.unmarshal({"N": text})
    assert found == number
    assert isinstance(found, int) is text.lstrip("-").isdigit()
