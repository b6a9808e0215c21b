"""Who may do what: one module decides every access (contract permissions §1, §3, §4).

- :func:`require` for projects, forms and whatever else is theirs as a whole;
- :func:`rows` for submissions, which a caller may hold rights on row by row;
- :func:`require_hooks` for hooks and their logs.

Each takes the project as :func:`formrelay.storage.assets.project` read it, in one Query, and asks for nothing more.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from formrelay.auth import Caller
from formrelay.errors import forbidden, not_found, unauthenticated
from formrelay.rights import (
    ADD,
    CHANGE,
    CHANGE_ASSET,
    DELETE,
    MANAGE_ASSET,
    PARTIAL,
    VALIDATE,
    VIEW,
    VIEW_ASSET,
)
from formrelay.storage.assets import Project
from formrelay.usernames import ANONYMOUS

if TYPE_CHECKING:
    from formrelay.query import Query

__all__ = [
    "ADD", "CHANGE", "CHANGE_ASSET", "DELETE", "MANAGE_ASSET", "PARTIAL", "VALIDATE", "VIEW", "VIEW_ASSET",
    "Rows", "allowed", "granted", "reach", "require", "require_hooks", "rows",
]  # fmt: skip

# Meets no row, and readers of the store see that without reading any.
_NONE: dict[str, Any] = {"_id": {"$in": []}}


@dataclass(frozen=True)
class Rows:
    """The submissions of one project on which a caller holds a right.

    ``query`` is a filter of the data API's language to put beside the caller's own
    (``{"$and": [theirs, rows.query]}``); None: all of them.
    """

    query: dict[str, Any] | None = None

    @property
    def all(self) -> bool:
        """Whether it is every row, of today and of tomorrow."""
        return self.query is None

    def admits(self, record: Mapping[str, Any]) -> bool:
        """Whether a record, as the data API shows it, is one of them."""
        from formrelay.query import QueryError

        if self.query is None:
            return True
        try:
            return self._compiled.matches(record)
        except QueryError:
            return False  # an answer too long for a filter's regular expression

    @cached_property
    def _compiled(self) -> Query:
        # Most callers hold a right on all rows or on none, and functions that take submissions stay light.
        from formrelay.query import compile_query

        return compile_query(self.query)


def allowed(caller: Caller | None, project: Project, codename: str) -> bool:
    """Whether the caller holds the right on the project: as owner, superuser, by a grant, or as anybody.

    Of submissions, that means on all of them. Stored grants hold what they imply.
    """
    if caller is not None and (caller.superuser or caller.username == project.owner):
        return True
    names = [ANONYMOUS] if caller is None else [caller.username, ANONYMOUS]
    return any(granted(name, project, codename) for name in names)


def granted(username: str, project: Project, codename: str) -> bool:
    """Whether somebody gave that user (or AnonymousUser) the right."""
    return codename in project.rights.get(username, {}).get("codenames", ())


def require(caller: Caller | None, project: Project | None, codename: str) -> Project:
    """The project, if the caller holds the right.

    Raises 404 when there is none or the caller may not even view it, else 403 (401 for anonymous).
    """
    if project is None or not allowed(caller, project, VIEW_ASSET):
        raise not_found()
    if not allowed(caller, project, codename):
        if codename == VIEW:
            raise not_found()
        raise forbidden() if caller else unauthenticated()
    return project


def reach(caller: Caller | None, project: Project, codename: str) -> Rows | None:
    """The submissions on which the caller holds a right (VIEW, CHANGE, DELETE or VALIDATE).

    None for who has no row-level rights either; a row-level user without just this one has it on no row.
    """
    if allowed(caller, project, codename):
        return Rows()
    if caller is None or not granted(caller.username, project, PARTIAL):
        return None
    queries = project.filters(caller.username).get(codename)
    return Rows({"$or": queries} if queries else _NONE)


def rows(caller: Caller | None, project: Project | None, codename: str) -> Rows:
    """The submissions on which the caller holds a right, maybe none (contract data §2).

    Raises 404 when there is no project or the caller may see none of its data, else 403 (401 for anonymous).
    """
    if project is None:
        raise not_found()
    found = reach(caller, project, codename)
    if found is None:
        if reach(caller, project, VIEW) is None:
            raise not_found()
        raise forbidden() if caller else unauthenticated()
    return found


def require_hooks(caller: Caller | None, project: Project | None) -> Project:
    """The project, if the caller may see and change its hooks: 404 otherwise (contract rest-services §4)."""
    if (
        project is None
        or caller is None
        or not all(allowed(caller, project, c) for c in (CHANGE_ASSET, VIEW))
    ):
        raise not_found()
    return project
