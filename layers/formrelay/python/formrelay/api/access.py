"""Who gets what from each route: the authorization matrix of formrelay (contract permissions §4, data §2).

Plain data that no handler reads: handlers ask :mod:`formrelay.permissions`, and ``tests/integration/test_access.py``
holds every route to its row here, caller by caller. A route without a row fails that test.

A new route takes one line in :data:`TABLE`, ``"METHOD pattern": RULE``; a rule that fits is there already, or is one
more ``Rule`` above it. A parameter of its path that is new takes a value in ``tests/support/scene.py``, which also has
the bodies of requests that mean nothing without one. Then ``python -m infra.access`` renews docs/permissions.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

CALLERS: Mapping[str, str] = {
    "anonymous": "no credentials, a private project",
    "public": "no credentials, a project whose form and data are open to everybody, as is submitting to it",
    "stranger": "signed in, no right on the project",
    "form viewer": "`view_asset`",
    "viewer": "`view_submissions`",
    "row viewer": "`partial_submissions`: may view the rows that meet a query",
    "editor": "`change_asset` and `change_submissions`",
    "manager": "`manage_asset`",
    "owner": "made the project",
    "superuser": "may do everything",
}
"""Who calls, by name: what they hold. A caller with a wrong or revoked key is 401 everywhere."""

VIEWERS = ("form viewer", "viewer", "row viewer")
_OTHERS = ("stranger", *VIEWERS, "editor", "manager")


def _all(status: int, *callers: str) -> dict[str, int]:
    return dict.fromkeys(callers, status)


@dataclass(frozen=True)
class Rule:
    """``needs`` in words, and the status that each caller gets who has it not; all others pass."""

    needs: str
    refused: Mapping[str, int] = field(default_factory=dict)


ANYBODY = Rule("nothing")
SIGNED_IN = Rule("an account", _all(401, "anonymous", "public"))
SUPERUSER = Rule("to be a superuser", {**_all(401, "anonymous", "public"), **_all(403, *_OTHERS, "owner")})
OWN = Rule("to have made it", {**_all(401, "anonymous", "public"), **_all(404, *_OTHERS, "superuser")})
INVITED = Rule("to have sent or got it", OWN.refused)
VIEW_FORM = Rule("`view_asset`", _all(404, "anonymous", "stranger"))
CHANGE_FORM = Rule("`change_asset`", {**VIEW_FORM.refused, "public": 401, **_all(403, *VIEWERS)})
VIEW_DATA = Rule(
    "`view_submissions`, of that row at least", _all(404, "anonymous", "stranger", "form viewer")
)
CHANGE_ROWS = Rule(
    "`change_submissions`, of those rows at least",
    {**VIEW_DATA.refused, "public": 401, **_all(403, "viewer", "row viewer")},
)
DELETE_ROWS = Rule("`delete_submissions`, of those rows at least", {**CHANGE_ROWS.refused, "editor": 403})
VALIDATE_ROWS = Rule("`validate_submissions`, of those rows at least", DELETE_ROWS.refused)
POST_DATA = Rule("`add_submissions`, and is 405 then", {**VIEW_FORM.refused, **_all(403, *VIEWERS)})
SHARE = Rule(
    "`manage_asset`; of rights of one's own, nothing",
    {**_all(404, "anonymous", "public", "stranger"), **_all(403, *VIEWERS, "editor")},
)
MAKER = Rule("to have made it", _all(404, "anonymous", "public", *_OTHERS, "superuser"))
RESULT = Rule(
    "to have made it, and to see all that is in it still",
    {**_all(401, "anonymous", "public"), **_all(403, *_OTHERS, "superuser")},
)
MANAGE = Rule("`manage_asset`", {**VIEW_FORM.refused, "public": 401, **_all(403, *VIEWERS, "editor")})
DELETE_PROJECT = Rule(
    "to own it, or to have made it and `manage_asset` while nothing was submitted",
    {**MANAGE.refused, "manager": 403},
)
MANAGE_MANY = Rule(
    "`manage_asset` on each; to delete, as for one",
    {**_all(401, "anonymous", "public"), **_all(403, "stranger", *VIEWERS, "editor")},
)
HOOKS = Rule("`change_asset` and `view_submissions`", _all(404, "anonymous", "public", "stranger", *VIEWERS))
HISTORY = Rule(
    "`manage_asset`", {**_all(401, "anonymous", "public"), **_all(403, "stranger", *VIEWERS, "editor")}
)
SUBMIT = Rule("`add_submissions`", {**_all(401, "anonymous", "public"), **_all(403, "stranger", *VIEWERS)})
SUBMIT_OPENLY = Rule(
    "`add_submissions`, given to everybody or to the caller",
    {"anonymous": 401, **_all(403, "stranger", *VIEWERS)},
)
GET_FORM = Rule("`add_submissions`", {**_all(401, "anonymous", "public"), **_all(404, "stranger", *VIEWERS)})
GET_FORM_OPENLY = Rule(
    "`add_submissions`, given to everybody",
    _all(404, "anonymous", *_OTHERS, "owner", "superuser"),
)

_ASSET = "/api/v2/assets/{asset}"
_DATA = _ASSET + "/data"
_FILES = _DATA + "/{id}/attachments"
_MEDIA = _ASSET + "/files"
_SHARED = _ASSET + "/permission-assignments"
_EXPORTS = _ASSET + "/exports"
_EXPORT_SETTINGS = _ASSET + "/export-settings"
_INVITES = "/api/v2/project-ownership/invites"
_HOOKS = _ASSET + "/hooks"
_HOOK = _HOOKS + "/{hook}"

TABLE: Mapping[str, Rule] = {
    # Accounts
    "GET /token": SIGNED_IN,
    "POST /token": SIGNED_IN,
    "DELETE /token": SIGNED_IN,
    "GET /me": SIGNED_IN,
    "PATCH /me": SIGNED_IN,
    "GET /api/v2/users": SUPERUSER,
    "POST /api/v2/users": SUPERUSER,
    "GET /api/v2/users/{username}": SIGNED_IN,
    "PATCH /api/v2/users/{username}": SUPERUSER,
    "DELETE /api/v2/users/{username}": SUPERUSER,
    "POST /api/v2/signup": ANYBODY,
    "GET /signup/confirm": ANYBODY,
    "POST /signup/confirm": ANYBODY,
    "GET /api/v2/access-logs": SUPERUSER,
    "GET /api/v2/access-logs/me": SIGNED_IN,
    "GET /api/v2/access-logs/me/export": SIGNED_IN,
    "POST /api/v2/access-logs/me/export": SIGNED_IN,
    "GET /api/v2/access-logs/me/export/{access_csv}": OWN,
    # The service
    "GET /": ANYBODY,
    "GET /api/v2/docs": ANYBODY,
    "GET /console/{digest}/{part}": ANYBODY,
    "GET /api/v1": ANYBODY,
    "GET /api/v2": ANYBODY,
    "GET /api/v2/environment": ANYBODY,
    "GET /api/v2/schema": ANYBODY,
    "GET /api/v2/permissions": ANYBODY,
    "GET /api/v2/permissions/{codename}": ANYBODY,
    "GET /unsubscribe": ANYBODY,
    "POST /unsubscribe": ANYBODY,
    # Projects
    "GET /api/v1/forms": SIGNED_IN,
    "GET /api/v2/assets": ANYBODY,
    "POST /api/v2/assets": SIGNED_IN,
    "GET /api/v2/assets/hash": SIGNED_IN,
    "GET /api/v2/assets/minimal-list": ANYBODY,
    "GET /api/v2/asset_usage": SIGNED_IN,
    "GET /api/v2/service_usage": SIGNED_IN,
    "GET /api/v2/imports": SIGNED_IN,
    "POST /api/v2/imports": SIGNED_IN,
    "GET /api/v2/imports/{task}": OWN,
    f"GET {_ASSET}": VIEW_FORM,
    f"PATCH {_ASSET}": CHANGE_FORM,
    f"DELETE {_ASSET}": DELETE_PROJECT,
    "POST /api/v2/assets/bulk": MANAGE_MANY,
    f"GET {_ASSET}/counts": VIEW_DATA,
    f"GET {_ASSET}/content": VIEW_FORM,
    f"GET {_ASSET}/valid_content": VIEW_FORM,
    f"GET {_ASSET}/xls": VIEW_FORM,
    f"GET {_ASSET}/xform": VIEW_FORM,
    f"GET {_ASSET}/deployment": VIEW_FORM,
    f"POST {_ASSET}/deployment": CHANGE_FORM,
    f"PATCH {_ASSET}/deployment": CHANGE_FORM,
    f"GET {_ASSET}/versions": VIEW_FORM,
    f"GET {_ASSET}/versions/{{version}}": VIEW_FORM,
    f"GET {_MEDIA}": VIEW_FORM,
    f"POST {_MEDIA}": CHANGE_FORM,
    f"GET {_MEDIA}/{{file}}": VIEW_FORM,
    f"DELETE {_MEDIA}/{{file}}": CHANGE_FORM,
    f"GET {_MEDIA}/{{file}}/content": VIEW_FORM,
    f"GET {_ASSET}/history": HISTORY,
    f"GET {_ASSET}/history/actions": HISTORY,
    f"GET {_ASSET}/history/export": HISTORY,
    f"POST {_ASSET}/history/export": HISTORY,
    f"GET {_ASSET}/history/export/{{history_csv}}": HISTORY,
    # Sharing
    f"GET {_SHARED}": VIEW_FORM,
    f"POST {_SHARED}": SHARE,
    f"POST {_SHARED}/bulk": SHARE,
    f"DELETE {_SHARED}/bulk": SHARE,
    f"PATCH {_SHARED}/clone": SHARE,
    f"GET {_SHARED}/{{assignment}}": VIEW_FORM,
    f"DELETE {_SHARED}/{{assignment}}": SHARE,
    f"GET {_INVITES}": SIGNED_IN,
    f"POST {_INVITES}": SIGNED_IN,
    f"GET {_INVITES}/{{invite}}": INVITED,
    f"PATCH {_INVITES}/{{invite}}": INVITED,
    f"GET {_INVITES}/{{invite}}/transfers/{{transfer}}": INVITED,
    # Submissions
    f"GET {_DATA}": VIEW_DATA,
    f"POST {_DATA}": POST_DATA,
    f"GET {_DATA}/{{id}}": VIEW_DATA,
    f"DELETE {_DATA}/{{id}}": DELETE_ROWS,
    f"PATCH {_DATA}/bulk": CHANGE_ROWS,
    f"DELETE {_DATA}/bulk": DELETE_ROWS,
    f"POST {_DATA}/{{id}}/duplicate": CHANGE_ROWS,
    f"GET {_DATA}/{{id}}/validation_status": VIEW_DATA,
    f"PATCH {_DATA}/{{id}}/validation_status": VALIDATE_ROWS,
    f"DELETE {_DATA}/{{id}}/validation_status": VALIDATE_ROWS,
    f"PATCH {_DATA}/validation_statuses": VALIDATE_ROWS,
    f"DELETE {_DATA}/validation_statuses": VALIDATE_ROWS,
    f"GET {_FILES}": VIEW_DATA,
    f"GET {_FILES}/{{attachment}}": VIEW_DATA,
    f"GET {_FILES}/{{attachment}}/{{size}}": VIEW_DATA,
    # Exports
    f"GET {_EXPORTS}": VIEW_DATA,
    f"POST {_EXPORTS}": VIEW_DATA,
    f"GET {_EXPORTS}/{{export}}": MAKER,
    f"DELETE {_EXPORTS}/{{export}}": MAKER,
    "GET /private-media/{username}/exports/{asset}/{result}": RESULT,
    f"GET {_EXPORT_SETTINGS}": VIEW_DATA,
    f"POST {_EXPORT_SETTINGS}": MANAGE,
    f"GET {_EXPORT_SETTINGS}/{{setting}}": VIEW_DATA,
    f"PATCH {_EXPORT_SETTINGS}/{{setting}}": MANAGE,
    f"DELETE {_EXPORT_SETTINGS}/{{setting}}": MANAGE,
    f"GET {_EXPORT_SETTINGS}/{{setting}}/data": VIEW_DATA,
    # Hooks
    f"GET {_HOOKS}": HOOKS,
    f"POST {_HOOKS}": HOOKS,
    f"GET {_HOOK}": HOOKS,
    f"PATCH {_HOOK}": HOOKS,
    f"PUT {_HOOK}": HOOKS,
    f"DELETE {_HOOK}": HOOKS,
    f"GET {_HOOK}/secret": HOOKS,
    f"POST {_HOOK}/secret": HOOKS,
    f"DELETE {_HOOK}/secret": HOOKS,
    f"GET {_HOOK}/stats": HOOKS,
    f"POST {_HOOKS}/preview": HOOKS,
    f"GET {_HOOK}/preview": HOOKS,
    f"POST {_HOOK}/preview": HOOKS,
    f"POST {_HOOK}/test": HOOKS,
    f"PATCH {_HOOK}/retry": HOOKS,
    f"POST {_HOOK}/replay": HOOKS,
    f"GET {_HOOK}/jobs": HOOKS,
    f"GET {_HOOK}/jobs/{{job}}": HOOKS,
    f"GET {_HOOK}/logs": HOOKS,
    f"GET {_HOOK}/logs/{{log}}": HOOKS,
    f"GET {_HOOK}/logs/{{log}}/attempts": HOOKS,
    f"PATCH {_HOOK}/logs/{{log}}/retry": HOOKS,
    # Form clients
    "POST /submission": SUBMIT,
    "POST /{username}/submission": SUBMIT_OPENLY,
    "POST /api/v1/submissions": SUBMIT,
    "HEAD /submission": SIGNED_IN,
    "HEAD /{username}/submission": ANYBODY,
    "HEAD /api/v1/submissions": SIGNED_IN,
    "GET /formList": SIGNED_IN,
    "GET /{username}/formList": ANYBODY,
    "GET /forms/{asset}/form.xml": GET_FORM,
    "GET /{username}/forms/{asset}/form.xml": GET_FORM_OPENLY,
    "GET /xformsManifest/{asset}": GET_FORM,
    "GET /{username}/xformsManifest/{asset}": GET_FORM_OPENLY,
    "GET /xformsMedia/{asset}/{name}": GET_FORM,
    "GET /{username}/xformsMedia/{asset}/{name}": GET_FORM_OPENLY,
}
