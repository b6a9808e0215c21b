"""``…/data/{id}/attachments/``: the files of a submission (contract data §9)."""

from __future__ import annotations

import re
from collections.abc import Mapping

from formrelay import functions
from formrelay.api.about import REDIRECT, SUBMISSIONS, About, Media, Query, Shape
from formrelay.api.data import find
from formrelay.api.http import MAX_BODY, Response, content_disposition
from formrelay.api.router import Context, Route
from formrelay.errors import UnavailableError, detail, not_found
from formrelay.log import logger
from formrelay.storage import blobs
from formrelay.storage.table import Item

_SIZES: dict[str, int | None] = {"original": None, **blobs.PICTURE_SIZES}
# What is safe to show in a browser; everything else is saved.
_SHOWN = re.compile(r"image/(jpeg|png|gif|webp)|audio/.*|video/.*")
_SHRINKABLE = re.compile(r"image/(jpeg|jpg|png|gif|webp)")
_STEP = re.compile(r"([^\W\d][\w.-]*)(?:\[([1-9][0-9]{0,8})\])?")
_MP3 = "audio/mpeg"


def get_attachment(ctx: Context, asset: str, id: str, attachment: str, size: str = "original") -> Response:
    """The file; of a picture, a smaller one where that can be made."""
    _, row = find(ctx, asset, id)
    for name, entry in row.item["files"].items():
        if entry["uid"] == attachment and size in _SIZES:
            return _file(ctx, asset, row.item, name, entry, _SIZES[size])
    raise not_found()


def find_attachment(ctx: Context, asset: str, id: str) -> Response:
    """The file that answers the question at ``?xpath=``; without an index, in the first of several that have one."""
    _, row = find(ctx, asset, id)
    xpath = ctx.request.query.get("xpath")
    if not xpath:
        raise detail(400, "`xpath` query parameter is required")
    path = _pattern(xpath)
    for name, entry in sorted(row.item["files"].items(), key=lambda file: (file[1]["at"], file[0])):
        if path.fullmatch(entry["xpath"]):
            return _file(ctx, asset, row.item, name, entry, None)
    raise detail(400, "The path could not be found in the submission")


def _pattern(xpath: str) -> re.Pattern[str]:
    """Matches the stored paths, which have indexes in repeats only, that an XPath means. Raises ApiError 400."""
    steps = []
    for step in xpath.strip().strip("/").split("/"):
        match = _STEP.fullmatch(step)
        if match is None:
            raise detail(400, "Invalid XPath syntax")
        name, index = match.groups()
        number = r"(\[[0-9]+\])?" if index is None else rf"\[{index}\]"
        steps.append(re.escape(name) + (f"({number})?" if index == "1" else number))
    return re.compile("/".join(steps))


def _file(ctx: Context, asset: str, item: Item, name: str, entry: Item, longest: int | None) -> Response:
    """The file as it is shown: as it came, or with its longer side of so many pixels. Raises ApiError 400."""
    kind = entry["type"]
    if ctx.request.format == "mp3" and kind != _MP3:
        raise detail(400, f"Conversion is not supported for {kind}")
    if longest and _SHRINKABLE.fullmatch(kind):
        small = _smaller(asset, item, entry, longest)
        if small:
            return _bytes(name, *small)
    key = blobs.attachment_key(asset, item["root"], entry["uid"])
    if entry["size"] > MAX_BODY:
        return Response(302, b"", {"Location": blobs.presigned(key, kind, _disposition(name, kind))})
    return _bytes(name, blobs.get(key), kind)


def _smaller(asset: str, item: Item, entry: Item, longest: int) -> tuple[bytes, str] | None:
    """A smaller picture and its media type, made on first demand; None where there is none that can be answered."""
    source = blobs.attachment_key(asset, item["root"], entry["uid"])
    key = blobs.picture_key(source, longest)
    found = blobs.find(key)
    if found is None:
        try:
            functions.shrink_image(source, key, longest)
        except UnavailableError:
            logger.warning("picture not made smaller", extra={"attachment": entry["uid"]})
            return None
        found = blobs.find(key)
    return found if found and 0 < len(found[0]) <= MAX_BODY else None


def _bytes(name: str, data: bytes, kind: str) -> Response:
    return Response(200, data, {"Content-Type": kind, "Content-Disposition": _disposition(name, kind)})


def _disposition(name: str, mimetype: str) -> str:
    return content_disposition(name, "inline" if _SHOWN.fullmatch(mimetype) else "attachment")


# The contract's name of a conversion, which is told to be impossible.
_FORMATS = ("json", "mp3")
_FILES = "/api/v2/assets/{asset}/data/{id}/attachments"
_FILE: Mapping[int, Shape | tuple[Shape, ...] | None] = {200: (Media("*/*"), "Place"), 302: None}
ROUTES = [
    Route(
        "GET",
        _FILES,
        find_attachment,
        formats=_FORMATS,
        about=About(
            "Read the file that answers a question",
            SUBMISSIONS,
            _FILE,
            (Query("xpath", "Path of the question, such as `group/photo`."), REDIRECT),
            errors=(400,),
            public=True,
        ),
    ),
    Route(
        "GET",
        _FILES + "/{attachment}",
        get_attachment,
        formats=_FORMATS,
        about=About(
            "Read a file of a submission", SUBMISSIONS, _FILE, (REDIRECT,), errors=(400,), public=True
        ),
    ),
    Route(
        "GET",
        _FILES + "/{attachment}/{size}",
        get_attachment,
        formats=_FORMATS,
        about=About(
            "Read a picture of a submission in a size",
            SUBMISSIONS,
            _FILE,
            (REDIRECT,),
            errors=(400,),
            public=True,
        ),
    ),
]
