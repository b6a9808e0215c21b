"""A form filled in with made-up answers, to show what its submissions look like before there is one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from formrelay.forms import grids
from formrelay.forms.columns import FILE_TYPES
from formrelay.forms.names import is_begin, is_end

_REPEAT: Final = "begin_repeat"
_TEXTS: Final = {
    "text": "Sample answer",
    "integer": "3",
    "decimal": "1.5",
    "range": "5",
    "date": "2026-01-31",
    "time": "09:30:00.000Z",
    "datetime": "2026-01-31T09:30:00.000Z",
    "geopoint": "-1.2627557 36.7926442 1655.0 4.5",
    "geotrace": "-1.2627557 36.7926442 1655.0 4.5;-1.2629 36.7931 1655.0 4.5",
    "geoshape": "-1.2627 36.7926 0.0 0.0;-1.2629 36.7931 0.0 0.0;-1.2631 36.7924 0.0 0.0;-1.2627 36.7926 0.0 0.0",
    "barcode": "4006381333931",
    "acknowledge": "OK",
    "calculate": "calculated",
    "hidden": "hidden",
    "start": "2026-01-31T09:30:00.000Z",
    "end": "2026-01-31T09:42:00.000Z",
    "today": "2026-01-31",
    "deviceid": "collect:sample",
    "username": "sample",
    "email": "sample@example.org",
    "phonenumber": "0000",
    "start-geopoint": "-1.2627557 36.7926442 1655.0 4.5",
}
_SUFFIXES: Final = {
    "image": ".jpg",
    "audio": ".m4a",
    "background-audio": ".m4a",
    "video": ".mp4",
    "file": ".pdf",
}
# How many of its choices a question gets as its answer.
_CHOSEN: Final = {"select_one": 1, "select_one_external": 1, "select_multiple": 2}
# What a file of choices offers is not known here.
_FROM_FILE: Final = "sample"


@dataclass
class Sample:
    """``answers`` by name, groups as objects, repeats as lists of one; the paths are without the root."""

    answers: dict[str, Any] = field(default_factory=dict)
    repeats: list[str] = field(default_factory=list)
    geopoints: list[str] = field(default_factory=list)
    media: list[str] = field(default_factory=list)


def fill(content: Mapping[str, Any]) -> Sample:
    """Answers to every question of a form (content in normal form); the same form gives the same ones.

    Raises ContentError for a form that has none for now.
    """
    return _Filler(content).fill(grids.plain(content)["survey"])


class _Filler:
    def __init__(self, content: Mapping[str, Any]) -> None:
        self._sample = Sample()
        self._choices: dict[str, list[str]] = {}
        for row in content["choices"]:
            self._choices.setdefault(str(row["list_name"]), []).append(str(row["name"]))

    def fill(self, survey: list[dict[str, Any]]) -> Sample:
        groups = [self._sample.answers]
        inside = 0  # of so many repeats
        opened: list[bool] = []
        for row in survey:
            kind = str(row["type"])
            if is_end(kind):
                if opened:
                    groups.pop()
                    inside -= opened.pop()
            elif is_begin(kind):
                opened.append(kind == _REPEAT)
                inside += kind == _REPEAT
                groups.append(self._begin(groups[-1], row))
            else:
                self._answer(groups[-1], row, in_repeat=inside > 0)
        return self._sample

    def _begin(self, outer: dict[str, Any], row: dict[str, Any]) -> dict[str, Any]:
        inner: dict[str, Any] = {}
        if row["type"] == _REPEAT:
            self._sample.repeats.append(row["$xpath"])
            outer[str(row["$autoname"])] = [inner]
        else:
            outer[str(row["$autoname"])] = inner
        return inner

    def _answer(self, group: dict[str, Any], row: dict[str, Any], *, in_repeat: bool) -> None:
        kind = str(row["type"])
        value = self._value(kind, row)
        if value is None:
            return
        group[str(row["$autoname"])] = value
        if kind in _SUFFIXES:
            self._sample.media.append(row["$xpath"])
        elif kind == "geopoint" and not in_repeat:
            self._sample.geopoints.append(row["$xpath"])

    def _value(self, kind: str, row: dict[str, Any]) -> str | None:
        """None for what is never answered, like a note."""
        if kind in _SUFFIXES:
            return f"sample-{len(self._sample.media) + 1}{_SUFFIXES[kind]}"
        if kind in FILE_TYPES:
            return _FROM_FILE
        names = self._choices.get(str(row.get("select_from_list_name")), [])
        if kind == "rank":
            return " ".join(names) or None
        if kind in _CHOSEN:
            return " ".join(names[: _CHOSEN[kind]]) or None
        return _TEXTS.get(kind.lower())
