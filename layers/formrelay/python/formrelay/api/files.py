"""``…/files/``: media files of a form (contract assets §10). Devices get them with the next deployment."""

from __future__ import annotations

import hashlib
from typing import Any, NamedTuple

from formrelay import clock, history, ids, permissions
from formrelay.api import asset_shapes, fields, paging
from formrelay.api.about import PAGING, PROJECTS, About, Body, Media, Page, Query
from formrelay.api.assets import load
from formrelay.api.http import MAX_BODY, Response, content_disposition, json_response, no_content
from formrelay.api.router import Context, Route
from formrelay.errors import ApiError, UnavailableError, detail, invalid, not_found
from formrelay.forms import media
from formrelay.openrosa.multipart import Part
from formrelay.storage import blobs, form_files
from formrelay.storage.assets import Project
from formrelay.storage.table import Item, TransactionError

MAX_FILES = 500
_TRIES = 5
_TWO_WAYS = (
    "You cannot upload media file with two different ways at the same time. "
    "Please choose between binary upload, base64 or remote URL."
)
_KINDS = f"Only {', '.join(f'`{kind}`' for kind in media.ALLOWED)} MIME types are allowed"


class _Source(NamedTuple):
    """What was sent, and the field it was sent in; ``data`` is None for a file that lies elsewhere, at ``url``."""

    field: str
    filename: str
    data: bytes | None
    url: str | None = None


def list_files(ctx: Context, asset: str) -> Response:
    load(ctx, asset)
    wanted = ctx.request.query.get("file_type", asset_shapes.FORM_MEDIA)
    files = form_files.read(asset).files if wanted == asset_shapes.FORM_MEDIA else []
    start, limit, shown = paging.page(ctx.request, files)
    results = [asset_shapes.file_item(ctx, asset, file) for file in shown]
    return json_response(paging.envelope(ctx.request, len(files), results, start, limit))


def create_file(ctx: Context, asset: str) -> Response:
    """Stores the bytes, then the file that names them: whoever dies in between leaves bytes that nobody reads."""
    project = load(ctx, asset, permissions.CHANGE_ASSET)
    data = ctx.request.data()
    fields.choice(data, "file_type", (asset_shapes.FORM_MEDIA,))
    source = _source(data)
    file = _file(ctx, source, fields.text(data, "description") or "")
    key = blobs.form_file_key(asset, file["uid"])
    if source.data is not None:
        blobs.put(key, source.data, file["mimetype"])
    try:
        _add(asset, file, source.field, _told(ctx, project, "add-media", file))
    except ApiError:
        blobs.delete(key)
        raise
    shown = asset_shapes.file_item(ctx, asset, file)
    return json_response(shown, 201, {"Location": shown["url"]})


def _source(data: dict[str, Any]) -> _Source:
    """The one file in a request. Raises ApiError 400."""
    metadata = fields.json_object(data, "metadata") or {}
    content, encoded, url = data.get("content"), data.get("base64Encoded"), metadata.get("redirect_url")
    ways = [way for way in (content, encoded, url) if way]
    if len(ways) > 1:
        raise detail(400, _TWO_WAYS)
    given = metadata.get("filename")
    name = given if isinstance(given, str) else ""
    if isinstance(content, Part):
        return _Source("content", _named(content.filename or "", name), content.data)
    if isinstance(encoded, str) and encoded:
        try:
            return _Source("base64Encoded", _named(name), fields.base64_bytes(encoded))
        except ValueError:
            raise invalid("base64Encoded", "Invalid content") from None
    if url:
        if not isinstance(url, str) or not media.is_url(url):
            raise ApiError(400, {"metadata": "`redirect_url` is invalid"})
        return _Source("metadata", _named(name, _path(url)), None, url)
    raise invalid("content", "No files have been submitted")


def _named(*names: str) -> str:
    """The first of the names that a file can have. Raises ApiError 400."""
    found = next((usable for name in names if (usable := media.base_name(name))), None)
    if found is None:
        too_long = f"`filename` is no name of a file, or longer than {media.MAX_NAME} bytes"
        raise ApiError(400, {"metadata": too_long if any(names) else "`filename` is required"})
    return found


def _path(url: str) -> str:
    """What an address has behind its host."""
    return url.partition("://")[2].partition("#")[0].partition("?")[0].partition("/")[2]


def _file(ctx: Context, source: _Source, description: str) -> Item:
    """The file as it is stored. Raises ApiError 400 or 413."""
    mimetype = media.mimetype_of(source.filename)
    if not media.is_allowed(mimetype):
        raise invalid(source.field, _KINDS)
    if source.data is not None and not source.data:
        raise invalid(source.field, "The submitted file is empty.")
    if source.data and len(source.data) > MAX_BODY:
        raise detail(413, f"A media file has at most {MAX_BODY} bytes.")
    read = (source.url or "").encode() if source.data is None else source.data
    place = {"url": source.url} if source.data is None else {"size": len(source.data)}
    return {
        "uid": ids.uid("af"),
        "filename": source.filename,
        "mimetype": mimetype,
        "md5": hashlib.md5(read, usedforsecurity=False).hexdigest(),
        "description": description,
        "by": ctx.user.username,
        "created": clock.now_ms(),
        **place,
    }


def _told(ctx: Context, project: Project, action: str, file: Item) -> Item:
    """What the project's activity tells of it."""
    return history.file_op(
        history.who(ctx.caller),
        project,
        action,
        uid=file["uid"],
        filename=file["filename"],
        md5=file["md5"],
        download_url=f"{ctx.api}/assets/{project.uid}/files/{file['uid']}/content/",
    )


def _add(asset: str, file: Item, field: str, told: Item) -> None:
    """Writes the file and ``told``, unless its name is taken at that moment. Raises ApiError 400, 404, or 503."""
    for _ in range(_TRIES):
        now = form_files.read(asset)
        if any(known["filename"] == file["filename"] for known in now.files):
            raise invalid(field, "File already exists")
        if len(now.files) >= MAX_FILES:
            raise invalid(field, f"A project has at most {MAX_FILES} media files.")
        try:
            form_files.add(asset, file, now.revision, [told])
        except TransactionError as error:
            if error.reasons[1] is not None:
                raise not_found() from None
            continue
        return
    raise UnavailableError(1)


def get_file(ctx: Context, asset: str, file: str) -> Response:
    return json_response(asset_shapes.file_item(ctx, asset, _found(ctx, asset, file)))


def _found(ctx: Context, asset: str, uid: str) -> Item:
    load(ctx, asset)
    found = form_files.get(asset, uid)
    if found is None:
        raise not_found()
    return found


def delete_file(ctx: Context, asset: str, file: str) -> Response:
    project = load(ctx, asset, permissions.CHANGE_ASSET)
    found = form_files.get(asset, file)
    if found is None:
        raise not_found()
    try:
        form_files.remove(asset, file, [_told(ctx, project, "delete-media", found)])
    except TransactionError:
        raise not_found() from None
    return no_content()


def get_content(ctx: Context, asset: str, file: str) -> Response:
    """The bytes, or the way to them."""
    found = _found(ctx, asset, file)
    if "url" in found:
        return Response(302, b"", {"Location": found["url"]})
    headers = {
        "Content-Type": found["mimetype"],
        "Content-Disposition": content_disposition(found["filename"]),
    }
    return Response(200, blobs.get(blobs.form_file_key(asset, file)), headers)


_FILES = "/api/v2/assets/{asset}/files"
_PLACES = {"base64Encoded": "data:text/csv;base64,bmFtZQ==", "metadata": {"filename": "places.csv"}}
ROUTES = [
    Route(
        "GET",
        _FILES,
        list_files,
        about=About(
            "List the media files of a form",
            PROJECTS,
            {200: Page("MediaFile")},
            (*PAGING, Query("file_type", "Only files of this type; there is `form_media` alone.")),
            public=True,
        ),
    ),
    Route(
        "POST",
        _FILES,
        create_file,
        about=About(
            "Add a media file",
            PROJECTS,
            {201: "MediaFile"},
            body=Body("NewMediaFile", _PLACES, required=True, parts="NewMediaFileWithContent"),
            errors=(403, 413),
            text="One of `content` (a part of a form), `base64Encoded` and `metadata.redirect_url`.",
        ),
    ),
    Route(
        "GET",
        _FILES + "/{file}",
        get_file,
        about=About("Read a media file's facts", PROJECTS, {200: "MediaFile"}, public=True),
    ),
    Route(
        "DELETE",
        _FILES + "/{file}",
        delete_file,
        about=About("Delete a media file", PROJECTS, {204: None}, errors=(403,)),
    ),
    Route(
        "GET",
        _FILES + "/{file}/content",
        get_content,
        about=About(
            "Download a media file, or be sent to where it lies",
            PROJECTS,
            {200: Media("*/*"), 302: None},
            public=True,
        ),
    ),
]
