"""Source of ``household.xlsx``, the demo project's XLSForm.

After a change: ``PYTHONPATH=layers/formrelay/python python -m infra.local.demo.build``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

WORKBOOK: Final = Path(__file__).with_name("household.xlsx")
TITLE: Final = "Household visit"

_EN: Final = "label::English (en)"
_FR: Final = "label::French (fr)"
_HINT_EN: Final = "hint::English (en)"
_HINT_FR: Final = "hint::French (fr)"


def _row(type_: str, name: str = "", english: str = "", french: str = "", **cells: str) -> dict[str, str]:
    row = {"type": type_, "name": name, _EN: english, _FR: french, **cells}
    return {column: text for column, text in row.items() if text}


SURVEY: Final = [
    _row("start", "start"),
    _row("end", "end"),
    _row(
        "select_one yes_no",
        "consent",
        "Do you agree to take part?",
        "Acceptez-vous de participer ?",
        required="true",
    ),
    _row("begin_group", "loc", "Place", "Lieu", relevant="${consent} = 'yes'"),
    _row("select_one region", "region", "Region", "Région", required="true"),
    _row("geopoint", "gps", "Position of the dwelling", "Position du logement")
    | {_HINT_EN: "Stand in the open", _HINT_FR: "Tenez-vous à découvert"},
    _row("end_group"),
    _row("begin_group", "hh", "Household", "Ménage", relevant="${consent} = 'yes'"),
    _row(
        "integer",
        "size",
        "How many people live here?",
        "Combien de personnes vivent ici ?",
        constraint=". >= 0 and . <= 30",
    )
    | {
        "constraint_message::English (en)": "Between 0 and 30",
        "constraint_message::French (fr)": "Entre 0 et 30",
    },
    _row(
        "select_multiple language", "languages", "Which languages are spoken?", "Quelles langues parle-t-on ?"
    ),
    _row("begin_repeat", "member", "Member", "Membre", repeat_count="coalesce(${size}, 0)"),
    _row("text", "name", "Name", "Nom"),
    _row("integer", "age", "Age in years", "Âge en années", constraint=". >= 0 and . < 120"),
    _row("begin_group", "contact", "Contact", "Contact"),
    _row("text", "phone", "Phone number", "Numéro de téléphone", appearance="numbers"),
    _row("end_group"),
    _row("begin_repeat", "dose", "Vaccine dose", "Dose de vaccin"),
    _row("date", "date", "Date of the dose", "Date de la dose", constraint=". <= today()"),
    _row("end_repeat"),
    _row("image", "portrait", "Portrait", "Portrait", parameters="max-pixels=1024"),
    _row("end_repeat"),
    _row("end_group"),
    _row("text", "comment", "Anything to add?", "Autre chose à signaler ?", appearance="multiline"),
    _row(
        "image",
        "photo",
        "Photo of the front door",
        "Photo de la porte d’entrée",
        parameters="max-pixels=1024",
    ),
]


def _choices(list_name: str, *options: tuple[str, str, str]) -> list[dict[str, str]]:
    return [
        {"list_name": list_name, "name": name, _EN: english, _FR: french} for name, english, french in options
    ]


CHOICES: Final = [
    *_choices("yes_no", ("yes", "Yes", "Oui"), ("no", "No", "Non")),
    *_choices(
        "region",
        ("north", "North", "Nord"),
        ("south", "South", "Sud"),
        ("east", "East", "Est"),
        ("west", "West", "Ouest"),
    ),
    *_choices(
        "language",
        ("en", "English", "Anglais"),
        ("fr", "French", "Français"),
        ("sw", "Swahili", "Swahili"),
        ("ar", "Arabic", "Arabe"),
    ),
]

SETTINGS: Final = {
    "id_string": "household_visit",
    "default_language": "English (en)",
    "instance_name": "concat('Visit ', indexed-repeat(${name}, ${member}, 1))",
}


def workbook() -> bytes:
    """The XLSForm as ``.xlsx``."""
    from formrelay.forms.content import normalise
    from formrelay.forms.xlsform import write_xlsx

    content = {"survey": SURVEY, "choices": CHOICES, "settings": SETTINGS}
    return write_xlsx(normalise(content).content, TITLE)


if __name__ == "__main__":
    WORKBOOK.write_bytes(workbook())
