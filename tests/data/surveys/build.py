"""Makes the XLSForms beside it of their sources: ``python -m tests.data.surveys.build``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

from tests.data.surveys import census, emergency_food, facility, living_standards
from tests.data.surveys.rows import workbook

FOLDER: Final = Path(__file__).parent
SURVEYS: Final[dict[str, Callable[[], bytes]]] = {
    "living_standards": lambda: workbook(
        living_standards.SURVEY, living_standards.CHOICES, living_standards.SETTINGS
    ),
    "emergency_food": lambda: workbook(
        emergency_food.SURVEY, emergency_food.CHOICES, emergency_food.SETTINGS
    ),
    "facility": lambda: workbook(
        facility.SURVEY, facility.CHOICES, facility.SETTINGS, external_choices=facility.EXTERNAL
    ),
    "census": lambda: workbook(census.SURVEY, census.CHOICES, census.SETTINGS),
}


def survey(name: str) -> bytes:
    """The XLSForm of that name, as its file has it."""
    return (FOLDER / f"{name}.xlsx").read_bytes()


if __name__ == "__main__":
    for name, make in SURVEYS.items():
        (FOLDER / f"{name}.xlsx").write_bytes(make())
