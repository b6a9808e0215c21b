"""Form content → XForm, by pyxform (contract submissions §10, assets §6). Heavy: only compile imports it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple
from xml.dom.minidom import Element
from xml.parsers import expat

from pyxform.builder import create_survey_element_from_dict
from pyxform.errors import ErrorCode, PyXFormError
from pyxform.xls2json import workbook_to_json
from pyxform.xls2json_backends import DefinitionData

from formrelay.forms import expressions, grids, unnamed, xform_faults
from formrelay.forms.columns import parse_header
from formrelay.forms.content import VERSION_QUESTION, ContentError, normalise
from formrelay.forms.sheets import flatten
from formrelay.forms.xform_model import add_form_uuid, model_of, order_translations, shape_of

# A Lambda answer holds 6 MB, quotes escaped.
MAX_XFORM: Final = 4_500_000

_DECLARATION: Final = '<?xml version="1.0" encoding="utf-8"?>'
_FORMHUB: Final = "formhub"
_NULL_LANGUAGE: Final = "default"
# pyxform formats these texts itself; what follows the name tells them apart.
_DUPLICATES: Final = tuple(
    code.value.msg.partition("{value}")[2] for code in (ErrorCode.NAMES_001, ErrorCode.NAMES_004)
)
# Settings that say which form this is, under all names that pyxform takes for them.
_IDENTITY_SETTINGS: Final = frozenset({"form_title", "title", "id_string", "version"})


class XFormError(ValueError):
    """The form does not compile; the text says why, as pyxform words it."""


@dataclass(frozen=True)
class Identity:
    """What makes a form this project's form: written into the XForm, sent back by every client."""

    asset: str
    name: str
    version: str
    version_label: str
    form_uuid: str

    def __post_init__(self) -> None:
        for value in (self.asset, self.version, self.form_uuid):
            if not (value.isascii() and value.isalnum()):
                raise XFormError("Asset, version and form uuid must be plain identifiers.")


class XForm(NamedTuple):
    """``shape``: ``{"repeats": […], "geopoints": […], "media": […]}``, see docs/architecture.md."""

    xml: str
    shape: dict[str, list[str]]


def compile_xform(content: Mapping[str, Any], identity: Identity) -> XForm:
    """Compile content to an XForm; the same content and identity give the same text.

    The instance's id is the asset uid, ``formhub/uuid`` its first child, ``__version__`` its last question;
    translations stand in the order of the content, the first of them is the default.

    Raises XFormError with pyxform's own words when the form has a fault.
    """
    try:
        html, languages = _html(content, identity)
        model = model_of(html)
        add_form_uuid(model, identity.form_uuid)
        order_translations(model, languages)
        xml = _DECLARATION + html.toxml()
        shape = shape_of(html)
    except ContentError as error:
        raise XFormError(str(error)) from error
    except PyXFormError as error:
        raise XFormError(_words(error)) from error
    except XFormError:
        raise
    except Exception as error:  # pyxform trips over some faulty forms instead of naming the fault
        told = xform_faults.told(content, error, lambda other: _trip(other, identity))
        raise XFormError(told) from error
    _check(xml)
    return XForm(xml, shape)


def _html(content: Mapping[str, Any], identity: Identity) -> tuple[Element, list[str]]:
    """The XForm as pyxform makes it, and the names of its languages."""
    normal = unnamed.everywhere(grids.plain(normalise(content).content))
    languages = _languages(normal["translations"])
    html = _build(normal, languages, identity)
    for fault in expressions.faults(normal["survey"], normal["settings"]):
        raise XFormError(fault)
    return html, languages


def _languages(translations: list[str | None]) -> list[str]:
    """Names for all translations; the unnamed one gets a name that no other has."""
    null = _NULL_LANGUAGE
    while null in translations:
        null += "_"
    return [null if name is None else name for name in translations]


def _build(normal: Mapping[str, Any], languages: list[str], identity: Identity) -> Element:
    """The XForm as pyxform makes it, with the version as last question."""
    if any(row.get("$xpath") == _FORMHUB for row in normal["survey"]):
        raise XFormError(f"Duplicate name error: the name '{_FORMHUB}' is reserved for form metadata.")
    translations: list[str | None] = normal["translations"]
    one_unnamed = translations == [None]
    null = languages[translations.index(None)] if None in translations and not one_unnamed else None
    sheets = flatten(normal, null)
    sheets["survey"].append(
        {"type": "calculate", "name": VERSION_QUESTION, "calculation": f"'{identity.version}'"}
    )
    sheets["settings"] = [_settings(sheets["settings"], None if one_unnamed else languages[0], identity)]
    workbook = DefinitionData(sheet_names=list(sheets))
    for name, rows in sheets.items():
        setattr(workbook, name, rows)
        setattr(workbook, f"{name}_header", [dict.fromkeys(header for row in rows for header in row)])
    form = workbook_to_json(workbook_dict=workbook, form_name=identity.asset)
    html: Element = create_survey_element_from_dict(form).xml()  # type: ignore[no-untyped-call]
    return html


def _settings(settings: dict[str, str], default_language: str | None, identity: Identity) -> dict[str, str]:
    kept = {
        name: text
        for name, text in settings.items()
        if parse_header(name, "settings").name not in _IDENTITY_SETTINGS
    }
    if default_language is not None:
        kept["default_language"] = default_language
    return kept | {"form_title": identity.name, "form_id": identity.asset, "version": identity.version_label}


def _words(error: PyXFormError) -> str:
    text = str(error) if error.code else str(error.args[0]) if error.args else type(error).__name__
    return f"Duplicate name error: {text}" if text.endswith(_DUPLICATES) else text


def _trip(content: Mapping[str, Any], identity: Identity) -> Exception | None:
    """What pyxform trips over in that content; None where it compiles, or has a fault that is named."""
    try:
        _html(content, identity)
    except (ContentError, PyXFormError, XFormError):
        return None
    except Exception as error:
        return error
    return None


def _check(xml: str) -> None:
    """Column headers become attributes and prefixes as they are: refuse what no client could parse."""
    if len(xml.encode()) > MAX_XFORM:
        raise XFormError(f"The form is too large: its XForm may have at most {MAX_XFORM} bytes.")
    parser = expat.ParserCreate(namespace_separator=" ")
    try:
        parser.Parse(xml, True)
    except expat.ExpatError as error:
        raise XFormError(f"The form makes no well-formed XForm: {error}.") from error
