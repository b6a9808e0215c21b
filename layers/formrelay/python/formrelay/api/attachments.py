"""``…/data/{id}/attachments/``: the files of a submission (contract data §9)."""

from __future__ import annotations

import re
from collections.abc import Mapping

from formrelay.api.about import SUBMISSIONS, About, Media, Query, Shape
from formrelay.api.data import find
from formrelay.api.http import MAX_BODY, Response, content_disposition
from formrelay.api.router import Context, Route
from formrelay.errors import detail, not_found
from formrelay.storage import blobs
from formrelay.storage.table import Item

_SIZES = ("original", "large", "medium", "small")
# What is safe to show in a browser; everything else is saved.
_SHOWN = re.compile(r"image/(jpeg|png|gif|webp)|audio/.*|video/.*")


def get_attachment(ctx: Context, asset: str, id: str, attachment: str, size: str = "original") -> Response:
    """The file; smaller pictures are the original as long as nothing here can scale them."""
    _, row = find(ctx, asset, id)
    for name, entry in row.item["files"].items():
        if entry["uid"] == attachment and size in _SIZES:
            return _file(asset, row.item, name, entry)
    raise not_found()


def find_attachment(ctx: Context, asset: str, id: str) -> Response:
    """The file that answers the question at ``?xpath=``."""
    _, row = find(ctx, asset, id)
    xpath = ctx.request.query.get("xpath")
    if not xpath:
        raise detail(400, "`xpath` query parameter is required")
    for name, entry in row.item["files"].items():
        if entry["xpath"] == xpath:
            return _file(asset, row.item, name, entry)
    raise detail(400, "The path could not be found in the submission")


def _file(asset: str, item: Item, name: str, entry: Item) -> Response:
    key = blobs.attachment_key(asset, item["root"], entry["uid"])
    disposition = _disposition(name, entry["type"])
    if entry["size"] > MAX_BODY:
        return Response(302, b"", {"Location": blobs.presigned(key, entry["type"], disposition)})
    headers = {
        "Content-Type": entry["type"],
        "Content-Disposition": disposition,
        "X-Content-Type-Options": "nosniff",
    }
    return Response(200, blobs.get(key), headers)


def _disposition(name: str, mimetype: str) -> str:
    return content_disposition(name, "inline" if _SHOWN.fullmatch(mimetype) else "attachment")


_FILES = "/api/v2/assets/{asset}/data/{id}/attachments"
_FILE: Mapping[int, Shape | None] = {200: Media("*/*"), 302: None}
ROUTES = [
    Route(
        "GET",
        _FILES,
        find_attachment,
        about=About(
            "Read the file that answers a question",
            SUBMISSIONS,
            _FILE,
            (Query("xpath", "Path of the question, such as `group/photo`."),),
            errors=(400,),
            public=True,
        ),
    ),
    Route(
        "GET",
        _FILES + "/{attachment}",
        get_attachment,
        about=About("Read a file of a submission", SUBMISSIONS, _FILE, errors=(400,), public=True),
    ),
    Route(
        "GET",
        _FILES + "/{attachment}/{size}",
        get_attachment,
        about=About(
            "Read a picture of a submission in a size", SUBMISSIONS, _FILE, errors=(400,), public=True
        ),
    ),
]
