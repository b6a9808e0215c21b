"""The file of an export as an answer: its bytes while they fit, else a redirect to where they are (design §7)."""

from __future__ import annotations

from formrelay.api.http import MAX_BODY, Request, Response, content_disposition
from formrelay.errors import not_found
from formrelay.exports.options import CONTENT_TYPES, XLSX
from formrelay.storage import blobs
from formrelay.storage.table import Item

# Tables shrink to a tenth and less, so that text of this length still fits when it is compressed on its way.
_MAX_TEXT = 4 * MAX_BODY


def answer(request: Request, task: Item) -> Response:
    """The file of a task that is complete. The link of a redirect needs no credentials, for five minutes.

    Raises ApiError 404.
    """
    content_type = CONTENT_TYPES[task["kind"]]
    disposition = content_disposition(task["file"])
    room = _MAX_TEXT if task["kind"] != XLSX and request.takes_gzip else MAX_BODY
    if task["size"] > room:
        return Response(302, b"", {"Location": blobs.presigned(task["blob"], content_type, disposition)})
    headers = {"Content-Type": content_type, "Content-Disposition": disposition}
    found = blobs.find(task["blob"])
    if found is None:
        raise not_found()  # deleted at this moment
    return Response(200, found[0], headers)
