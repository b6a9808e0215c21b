"""A census form of more than a thousand questions in two languages: sections with skips, people, and their plots."""

from __future__ import annotations

from typing import Final

from tests.data.surveys.rows import Row

SECTIONS: Final = 44
QUESTIONS: Final = 24
_KINDS: Final = (
    "select_one agree",
    "integer",
    "text",
    "select_multiple reason",
    "decimal",
    "date",
    "select_one yes_no",
    "calculate",
)


def _labels(english: str, spanish: str) -> Row:
    return {"label::English (en)": english, "label::Español (es)": spanish}


def _question(section: int, number: int) -> Row:
    kind = _KINDS[number % len(_KINDS)]
    row = {"type": kind, "name": f"s{section:02}q{number:02}"}
    if kind == "calculate":
        return row | {"calculation": f"coalesce(${{s{section:02}q01}}, 0) + {number}"}
    row |= _labels(f"{section}.{number} How is it with this?", f"{section}.{number} ¿Cómo es con esto?")
    if number >= len(_KINDS):
        row["relevant"] = f"${{s{section:02}q00}} != 'no'"
    return row


def _section(section: int) -> list[Row]:
    """A group of questions; every fifth is a repeat with a repeat in it."""
    kind = "repeat" if section % 5 == 4 else "group"
    labels = _labels(f"Section {section}", f"Sección {section}")
    rows = [{"type": f"begin {kind}", "name": f"section_{section}", **labels}]
    rows += [_question(section, number) for number in range(QUESTIONS)]
    if kind == "repeat":
        rows.append({"type": "begin repeat", "name": f"plot_{section}", **_labels("Plot", "Parcela")})
        rows.append({"type": "geopoint", "name": "corner", **_labels("Corner", "Esquina")})
        rows.append({"type": "decimal", "name": "area", **_labels("Area", "Superficie")})
        rows.append({"type": "end repeat"})
    return [*rows, {"type": f"end {kind}"}]


SURVEY: Final[list[Row]] = [
    {"type": "start", "name": "start"},
    {"type": "end", "name": "end"},
    *(row for section in range(SECTIONS) for row in _section(section)),
]
CHOICES: Final = [
    {"list_name": name, "name": value, **_labels(english, spanish)}
    for name, value, english, spanish in (
        ("yes_no", "yes", "Yes", "Sí"),
        ("yes_no", "no", "No", "No"),
        ("agree", "yes", "Agree", "De acuerdo"),
        ("agree", "no", "Disagree", "En desacuerdo"),
        *(("reason", f"r{number}", f"Reason {number}", f"Motivo {number}") for number in range(60)),
    )
]
SETTINGS: Final = {"form_title": "Census", "form_id": "census", "default_language": "Español (es)"}
