"""What an export is to be like: the settings as clients send them, checked (contract exports §1.1)."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from formrelay.query import QueryError, compile_query

CSV: Final = "csv"
XLSX: Final = "xls"
GEOJSON: Final = "geojson"
TYPES: Final = (CSV, GEOJSON, XLSX)
XLSX_TYPE: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
CONTENT_TYPES: Final = {CSV: "text/csv", GEOJSON: "application/geo+json", XLSX: XLSX_TYPE}
EXTENSIONS: Final = {CSV: "csv", XLSX: "xlsx", GEOJSON: "geojson"}

NAMES: Final = "_xml"
UNNAMED: Final = "_default"
BOTH: Final = "both"
SUMMARY: Final = "summary"
DETAILS: Final = "details"

_REQUIRED: Final = (
    "fields_from_all_versions",
    "group_sep",
    "hierarchy_in_labels",
    "lang",
    "multiple_select",
    "type",
)
_OPTIONAL: Final = (
    "fields",
    "flatten",
    "include_media_url",
    "name",
    "query",
    "submission_ids",
    "xls_types_as_text",
)
_IGNORED: Final = "source"
_FLAGS: Final = (
    "fields_from_all_versions",
    "hierarchy_in_labels",
    "include_media_url",
    "xls_types_as_text",
    "flatten",
)
_WORDS: Final = {"true": True, "false": False}
_MAX_TEXT: Final = 1_000
# Together they stand in one item of the table.
_MAX_SETTINGS: Final = 150_000


class OptionsError(ValueError):
    """A setting that cannot be used: its ``key`` (``data`` for all of them together), and why."""

    def __init__(self, key: str, message: str) -> None:
        super().__init__(key, message)
        self.key = key
        self.message = message

    @property
    def wrapped(self) -> str:
        """The text where all settings stand under one key, ``export_settings`` (contract exports §2)."""
        key = "export_settings" if self.key == "data" else self.key
        return f"`{key}` {self.message[0].lower()}{self.message[1:]}"


class Options(NamedTuple):
    """The settings of one export.

    ``fields`` are paths of questions and names of meta columns, empty for all; ``query`` and ``submission_ids`` choose
    among the submissions, None for all.
    """

    type: str = CSV
    lang: str = UNNAMED
    all_versions: bool = True
    group_sep: str = "/"
    hierarchy: bool = False
    multiple_select: str = BOTH
    fields: frozenset[str] = frozenset()
    media_urls: bool = False
    types_as_text: bool = True
    flatten: bool = True
    query: Mapping[str, Any] | None = None
    submission_ids: tuple[int, ...] | None = None

    @property
    def wants_names(self) -> bool:
        """Names and values instead of labels."""
        return self.lang == NAMES


def options(settings: Mapping[str, Any], *, type_: str | None = None) -> Options:
    """The options behind settings that :func:`checked` has let through; ``type_`` overrides their own."""
    return Options(
        type=type_ or settings["type"],
        lang=settings["lang"],
        all_versions=settings["fields_from_all_versions"],
        group_sep=settings["group_sep"] or "/",
        hierarchy=settings["hierarchy_in_labels"],
        multiple_select=settings["multiple_select"],
        fields=frozenset(settings.get("fields") or ()),
        media_urls=settings.get("include_media_url", False),
        types_as_text=settings.get("xls_types_as_text", True),
        flatten=settings.get("flatten", True),
        query=settings.get("query") or None,
        submission_ids=tuple(settings.get("submission_ids") or ()) or None,
    )


def checked(given: Mapping[str, Any], languages: Sequence[str | None]) -> dict[str, Any]:
    """The settings in normal form, keys in the order they came, without ``source``.

    ``languages`` are the form's. Texts stand for booleans and JSON where a form sent them. Raises OptionsError.
    """
    settings = {key: _decoded(key, value) for key, value in given.items() if key != _IGNORED}
    if not settings.keys() >= set(_REQUIRED):
        raise OptionsError("data", f"Must contain all the following required keys: {_listed(_REQUIRED)}")
    known = sorted((*_REQUIRED, *_OPTIONAL))
    if any(key not in known for key in settings):
        raise OptionsError("data", f"Can contain only the following valid keys: {_listed(known)}")
    langs = [*(name for name in languages if name is not None), UNNAMED, NAMES]
    _one_of(settings, "type", TYPES, "Must")
    _one_of(settings, "lang", langs, "For this asset must")
    _one_of(settings, "multiple_select", (BOTH, SUMMARY, DETAILS), "Must")
    _group_sep(settings)
    for key, (fits, message) in _CHECKS.items():
        given_null = settings.get(key) is None and (key not in settings or key in _OPTIONAL)
        if not given_null and not fits(settings[key]):
            raise OptionsError(key, message)
    _strings_and_integers(settings)
    _query(settings)
    if len(json.dumps(settings, ensure_ascii=False).encode()) > _MAX_SETTINGS:
        raise OptionsError("data", f"Must be at most {_MAX_SETTINGS} bytes long")
    return settings


def _decoded(key: str, value: Any) -> Any:
    """What a form sends as text: booleans in words, lists and objects as JSON."""
    if not isinstance(value, str):
        return value
    if key in _FLAGS:
        return _WORDS.get(value.strip().lower(), value)
    if key in ("fields", "query", "submission_ids"):
        try:
            found = json.loads(value) if value.strip() else None
            json.dumps(found, ensure_ascii=False).encode()  # refuses halves of characters
        except (ValueError, RecursionError):
            return value
        return found
    return value


def _listed(keys: Sequence[str]) -> str:
    return ", ".join(f"'{key}'" for key in keys)


def _one_of(settings: Mapping[str, Any], key: str, choices: Sequence[str], must: str) -> None:
    if settings[key] not in choices:
        quoted = [f"'{choice}'" for choice in choices]
        raise OptionsError(key, f"{must} be either {', '.join(quoted[:-1])} or {quoted[-1]}")


def _group_sep(settings: Mapping[str, Any]) -> None:
    value = settings["group_sep"]
    if value is not None and not isinstance(value, str):
        raise OptionsError("group_sep", "Must be a string")
    if len(value or "") > _MAX_TEXT:
        raise OptionsError("group_sep", f"Must be at most {_MAX_TEXT} characters long")
    if not value and settings["hierarchy_in_labels"] is True:
        raise OptionsError("group_sep", "Must be a non-empty value")


def _strings_and_integers(settings: Mapping[str, Any]) -> None:
    if not all(isinstance(name, str) for name in settings.get("fields") or ()):
        raise OptionsError("fields", "All values in the array must be strings")
    if not all(type(sid) is int for sid in settings.get("submission_ids") or ()):
        raise OptionsError("submission_ids", "All values in the array must be integers")


def _query(settings: Mapping[str, Any]) -> None:
    try:
        compile_query(settings.get("query") or {})
    except QueryError as error:
        raise OptionsError("query", str(error)) from None


def _is(kind: type) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, kind)


_CHECKS: Final[dict[str, tuple[Callable[[Any], bool], str]]] = {
    **{key: (_is(bool), "Must be a valid boolean") for key in _FLAGS},
    "fields": (_is(list), "Must be an array"),
    "submission_ids": (_is(list), "Must be an array"),
    "query": (_is(dict), "Must be a JSON object"),
    "name": (_is(str), "Must be a string or null"),
}
