"""The plan of an export: for every version of the form, how its records fill the columns. Made once, then followed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Any, NamedTuple

from formrelay.exports import form, layout, matching
from formrelay.exports.form import MAIN_KEY, Key, Version
from formrelay.exports.layout import Layout
from formrelay.exports.options import GEOJSON, SUMMARY, Options
from formrelay.exports.values import NOWHERE, Maker, Record, maker, meta

_VERSION = "__version__"


class Section(NamedTuple):
    """How one version fills one sheet.

    ``number`` of the sheet in the layout; ``path``: where the entry around it has its entries; ``inside``: the sections
    of the repeats in it.
    """

    number: int
    path: str
    makers: tuple[Maker, ...]
    inside: tuple[Section, ...]


class Plan(NamedTuple):
    """``main`` holds the main section by version uid, ``newest`` that of the newest version.

    ``meta`` are the makers of the submission's own columns, ``meta_for_repeats`` those that rows of repeats show.
    """

    layout: Layout
    newest: Section
    main: Mapping[str, Section]
    order: tuple[str, ...]
    meta: tuple[Maker, ...]
    meta_for_repeats: tuple[Maker, ...]

    def section(self, record: Record) -> Section:
        """The main section of the version that a record was collected with (contract exports §3.7)."""
        if len(self.order) == 1 or record.get(_VERSION) == self.order[0]:
            return self.newest
        named = {value for key, value in record.items() if isinstance(value, str) and _names_version(key)}
        return next((self.main[uid] for uid in self.order if uid in named), self.newest)


def _names_version(key: str) -> bool:
    name = key.rpartition("/")[2]
    return _VERSION in name or name.startswith("_version_")


def plan(contents: Iterable[tuple[str, Mapping[str, Any]]], options: Options) -> Plan:
    """The plan for a form, ``contents`` being uid and content of its deployed versions, newest first.

    Of each only what is needed is kept. Raises ValueError without any.
    """
    if options.type == GEOJSON:
        options = options._replace(multiple_select=SUMMARY)
    used = islice(contents, None if options.all_versions else 1)
    versions = [form.read(uid, content, options) for uid, content in used]
    if not versions:
        raise ValueError("an export needs a version")
    matching.match(versions)
    form.hand_on_choices(versions)
    laid_out = layout.lay_out(versions, options)
    main = {version.uid: _section(MAIN_KEY, version, laid_out, options) for version in versions}
    shown = [meta(name, options) for name in laid_out.meta]
    return Plan(
        layout=laid_out,
        newest=main[versions[0].uid],
        main=main,
        order=tuple(version.uid for version in versions),
        meta=tuple(shown),
        meta_for_repeats=tuple(
            meta(name, options) if name in laid_out.meta else Maker(NOWHERE) for name in layout.META
        ),
    )


def _section(key: Key, version: Version, laid_out: Layout, options: Options) -> Section:
    number, sheet = next((i, s) for i, s in enumerate(laid_out.sheets) if s.key == key)
    own = version.sections[key]
    makers = tuple(maker(field, own.questions.get(field.key), options) for field in sheet.fields)
    inside = tuple(
        _section(other.key, version, laid_out, options)
        for other in laid_out.sheets
        if other.key in version.sections and version.sections[other.key].parent == key
    )
    return Section(number, own.path, makers, inside)
