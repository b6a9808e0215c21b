"""Forms and filled-in forms for tests, as ODK Collect would send them."""

from __future__ import annotations

import base64
import json
import re
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape, quoteattr

from infra.local.demo.build import WORKBOOK

DATA: Final = Path(__file__).parents[1] / "data"

XFORMS: Final = "http://www.w3.org/2002/xforms"
XHTML: Final = "http://www.w3.org/1999/xhtml"
JAVAROSA: Final = "http://openrosa.org/javarosa"

# What Collect declares on the root of every submission.
_NAMESPACES: Final = {
    "ev": "http://www.w3.org/2001/xml-events",
    "h": XHTML,
    "jr": JAVAROSA,
    "odk": "http://www.opendatakit.org/xforms",
    "orx": "http://openrosa.org/xforms",
    "xsd": "http://www.w3.org/2001/XMLSchema",
}
_PRELOADS: Final = {
    "start": "2026-08-02T10:01:02.345+02:00",
    "end": "2026-08-02T10:09:59.001+02:00",
    "today": "2026-08-02",
    "deviceid": "collect:Zq2mXwQz7RtYhLb3",
    "username": "enum1",
    "phonenumber": "",
}
_LITERAL: Final = re.compile(r"'([^']*)'")
_JPEG: Final = (
    "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDACgcHiMeGSgjISMtKygwPGRBPDc3PHtYXUlkkYCZlo+AjIqgtObDoKrarYqMyP/L2u71////m8H////6"
    "/+b9//j/wAALCAACAAIBAREA/8QAFAABAAAAAAAAAAAAAAAAAAAAAP/EABQQAQAAAAAAAAAAAAAAAAAAAAD/2gAIAQEAAD8AP//Z"
)

# A visit to the demo form: the answers of the contract's worked example B (submissions §7).
HOUSEHOLD_ANSWERS: Final[dict[str, Any]] = {
    "consent": "yes",
    "loc/region": "north",
    "loc/gps": "-1.2627557 36.7926442 1655.0 4.5",
    "hh/size": "2",
    "hh/languages": "en sw",
    "hh/member": [
        {
            "name": "Ana",
            "age": "34",
            "contact/phone": "0712",
            "dose": [{"date": "2026-01-01"}, {"date": "2026-02-01"}],
            "portrait": "ana-10_3_11.jpg",
        },
        {"name": "Björn"},
    ],
    "photo": "front door-10_5_40.jpg",
    "meta/instanceName": "Visit Ana",
}


def small_jpeg() -> bytes:
    """A real JPEG of 2×2 pixels, 159 bytes."""
    return base64.b64decode(_JPEG)


def household_xlsx() -> bytes:
    """The demo form's XLSForm file."""
    return WORKBOOK.read_bytes()


def data_form(name: str) -> dict[str, Any]:
    """Raw content of a form in ``tests/data/forms``: ``food_security`` or ``birth_history``."""
    content: dict[str, Any] = json.loads((DATA / "forms" / f"{name}.json").read_text("utf-8"))
    return content


def parse(xml: str) -> ET.Element:
    """The root of XML that we made ourselves."""
    return ET.fromstring(xml)  # noqa: S314


def fill(xform: str, values: Mapping[str, Any], instance_id: str | None = None) -> str:
    """Fill in a compiled form as ODK Collect does and return the instance XML.

    ``values`` maps paths without the root (``"loc/region"``) to texts; a repeat's path maps to a list of such
    mappings, with paths from inside the repeat. Unanswered questions stay empty, a repeat without values is
    absent. The form uuid, version, count and preload questions fill themselves; other expressions do not run.
    ``instance_id`` (``uuid:…``) is random unless given. Raises KeyError for a path that the form does not have.
    """
    return _Filler(xform, instance_id or f"uuid:{uuid.uuid4()}").fill(values)


class _Filler:
    def __init__(self, xform: str, instance_id: str) -> None:
        head = parse(xform).find(f"{{{XHTML}}}head/{{{XFORMS}}}model")
        assert head is not None
        instance = head.find(f"{{{XFORMS}}}instance")
        assert instance is not None
        self._root = instance[0]
        self._automatic = dict(self._automatic_values(head, instance_id))

    @staticmethod
    def _automatic_values(model: ET.Element, instance_id: str) -> Sequence[tuple[str, str]]:
        values: list[tuple[str, str]] = []
        for bind in model.iter(f"{{{XFORMS}}}bind"):
            path = bind.attrib["nodeset"].lstrip("/").partition("/")[2]
            preload = bind.get(f"{{{JAVAROSA}}}preload")
            if literal := _LITERAL.fullmatch(bind.get("calculate", "")):
                values.append((path, literal[1]))
            elif preload == "uid":
                values.append((path, instance_id))
            elif preload:
                values.append((path, _PRELOADS.get(bind.get(f"{{{JAVAROSA}}}preloadParams", ""), "")))
        return values

    def fill(self, values: Mapping[str, Any]) -> str:
        name = _local(self._root)
        attributes = {key: text for key, text in self._root.attrib.items() if not key.startswith("{")}
        attributes |= {f"xmlns:{prefix}": uri for prefix, uri in _NAMESPACES.items()}
        opening = "".join(f" {key}={quoteattr(text)}" for key, text in attributes.items())
        body = self._children(self._root, "", "", values)
        return f"<?xml version='1.0' ?><{name}{opening}>{body}</{name}>"

    def _children(self, parent: ET.Element, path: str, inside: str, values: Mapping[str, Any]) -> str:
        """XML below ``parent``: ``path`` its path in the form, ``inside`` the same from the innermost repeat."""
        known: set[str] = set()
        out: list[str] = []
        templates: set[str] = set()
        for child in parent:
            name = _local(child)
            own, local = _join(path, name), _join(inside, name)
            if child.get(f"{{{JAVAROSA}}}template") is not None:
                templates.add(name)
                known.add(local)
                out += [self._element(child, own, "", row) for row in values.get(local, ())]
            elif name not in templates:
                known.add(local)
                out.append(self._element(child, own, local, values))
        for key in values:
            if _belongs(key, inside) and not any(key == item or key.startswith(f"{item}/") for item in known):
                raise KeyError(key)
        return "".join(out)

    def _element(self, element: ET.Element, path: str, inside: str, values: Mapping[str, Any]) -> str:
        name = _local(element)
        content = (
            self._children(element, path, inside, values)
            if len(element)
            else self._answer(path, inside, values)
        )
        return f"<{name}>{content}</{name}>" if content else f"<{name}/>"

    def _answer(self, path: str, inside: str, values: Mapping[str, Any]) -> str:
        if inside in values:
            return escape(str(values[inside]))
        if path in self._automatic:
            return escape(self._automatic[path])
        if inside.endswith("_count") and inside.removesuffix("_count") in values:
            return str(len(values[inside.removesuffix("_count")]))
        return ""


def _belongs(key: str, inside: str) -> bool:
    return not inside or key.startswith(f"{inside}/")


def _join(path: str, name: str) -> str:
    return f"{path}/{name}" if path else name


def _local(element: ET.Element) -> str:
    return element.tag.rpartition("}")[2]


def long_survey(questions: int = 300) -> dict[str, Any]:
    """Raw content of a health survey of that many questions: sections, skips, calculations, two languages."""
    kinds = (
        "select_one yes_no",
        "integer",
        "select_multiple source",
        "text",
        "date",
        "decimal",
        "calculate",
        "note",
    )
    survey: list[dict[str, str]] = [{"type": "start", "name": "start"}, {"type": "today", "name": "today"}]
    for number in range(questions):
        section, place = divmod(number, 25)
        if place == 0:
            survey += [{"type": "end_group"}] if section else []
            survey.append({"type": "begin_group", "name": f"s{section}"} | _labels(f"Section {section}"))
        kind = kinds[number % len(kinds)]
        row = {"type": kind, "name": f"q{number}"} | _labels(f"Question {number} <&> about ${{start}}")
        if kind == "calculate":
            row["calculation"] = f"coalesce(${{q{number - 1}}}, 0) * 2"
        elif number % len(kinds) == 1:
            row |= {
                "relevant": f"${{q{number - 1}}} = 'yes'",
                "constraint": ". >= 0 and . < 100",
                "required": "yes",
            }
        survey.append(row)
    survey.append({"type": "end_group"})
    choices = [{"list_name": "yes_no", "name": name} | _labels(name) for name in ("yes", "no")]
    choices += [
        {"list_name": "source", "name": f"s{number}"} | _labels(f"Source {number}") for number in range(40)
    ]
    return {
        "survey": survey,
        "choices": choices,
        "settings": {"form_title": "Health survey", "form_id": "health"},
    }


def _labels(text: str) -> dict[str, str]:
    return {"label::English (en)": text, "label::French (fr)": f"{text} (français)"}
