"""What a route is, in words and shapes: declared beside its handler, made into OpenAPI by :mod:`formrelay.api.openapi`.

Plain data, since every start of the function makes it: shapes of JSON go by the names that they have in
``api/openapi``, which is read only when somebody asks for the description.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

JSON_BODY = "application/json"
FORM_BODY = "application/x-www-form-urlencoded"
FILE_BODY = "multipart/form-data"


class Page(NamedTuple):
    """``{count, next, previous, results}`` of objects of the named shape."""

    of: str


class Many(NamedTuple):
    """A bare array of objects of the named shape."""

    of: str


class Media(NamedTuple):
    """Something that is not JSON, by its media type; ``*/*`` for files of any kind."""

    type: str


# Under which heading the description has a route.
ACCOUNTS, PROJECTS, SUBMISSIONS, EXPORTS, HOOKS, COLLECT, SERVICE = (
    "Accounts",
    "Projects",
    "Submissions",
    "Exports",
    "Hooks",
    "Form clients",
    "Service",
)

Shape = str | Page | Many | Media
"""A name in ``api/openapi``, a list of it, or something else than JSON."""


class Query(NamedTuple):
    """A parameter of the query string; ``schema`` is its JSON Schema, any text unless told."""

    name: str
    text: str
    schema: Mapping[str, Any] | None = None


class Body(NamedTuple):
    """The body of a request: the named shape of its fields, and one that works as it stands.

    ``parts`` is the shape of a multipart body where that has more, such as a file.
    """

    shape: str
    example: Any = None
    required: bool = False
    types: tuple[str, ...] = (JSON_BODY, FORM_BODY, FILE_BODY)
    parts: str = ""


class About(NamedTuple):
    """What a route does.

    ``answers`` are all of success by status, None for an empty body, a tuple for a choice of them.
    ``errors`` are those beyond what every route may answer: 401, 404, 406, 429, 503, and of a body 400 and 415.
    """

    summary: str
    tag: str
    answers: Mapping[int, Shape | tuple[Shape, ...] | None]
    query: tuple[Query, ...] = ()
    body: Body | None = None
    errors: tuple[int, ...] = ()
    public: bool = False
    """Whether it answers without credentials, too."""
    text: str = ""

    @property
    def is_json(self) -> bool:
        """Whether success is answered with JSON and nothing else."""
        answer = self.answers.get(200)
        shapes = answer if isinstance(answer, tuple) and not hasattr(answer, "_fields") else (answer,)
        return not any(shape is None or isinstance(shape, Media) for shape in shapes)


_COUNT: Mapping[str, Any] = {"type": "integer", "minimum": 0}
PAGING = (
    Query("limit", "Rows of a page, 100 unless told, at most 1000.", _COUNT),
    Query("start", "Rows to leave out before the first.", _COUNT),
)
"""Parameters of every list that comes in pages."""
REDIRECT = Query("redirect", "`false`: instead of a redirect to a large file, JSON that says where it is.")
