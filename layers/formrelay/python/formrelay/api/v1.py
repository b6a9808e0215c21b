"""What clients of KoboToolbox's former API still ask for (contract accounts §7).

Submissions in ``/api/v1/submissions`` are taken by :mod:`formrelay.api.submission`.
"""

from __future__ import annotations

from typing import Any

from formrelay import permissions
from formrelay.api import asset_list
from formrelay.api.about import PROJECTS, SERVICE, About, Many, Query
from formrelay.api.http import Request, Response, json_response
from formrelay.api.router import Context, Route
from formrelay.storage import listings
from formrelay.storage.assets import Project
from formrelay.usernames import ANONYMOUS

_SERVED = ("/api/v1/forms", "/api/v1/submissions")
_ASSET = "/api/v2/assets/{uid}/"
# First segment of a path that is no more → where its like is.
_INSTEAD = {
    "data": f"{_ASSET}data/",
    "forms": _ASSET,
    "media": f"{_ASSET}files/",
    "metadata": f"{_ASSET}files/",
    "submissions": "/api/v1/submissions",
    "user": "/me/",
    "users": "/api/v2/users/{username}/",
}


def is_gone(path: str) -> bool:
    """Whether the (clean) path was one of the former API's and has no answer here."""
    if path == "/assets" or path.startswith("/assets/"):
        return True
    return path.startswith("/api/v1/") and path not in _SERVED


def gone(request: Request) -> Response:
    """410, and where to look instead."""
    text = f"This is no longer an address of the API. Use {request.base_url}{_instead(request.path)} instead."
    return json_response({"detail": text}, 410)


def _instead(path: str) -> str:
    if path.startswith("/assets"):
        return f"/api/v2{path}/"
    return _INSTEAD.get(path.removeprefix("/api/v1/").partition("/")[0], "/api/v2/")


def list_forms(ctx: Context) -> Response:
    """Deployed projects, archived ones too, as one array: the list has no pages."""
    wanted, owner = (ctx.request.query.get(name) for name in ("id_string", "owner"))
    rows = [
        row
        for row in listings.of_user(ctx.user.username)
        if row["status"] in ("deployed", "archived") and wanted in (None, row["uid"])
    ]
    shown = asset_list.items(ctx, [row for row in rows if owner in (None, row["owner"])])
    forms = [_form(ctx, project, item) for project, item in shown]
    return json_response(sorted(forms, key=lambda form: str(form["id_string"])))


def _form(ctx: Context, project: Project, item: dict[str, Any]) -> dict[str, Any]:
    state = project.state

    def anybody(codename: str) -> bool:
        return permissions.granted(ANONYMOUS, project, codename)

    return {
        "url": f"{ctx.base_url}/api/v1/forms/{state['id']}",
        "formid": state["id"],
        "uuid": state["form_uuid"],
        "id_string": project.uid,
        "title": state["name"],
        "description": state["name"],
        "owner": project.owner,
        "public": anybody(permissions.VIEW_ASSET),
        "public_data": anybody(permissions.VIEW),
        "require_auth": not anybody(permissions.ADD),
        "downloadable": state["active"],
        "encrypted": state.get("encrypted", False),
        "hash": f"md5:{state['form_md5']}",
        "num_of_submissions": item["deployment__submission_count"] or 0,
        "last_submission_time": item["deployment__last_submission_time"],
        "tags": project.info["tags"],
        "date_created": item["date_created"],
        "date_modified": item["date_modified"],
    }


def get_root(ctx: Context) -> Response:
    """What is left; clients ask for it first, and take any answer but 200 for the wrong server or a wrong key."""
    return json_response({name: f"{ctx.base_url}/api/v1/{name}/" for name in ("forms", "submissions")})


ROUTES = [
    Route(
        "GET",
        "/api/v1",
        get_root,
        about=About("What is left of the former API", SERVICE, {200: "Collections"}, public=True),
    ),
    Route(
        "GET",
        "/api/v1/forms",
        list_forms,
        about=About(
            "List deployed projects as the former API did",
            PROJECTS,
            {200: Many("FormerForm")},
            (
                Query("id_string", "Only the project of this uid."),
                Query("owner", "Only this user's projects."),
            ),
        ),
    ),
]
