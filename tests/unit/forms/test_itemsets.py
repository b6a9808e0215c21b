"""The file of external choices."""

from __future__ import annotations

import csv
import io

from formrelay.forms.content import normalise
from formrelay.forms.itemsets import external_choices


def test_every_column_stands_in_the_file_with_its_text() -> None:
    rows = [
        {"list_name": "city", "name": "bk", "label::English (en)": 'Brooklyn, "BK"', "state": "NY"},
        {"list_name": "city", "name": 7, "label::English (en)": "line\nline", "open": True},
    ]
    content = normalise({"survey": [], "external_choices": rows}).content
    data = external_choices(content)
    assert data is not None
    assert list(csv.reader(io.StringIO(data.decode()))) == [
        ["list_name", "name", "label::English (en)", "state", "open"],
        ["city", "bk", 'Brooklyn, "BK"', "NY", ""],
        ["city", "7", "line\nline", "", "true"],
    ]


def test_a_form_without_external_choices_has_no_file() -> None:
    assert external_choices(normalise({"survey": []}).content) is None
