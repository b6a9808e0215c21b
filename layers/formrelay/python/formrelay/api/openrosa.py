"""Form list, forms, manifests and media for OpenRosa clients (contract submissions §9).

The ``pk`` in the paths is the asset uid; clients follow the links of the list.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from urllib.parse import quote

from formrelay import clock, permissions
from formrelay.api.http import Request, Response
from formrelay.auth import Caller, authenticate
from formrelay.aws import unavailable_for_now
from formrelay.errors import ApiError, UnavailableError, not_found, unauthenticated
from formrelay.log import logger
from formrelay.openrosa import replies
from formrelay.openrosa.replies import ListedForm, ListedMedia, Reply
from formrelay.storage import accounts, asset_batches, assets, blobs, form_files, listings
from formrelay.storage.assets import Project
from formrelay.storage.table import Item
from formrelay.usernames import ANONYMOUS, RESERVED

_SUFFIX = re.compile(r"\.[A-Za-z0-9]{1,10}\Z")
_Handler = Callable[[Request, Caller | None, str | None, str], Reply]


def is_openrosa(path: str) -> bool:
    """Whether the (clean) path is one of these."""
    return _split(path) is not None


def answer(request: Request) -> Response:
    """The answer to a request on one of these paths; never raises for what the client did."""
    now = clock.now_ms()
    try:
        with unavailable_for_now():
            reply = _dispatch(request)
    except ApiError as error:
        reply = replies.detail(error.status, str(error.body["detail"]), now)
        reply.headers.update(error.headers)
    except UnavailableError as error:
        reply = replies.detail(503, "Temporarily unavailable", now)
        reply.headers["Retry-After"] = str(error.retry_after)
    except Exception:
        logger.exception("request failed", extra={"method": request.method, "path": request.path})
        reply = replies.detail(500, "Internal server error.", now)
    return Response(reply.status, reply.body, reply.headers)


def _dispatch(request: Request) -> Reply:
    found = _split(request.path)
    if found is None:
        raise not_found()
    if request.method not in ("GET", "HEAD"):
        raise ApiError(405, {"detail": f'Method "{request.method}" not allowed.'}, {"Allow": "GET, HEAD"})
    user, handler, rest = found
    caller = authenticate(request.headers, request.address)
    if user is None and caller is None:
        raise unauthenticated()
    return handler(request, caller, user, rest)


def _split(path: str) -> tuple[str | None, _Handler, str] | None:
    """``(username or None, handler, rest of the path)``; the name as accounts have it, whatever its case here."""
    parts = path.strip("/").split("/")
    for user, tail in ((None, parts), (parts[0].lower(), parts[1:])):
        if user in RESERVED:
            continue
        handler = _HANDLERS.get(tail[0]) if tail else None
        if handler and len(tail) == _LENGTHS[tail[0]]:
            return user, handler, "/".join(tail[1:])
    return None


def _form_list(request: Request, caller: Caller | None, user: str | None, _rest: str) -> Reply:
    wanted = request.query.get("formID")
    rows = [row for row in _rows(caller, user) if wanted in (None, row["uid"])]
    base = _base(request, user)
    listed = [
        ListedForm(
            form_id=row["uid"],
            name=row["name"],
            version=row["form_version"],
            md5=row["form_md5"],
            download_url=f"{base}/forms/{row['uid']}/form.xml",
            manifest_url=f"{base}/xformsManifest/{row['uid']}",
        )
        for row in rows
    ]
    return replies.form_list(listed, clock.now_ms())


def _rows(caller: Caller | None, user: str | None) -> Iterator[Item]:
    """Deployed, active forms that the caller (on the user's path: anybody) may submit to."""
    if user is not None and not _is_active(user):
        return
    username = user or (caller.username if caller else "")
    deployed = [row for row in listings.of_user(username) if row["status"] == "deployed"]
    inactive = accounts.inactive({row["owner"] for row in deployed} - {username})
    doubtful = [row["uid"] for row in deployed if user is not None or row["owner"] != username]
    projects = asset_batches.projects(doubtful, [username, ANONYMOUS], with_info=False)
    for row in deployed:
        project = projects.get(row["uid"])
        own = user is None and row["owner"] == username
        if row["owner"] not in inactive and (own or (project and _is_listed(project, caller, user))):
            yield row


def _is_active(username: str) -> bool:
    account = accounts.get_account(username)
    return account is not None and bool(account["active"])


def _is_listed(project: Project, caller: Caller | None, user: str | None) -> bool:
    """On the user's path: open to all, and theirs to manage."""
    if user is None:
        return permissions.allowed(caller, project, permissions.ADD)
    managed = project.owner == user or permissions.granted(user, project, permissions.MANAGE_ASSET)
    return managed and permissions.allowed(None, project, permissions.ADD)


def _form(_request: Request, caller: Caller | None, user: str | None, rest: str) -> Reply:
    asset, _, name = rest.partition("/")
    # The suffix of "form.xml" was taken for a format and cut off.
    project = _readable(caller, user, asset if name == "form" else "")
    xml = assets.xform(project.uid, project.state["deployed_version"])
    if xml is None:
        raise not_found()
    return replies.form_xml(xml.encode(), clock.now_ms())


def _manifest(request: Request, caller: Caller | None, user: str | None, rest: str) -> Reply:
    project = _readable(caller, user, rest)
    base = f"{_base(request, user)}/xformsMedia/{project.uid}"
    media = [
        ListedMedia(file["filename"], file["md5"], f"{base}/{file['uid']}{_suffix(file['filename'])}")
        for file in form_files.deployed(project.uid)
    ]
    return replies.manifest(media, clock.now_ms())


def _suffix(filename: str) -> str:
    """``.csv``, where a name ends like that."""
    found = _SUFFIX.search(filename)
    return found[0] if found else ""


def _media(_request: Request, caller: Caller | None, user: str | None, rest: str) -> Reply:
    asset, _, name = rest.partition("/")
    project = _readable(caller, user, asset)
    uid = name.partition(".")[0]
    file = next((file for file in form_files.deployed(project.uid) if file["uid"] == uid), None)
    if file is None:
        raise not_found()
    headers = replies.openrosa_headers(clock.now_ms())
    if "url" in file:
        return Reply(302, {"Location": file["url"], **headers}, b"")
    headers = {"Content-Type": file["mimetype"], **headers}
    return Reply(200, headers, blobs.get(blobs.form_file_key(project.uid, uid)))


def _readable(caller: Caller | None, user: str | None, asset: str) -> Project:
    """The form, if the list would have named it to this caller. Raises 404."""
    project = assets.project(asset)
    if (
        project is None
        or not project.is_deployed
        or not permissions.allowed(None if user else caller, project, permissions.ADD)
    ):
        raise not_found()
    return project


def _base(request: Request, user: str | None) -> str:
    return request.base_url + (f"/{quote(user)}" if user else "")


_HANDLERS: dict[str, _Handler] = {
    "formList": _form_list,
    "forms": _form,
    "xformsManifest": _manifest,
    "xformsMedia": _media,
}
# How many segments a path has, from the name above on.
_LENGTHS = {"formList": 1, "forms": 3, "xformsManifest": 2, "xformsMedia": 3}
