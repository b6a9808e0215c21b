"""Editing answers of many submissions (contract data §7)."""

from __future__ import annotations

import json
from typing import Any

from formrelay import admission, permissions
from formrelay.api import changing, payloads
from formrelay.api.about import SUBMISSIONS, About, Body
from formrelay.api.http import Response, json_response
from formrelay.api.payloads import Meant
from formrelay.api.router import Context, Route
from formrelay.changes.bulk import Result
from formrelay.changes.edits import GONE
from formrelay.errors import ApiError, detail
from formrelay.openrosa import editing
from formrelay.openrosa.errors import OpenRosaError
from formrelay.storage import jobs
from formrelay.xml_text import OUTSIDE_XML

# Of the answers that one call gives: how many, and bytes of their JSON.
MAX_ANSWERS = 1_000
MAX_DATA = 100_000
_SUCCESS = "Successful submission"


def edit_many(ctx: Context, asset: str) -> Response:
    """Gives all that ids or a query choose the same answers; each of them keeps its history."""
    grant = changing.granted(ctx, asset, permissions.CHANGE)
    payload = payloads.fields(ctx.request)
    meant = payloads.meant(payload)
    answers = _answers(payload.get("data"))
    try:
        admission.check_owner(grant.asked.project, ctx.user)
    except OpenRosaError as error:
        raise detail(400, error.message) from None
    chosen = None if meant.chosen is None else changing.known(grant, meant.chosen)
    progress = changing.run(grant, jobs.EDIT, {"answers": answers}, meant, chosen)
    if not progress.selected:
        raise ApiError(400, ["No submissions match the given `submission_ids`"])
    results = [*map(_shown, progress.results), *_unknown(meant, chosen)]
    successes = sum(result["status_code"] == 201 for result in results)
    body = {
        "count": progress.selected + len(results) - len(progress.results),
        "successes": successes,
        "failures": len(results) - successes,
        "results": results,
    }
    under_way = len(progress.results) < progress.selected
    return json_response(body, 200 if successes or under_way else 400)


def _answers(value: Any) -> str:
    """The answers as JSON text, by their paths. Raises ApiError 400.

    What tells revisions and forms apart is left out.
    """
    if not value:
        raise payloads.wrong("`data` is required")
    if not isinstance(value, dict):
        raise payloads.wrong("`data` must be a JSON object")
    if len(value) > MAX_ANSWERS:
        raise payloads.wrong(f"`data` must contain at most {MAX_ANSWERS} answers")
    answers = {path: text for path, text in value.items() if not editing.is_kept(_path(path))}
    for path, text in answers.items():
        if not isinstance(text, str | None):
            raise payloads.wrong(f"`data` must only contain texts: `{path}`")
        if text and OUTSIDE_XML.search(text):
            raise payloads.wrong(f"`data` contains characters that XML does not have: `{path}`")
    packed = json.dumps(answers, ensure_ascii=False)
    if len(packed.encode()) > MAX_DATA:
        raise payloads.wrong(f"`data` must have at most {MAX_DATA} bytes")
    return packed


def _path(text: str) -> editing.Path:
    try:
        return editing.parse_path(text)
    except editing.PathError:
        raise payloads.wrong(f"`data` has a key that is no path of a question: `{text[:100]}`") from None


def _shown(result: Result) -> dict[str, Any]:
    if result.refused is None:
        return {"uuid": result.uuid, "root_uuid": result.root, "status_code": 201, "message": _SUCCESS}
    status = 404 if result.refused == GONE else 400
    return {"uuid": result.uuid, "root_uuid": None, "status_code": status, "message": result.refused}


def _unknown(meant: Meant, chosen: list[int] | None) -> list[dict[str, Any]]:
    """What is told of ids that are none of this project's."""
    there = set(chosen or ())
    return [
        {"uuid": None, "root_uuid": None, "status_code": 404, "message": f"Submission {sid} does not exist"}
        for sid in meant.chosen or ()
        if sid not in there
    ]


_EXAMPLE = {"payload": {"submission_ids": [17], "data": {"loc/region": "south"}}}
ROUTES = [
    Route(
        "PATCH",
        "/api/v2/assets/{asset}/data/bulk",
        edit_many,
        about=About(
            "Edit many submissions",
            SUBMISSIONS,
            {200: "EditedSubmissions", 302: None},
            body=Body("ChosenSubmissions", _EXAMPLE, required=True),
            errors=(403,),
        ),
    )
]
