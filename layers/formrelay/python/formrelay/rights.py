"""Rights on a project: what they are called, what they imply, what excludes what (contract permissions §1–§3).

Pure: :mod:`formrelay.permissions` decides by them, :mod:`formrelay.sharing` gives and takes them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

VIEW_ASSET = "view_asset"
CHANGE_ASSET = "change_asset"
MANAGE_ASSET = "manage_asset"
DELETE_ASSET = "delete_asset"
ADD = "add_submissions"
VIEW = "view_submissions"
CHANGE = "change_submissions"
DELETE = "delete_submissions"
VALIDATE = "validate_submissions"
PARTIAL = "partial_submissions"

# What the owner of a survey holds, in the order of lists; DELETE_ASSET is theirs, too, but no row of any list.
OWNER_RIGHTS = (ADD, CHANGE_ASSET, CHANGE, DELETE, MANAGE_ASSET, VALIDATE, VIEW_ASSET, VIEW)
ALL = tuple(sorted((*OWNER_RIGHTS, PARTIAL)))
# What can be held on some rows only.
ROW_LEVEL = (VIEW, CHANGE, DELETE, VALIDATE)
_OF_FORMS = (CHANGE_ASSET, MANAGE_ASSET, VIEW_ASSET)
_OF_ANYBODY = frozenset({VIEW_ASSET, ADD, VIEW})

# Transitive.
IMPLIED: Mapping[str, frozenset[str]] = {
    VIEW_ASSET: frozenset(),
    CHANGE_ASSET: frozenset({VIEW_ASSET}),
    MANAGE_ASSET: frozenset(OWNER_RIGHTS) - {MANAGE_ASSET},
    ADD: frozenset({VIEW_ASSET}),
    VIEW: frozenset({VIEW_ASSET}),
    CHANGE: frozenset({VIEW, ADD, VIEW_ASSET}),
    DELETE: frozenset({VIEW, VIEW_ASSET}),
    VALIDATE: frozenset({VIEW, VIEW_ASSET}),
    PARTIAL: frozenset({VIEW_ASSET}),
}
# Of all rows: none of them goes together with some rows.
_WHOLE = frozenset({*ROW_LEVEL, MANAGE_ASSET})
CONTRADICTORY: Mapping[str, frozenset[str]] = {
    PARTIAL: _WHOLE,
    **{codename: frozenset({PARTIAL}) for codename in _WHOLE},
}

Filters = dict[str, list[dict[str, Any]]]
"""Row-level rights: codename → queries, any of which a row has to meet."""


def assignable(asset_type: str) -> tuple[str, ...]:
    """What can be given on a project of that type, in the order of lists."""
    return ALL if asset_type == "survey" else _OF_FORMS


def of_owner(asset_type: str) -> tuple[str, ...]:
    """What the owner holds, in the order of lists."""
    return tuple(codename for codename in assignable(asset_type) if codename != PARTIAL)


def open_to_anybody(codename: str) -> bool:
    """Whether AnonymousUser can be given the right."""
    return codename in _OF_ANYBODY


@dataclass(frozen=True)
class Grants:
    """What one user was given on one project; always complete: with whatever it implies."""

    codenames: frozenset[str] = frozenset()
    filters: Filters = field(default_factory=dict)

    def given(self, codename: str, filters: Filters | None = None, *, to_anybody: bool = False) -> Grants:
        """These and one more right, without those that it excludes; ``filters`` belong to PARTIAL.

        Anybody may be let submit to a form without being shown the project, so then ADD implies nothing.
        """
        implied = frozenset() if to_anybody and codename == ADD else IMPLIED[codename]
        added = implied | {codename}
        if codename == PARTIAL:
            rows = completed(filters or {})
            added |= {ADD} & rows.keys()
        else:
            rows = self.filters
        excluded = frozenset[str]().union(*(CONTRADICTORY.get(name, ()) for name in added))
        kept = (self.codenames - excluded) | added
        return Grants(kept, rows if PARTIAL in kept else {})

    def taken(self, codename: str, *, from_anybody: bool = False) -> Grants:
        """These without one right and whatever implies it."""
        gone = {name for name in self.codenames if codename in IMPLIED[name]} | {codename}
        if from_anybody and codename == VIEW_ASSET:
            gone.discard(ADD)
        kept = self.codenames - gone
        rows = self.filters if PARTIAL in kept else {}
        if codename == ADD:
            rows = {name: queries for name, queries in rows.items() if name not in (ADD, CHANGE)}
        return Grants(kept, rows)


def completed(filters: Filters) -> Filters:
    """Row-level rights with those that they imply, on the same rows; no query stands twice for one right."""
    found: Filters = {}
    for codename, queries in filters.items():
        for name in (codename, *sorted(IMPLIED[codename] - {VIEW_ASSET})):
            into = found.setdefault(name, [])
            for query in queries:
                if query not in into:
                    into.append(query)
    return found
