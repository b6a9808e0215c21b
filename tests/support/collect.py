"""Fills compiled forms at random, as ODK Collect and Enketo would, and says what the data API has to show of it.

    filled = FormFiller(xform).fill(random.Random(7))
    app.submit(filled.xml, filled.files)
    assert record == filled.answers | …

What is expected is written down while the XML is, node by node, not read out of it: contract submissions §6 once more,
in other words than the package's. Expressions do not run; calculations get values of their type.
"""

from __future__ import annotations

import random
import re
import uuid
from dataclasses import dataclass, field
from typing import Any, Final
from xml.etree import ElementTree as ET

from tests.support.forms import JAVAROSA, XFORMS, XHTML, parse

_ODK: Final = "http://www.opendatakit.org/xforms"
_ORX: Final = "http://openrosa.org/xforms"
_JR: Final = f"{{{JAVAROSA}}}"
_X: Final = f"{{{XFORMS}}}"
_LITERAL: Final = re.compile(r"'([^']*)'")
_INSTANCE: Final = re.compile(r"instance\('([^']+)'\)")
_CONTROLS: Final = ("input", "select1", "select", "upload", "range", "trigger", "rank")
_NAMESPACES: Final = {
    "ev": "http://www.w3.org/2001/xml-events",
    "h": XHTML,
    "jr": JAVAROSA,
    "odk": _ODK,
    "orx": _ORX,
    "xsd": "http://www.w3.org/2001/XMLSchema",
}
_TEXTS: Final = (
    "Ana", "Björn", "محمد علي", "李雷", "\U0001f469\u200d\U0001f467", "e\u0301", "\u202eabc\u202c", "\u00a0",
    "a<b>&amp;</b> & co", '"x" \'y\'', "]]>", "<!-- -->", "line\nline", "tab\tend", "a\r\nb", " lead and trail ",
    "007", "1.50", "-0", "=1+1", "None", "null", "true", "http://example.org/?a=1&b=2", "${name}", "{{name}}", "\\n",
    "\U0001f4a9" * 20, "long " * 400,
)  # fmt: skip
_BLANKS: Final = ("", "", "", " ", "\n\t ")
_SUFFIXES: Final = {"image": ".jpg", "audio": ".m4a", "video": ".mp4"}
_NAMES: Final = ("photo", "front door", "été", "写真", "صورة", 'a "quoted" one', "x" * 200)


@dataclass
class Filled:
    """One submission. ``answers`` are the keys of its record that come out of the XML, in its order."""

    instance_id: str
    xml: str = ""
    answers: dict[str, Any] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    places: dict[str, str] = field(default_factory=dict)
    """File name → where the question stands that it answers; empty for files that no question asks for."""


@dataclass(frozen=True)
class _Question:
    """What the form says of one node."""

    kind: str = "string"
    control: str = ""
    media: str = ""
    choices: tuple[str, ...] = ()
    preload: str = ""
    literal: str | None = None
    skippable: bool = False


class FormFiller:
    """A compiled form, ready to be filled in any number of times."""

    def __init__(self, xform: str) -> None:
        form = parse(xform)
        model, body = form.find(f"{{{XHTML}}}head/{_X}model"), form.find(f"{{{XHTML}}}body")
        assert model is not None
        assert body is not None
        instances = list(model.findall(f"{_X}instance"))
        self.root: ET.Element = instances[0][0]
        self._skip = len(_local(self.root)) + 2
        self._lists = {instance.get("id", ""): _names(instance) for instance in instances[1:]}
        self.repeats = {self._path(item.attrib["nodeset"]) for item in body.iter(f"{_X}repeat")}
        self._questions = dict(self._asked(model, body))

    def _path(self, nodeset: str) -> str:
        return nodeset[self._skip :]

    def _asked(self, model: ET.Element, body: ET.Element) -> list[tuple[str, _Question]]:
        controls = {
            self._path(item.attrib["ref"]): item
            for item in body.iter()
            if _local(item) in _CONTROLS and "ref" in item.attrib
        }
        found = []
        for bind in model.iter(f"{_X}bind"):
            path = self._path(bind.attrib["nodeset"])
            control = controls.get(path)
            literal = _LITERAL.fullmatch(bind.get("calculate", ""))
            question = _Question(
                kind=bind.get("type", "string"),
                control="" if control is None else _local(control),
                media="" if control is None else control.get("mediatype", "").partition("/")[0],
                choices=() if control is None else self._choices(control),
                preload=bind.get(f"{_JR}preload", ""),
                literal=literal[1] if literal else None,
                skippable="relevant" in bind.attrib,
            )
            found.append((path, question))
        return found

    def _choices(self, control: ET.Element) -> tuple[str, ...]:
        itemset = control.find(f"{_X}itemset")
        if itemset is None:
            return tuple(value.text or "" for value in control.iter(f"{_X}value"))
        named = _INSTANCE.search(itemset.attrib["nodeset"])
        # Choices of a file are whatever its owner wrote there.
        return (named and self._lists.get(named[1])) or ("place-1", "place-2", "lieu-é", "42")

    @property
    def geopoints(self) -> list[str]:
        """Questions outside repeats that ask for a position, in the order of the form."""
        return [
            path
            for path, question in self._questions.items()
            if question.kind == "geopoint"
            and question.control
            and not any(path.startswith(f"{repeat}/") for repeat in self.repeats)
        ]

    def fill(self, rng: random.Random) -> Filled:
        """One submission at random: answers of every type, some missing, repeats of none to three."""
        return _Filling(self, rng).made()

    def question(self, path: str) -> _Question:
        return self._questions.get(path, _Question())


class _Filling:
    def __init__(self, form: FormFiller, rng: random.Random) -> None:
        self._form, self._rng = form, rng
        self._filled = Filled(f"uuid:{uuid.UUID(int=rng.getrandbits(128), version=4)}")
        self._gap = rng.choice(("", "", "\n  "))
        self._prefix = rng.choice(("", "", "orx:"))

    def made(self) -> Filled:
        root, filled = self._form.root, self._filled
        attributes = {name: text for name, text in root.attrib.items() if not name.startswith("{")}
        if self._prefix or self._rng.random() < 0.7:
            attributes |= {f"xmlns:{prefix}": uri for prefix, uri in _NAMESPACES.items()}
        if self._rng.random() < 0.2:
            attributes["xmlns"] = XFORMS
        name = _local(root)
        body = self._below(root, "", "", "", filled.answers)
        opening = "".join(f' {key}="{_escaped(text)}"' for key, text in attributes.items())
        filled.xml = f"<?xml version='1.0' ?><{name}{opening}>{body}</{name}>"
        return filled

    def _below(self, parent: ET.Element, path: str, shown: str, place: str, answers: dict[str, Any]) -> str:
        """XML below a group, with ``answers`` filled on the way.

        ``path`` is that of the form, ``shown`` that of the record, ``place`` the one with indexes; each with a slash.
        """
        out: list[str] = []
        done: set[str] = set()
        for child in parent:
            name = _local(child)
            if name in done:
                continue  # the first instance of a repeat stands behind its template
            done.add(name)
            tag = self._prefix + name if (path == "" and name == "meta") or path == "meta/" else name
            if path + name in self._form.repeats:
                rows = [
                    self._row(child, tag, path + name, shown + tag, f"{place}{name}[{number}]")
                    for number in range(1, self._rng.choice((0, 1, 1, 2, 3)) + 1)
                ]
                out += [xml for xml, _ in rows]
                if kept := [row for _, row in rows if row]:
                    answers[shown + tag] = kept
            elif len(child):
                inner = self._below(child, f"{path}{name}/", f"{shown}{tag}/", f"{place}{name}/", answers)
                out.append(f"<{tag}>{inner}</{tag}>")
            else:
                out.append(self._leaf(tag, path + name, shown + tag, place + name, answers))
        return self._gap + self._gap.join(out) + self._gap if out else ""

    def _row(
        self, element: ET.Element, tag: str, path: str, shown: str, place: str
    ) -> tuple[str, dict[str, Any]]:
        row: dict[str, Any] = {}
        return f"<{tag}>{self._below(element, f'{path}/', f'{shown}/', f'{place}/', row)}</{tag}>", row

    def _leaf(self, tag: str, path: str, shown: str, place: str, answers: dict[str, Any]) -> str:
        question = self._form.question(path)
        if question.skippable and self._rng.random() < 0.15:
            return ""  # not relevant: Collect leaves the node out
        text = self._answer(question, path, place)
        if text.strip(" \t\r\n"):
            answers[shown] = text
        return f"<{tag}>{_escaped(text)}</{tag}>" if text else f"<{tag}/>"

    def _answer(self, question: _Question, path: str, place: str) -> str:
        if question.literal is not None:
            return question.literal
        if question.preload == "uid":
            return self._filled.instance_id
        if path == "meta/audit":
            self._filled.files["audit.csv"] = b"event,node,start,end\n"
            self._filled.places["audit.csv"] = ""
            return "audit.csv"
        if self._rng.random() < 0.2:
            return self._rng.choice(_BLANKS)
        if question.kind == "binary":
            return self._file(question, place)
        return self._value(question)

    def _file(self, question: _Question, place: str) -> str:
        number = len(self._filled.files)
        name = f"{self._rng.choice(_NAMES)}-{number}{_SUFFIXES.get(question.media, '.bin')}"
        self._filled.files[name] = self._rng.randbytes(self._rng.randrange(1, 60))
        self._filled.places[name] = place
        return name

    def _value(self, question: _Question) -> str:
        rng = self._rng
        if question.choices:
            if question.control == "select1":
                return rng.choice(question.choices)
            least = len(question.choices) if question.control == "rank" else 1
            chosen = rng.sample(question.choices, rng.randint(least, len(question.choices)))
            return " ".join(chosen)
        if question.control == "trigger":
            return "OK"
        return {
            "int": lambda: str(rng.randint(-(10**9), 10**9)),
            "decimal": lambda: f"{rng.uniform(-1e6, 1e6):.{rng.randint(1, 10)}f}",
            "date": lambda: f"{rng.randint(1900, 2099)}-{rng.randint(1, 12):02}-{rng.randint(1, 28):02}",
            "time": lambda: f"{rng.randrange(24):02}:{rng.randrange(60):02}:00.000+05:45",
            "dateTime": lambda: f"2026-08-{rng.randint(1, 31):02}T10:01:02.{rng.randrange(1000):03}-03:30",
            "geopoint": lambda: self._point(),
            "geotrace": lambda: ";".join(self._point() for _ in range(rng.randint(2, 30))),
            "geoshape": lambda: self._shape(),
        }.get(question.kind, lambda: self._text())()

    def _text(self) -> str:
        return "".join(self._rng.choices(_TEXTS, k=self._rng.choice((1, 1, 1, 2, 4))))

    def _point(self) -> str:
        lat, lng = self._rng.uniform(-90, 90), self._rng.uniform(-180, 180)
        return f"{lat:.7f} {lng:.7f} {self._rng.randrange(4000)}.0 {self._rng.randrange(1, 50)}.5"

    def _shape(self) -> str:
        points = [self._point() for _ in range(self._rng.randint(3, 10))]
        return ";".join([*points, points[0]])


def _names(instance: ET.Element) -> tuple[str, ...]:
    return tuple(name.text or "" for name in instance.iter(f"{_X}name"))


def _local(element: ET.Element) -> str:
    return element.tag.rpartition("}")[2]


def _escaped(text: str) -> str:
    for char, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ('"', "&quot;"), ("\r", "&#13;")):
        text = text.replace(char, entity)
    return text
