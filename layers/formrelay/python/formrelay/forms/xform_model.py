"""Finishing touches on the XForm that pyxform builds, and what ingest must know of it.

Works on the element tree before it becomes text; elements are ``xml.dom.minidom`` ones.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final
from xml.dom.minidom import Element

from pyxform.utils import node

# Order of the texts of one question in itext; pyxform leaves the ones it fills in to the order of a set.
_FORMS: Final = ("", "short", "image", "big-image", "audio", "video", "guidance")
_META: Final = "meta/"


def model_of(html: Element) -> Element:
    """The ``<model>`` of an XForm."""
    return next(child for head in _children(html, "h:head") for child in _children(head, "model"))


def root_of(model: Element) -> Element:
    """The root of the primary instance, which clients copy for every submission."""
    instance = next(_children(model, "instance"))
    return next(_children(instance))


def add_form_uuid(model: Element, form_uuid: str) -> None:
    """Put ``formhub/uuid`` first in the instance, calculated as a quoted literal (contract submissions §10)."""
    root = root_of(model)
    root.insertBefore(node("formhub", node("uuid")), root.firstChild)
    bind = node("bind", nodeset=f"/{root.tagName}/formhub/uuid", type="string", calculate=f"'{form_uuid}'")
    model.insertBefore(bind, next(_children(model, "bind"), None))


def order_translations(model: Element, languages: list[str]) -> None:
    """Put translations into the order of ``languages`` and their values into a fixed one."""
    for itext in _children(model, "itext"):
        found = list(_children(itext, "translation"))
        rank = {language: index for index, language in enumerate(languages)}
        _arrange(itext, sorted(found, key=lambda item: rank.get(item.getAttribute("lang"), len(rank))))
        for translation in found:
            for text in _children(translation, "text"):
                values = list(_children(text, "value"))
                _arrange(text, sorted(values, key=lambda item: _FORMS.index(item.getAttribute("form"))))


def shape_of(html: Element) -> dict[str, list[str]]:
    """Repeats, geopoint questions outside repeats and media questions: paths without the root, in form order."""
    model = model_of(html)
    skip = len(root_of(model).tagName) + 2
    body = next(_children(html, "h:body"))
    repeats = [item.getAttribute("nodeset")[skip:] for item in body.getElementsByTagName("repeat")]
    # Positions that the device notes by itself are no answers to a geopoint question.
    automatic = {item.getAttribute("ref")[skip:] for item in html.getElementsByTagName("odk:setgeopoint")}
    inside = tuple(f"{path}/" for path in repeats)
    types = [
        (item.getAttribute("nodeset")[skip:], item.getAttribute("type")) for item in _children(model, "bind")
    ]
    return {
        "repeats": repeats,
        "geopoints": [
            path
            for path, kind in types
            if kind == "geopoint" and path not in automatic and not path.startswith(inside)
        ],
        "media": [path for path, kind in types if kind == "binary" and not path.startswith(_META)],
    }


def _children(parent: Element, tag: str | None = None) -> Iterator[Element]:
    return (
        child
        for child in list(parent.childNodes)
        if isinstance(child, Element) and tag in (None, child.tagName)
    )


def _arrange(parent: Element, children: Iterable[Element]) -> None:
    for child in children:
        parent.appendChild(child)
