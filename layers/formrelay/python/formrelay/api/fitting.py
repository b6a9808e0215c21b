"""Answers that Lambda cannot carry: written to S3 for a day, and fetched from there (design §7)."""

from __future__ import annotations

from formrelay.api.http import MAX_BODY, Request, Response
from formrelay.storage import blobs


def fitted(request: Request, response: Response) -> Response:
    """The answer as it can be carried: compressed where the caller takes it, else a redirect to a signed URL."""
    packed = response.compressed(request)
    if len(packed.body) <= MAX_BODY or request.method == "HEAD":
        return packed
    key = blobs.answer_key()
    blobs.put(key, response.body, response.content_type)
    return Response(302, b"", {"Location": blobs.presigned(key, response.content_type, "inline")})
