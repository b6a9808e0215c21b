"""Answers that Lambda cannot carry: written to S3 for a day, and fetched from there (design §7)."""

from __future__ import annotations

from formrelay.api.http import MAX_BODY, Request, Response, json_response
from formrelay.storage import blobs

# A longer answer goes to S3 while it is being made; compressed, one of that length often still fits.
HELD = 32 * 1024 * 1024
# Of an upload to S3, where all parts but the last have at least 5 MiB; so has what is held beyond the first one.
_PART = 8 * 1024 * 1024
_INLINE = "inline"


def fitted(request: Request, response: Response) -> Response:
    """The answer as it can be carried: compressed where the caller takes it, else a redirect to a signed URL.

    Pages in a browser may not follow one to the bucket: for ``?redirect=false``, JSON that says where it leads.
    """
    carried = _carried(request, response)
    if carried.status == 302 and request.query.get("redirect") == "false":
        return json_response({"url": carried.headers["Location"]})
    return carried


def _carried(request: Request, response: Response) -> Response:
    packed = response.compressed(request)
    if len(packed.body) <= MAX_BODY or request.method == "HEAD":
        return packed
    key = blobs.answer_key()
    blobs.put(key, response.body, response.content_type)
    return _elsewhere(key, response.content_type, response.headers.get("Content-Disposition", _INLINE))


def _elsewhere(key: str, content_type: str, disposition: str) -> Response:
    return Response(302, b"", {"Location": blobs.presigned(key, content_type, disposition)})


class Spool:
    """An answer that is made piece by piece, of any length, while no more than :data:`HELD` of it is held.

    Its head comes last, as it tells how much there was: parts of an upload may come in any order.
    """

    def __init__(self, request: Request, content_type: str) -> None:
        self._request, self._content_type = request, content_type
        self._pieces: list[bytes] = []
        self._size = 0
        self._first = b""
        self._upload: blobs.Upload | None = None
        self._parts = 1

    def write(self, piece: bytes) -> None:
        """One more piece between head and tail."""
        if self._request.method == "HEAD":
            return
        self._pieces.append(piece)
        self._size += len(piece)
        if self._size > (_PART if self._upload else HELD):
            self._send(self._taken())

    def _taken(self) -> bytes:
        held = b"".join(self._pieces)
        self._pieces, self._size = [], 0
        return held

    def _send(self, data: bytes) -> None:
        """Uploads what is held; of the very first, the beginning waits for the head."""
        if self._upload is None:
            self._upload = blobs.Upload(blobs.answer_key(), self._content_type)
            self._first, data = data[:_PART], data[_PART:]
        self._parts += 1
        self._upload.part(self._parts, data)

    def answer(self, head: bytes, tail: bytes) -> Response:
        """The whole answer; a redirect to where it stands when it was too long to hold."""
        self._pieces.append(tail)
        if self._upload is None:
            body = b"".join([head, *self._pieces])
            return Response(200, body, {"Content-Type": self._content_type})
        self._send(self._taken())
        self._upload.part(1, head + self._first)
        self._upload.complete()
        return _elsewhere(self._upload.key, self._content_type, _INLINE)
