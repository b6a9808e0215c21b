"""S3: files of submissions and forms, and bodies too big for an item. Keys cannot be guessed (uids are random)."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import Any
from urllib.parse import quote

from formrelay import ids
from formrelay.aws import s3
from formrelay.errors import UnavailableError
from formrelay.settings import settings

_MAX_DELETE = 1_000
# S3 takes no part of less than 5 MiB but the last one, and 10,000 parts.
_PART = 8 * 1024 * 1024
_PIECE = 1024 * 1024


# Pixels of the longer side of a smaller picture.
PICTURE_SIZES = {"large": 1280, "medium": 640, "small": 240}
_ATTACHMENTS = "attachments/"


def attachment_key(asset: str, root_uuid: str, attachment_uid: str) -> str:
    return f"{_ATTACHMENTS}{asset}/{quote(root_uuid, safe='')}/{attachment_uid}"


def picture_key(attachment: str, longest: int) -> str:
    """Where the picture at that key stands with its longer side of so many pixels; forgotten after some days."""
    return f"pictures/{attachment.removeprefix(_ATTACHMENTS)}/{longest}"


def picture_keys(objects: Sequence[str]) -> list[str]:
    """Where smaller pictures of any of these objects may stand."""
    files = [key for key in objects if key.startswith(_ATTACHMENTS)]
    return [picture_key(key, longest) for key in files for longest in PICTURE_SIZES.values()]


def form_file_key(asset: str, file_uid: str) -> str:
    return f"media/{asset}/{file_uid}"


def body_key(asset: str) -> str:
    """A fresh key for the bodies of one revision of a submission."""
    return f"bodies/{asset}/{ids.uid('b')}"


def answer_key() -> str:
    """A fresh key for an answer too big to return; the bucket forgets it after a day."""
    return f"tmp/{ids.uid('t')}"


def export_key(asset: str, uid: str) -> str:
    return f"exports/{asset}/{uid}"


def put(key: str, data: bytes, content_type: str = "application/octet-stream") -> None:
    """Stores one object."""
    s3().put_object(Bucket=settings().bucket, Key=key, Body=data, ContentType=content_type)


class Upload:
    """An object written in parts, numbered from 1, in any order; all but the last have at least 5 MiB.

    It exists once it is complete; the bucket forgets parts of those that never are.
    """

    def __init__(self, key: str, content_type: str) -> None:
        self.key = key
        where = {"Bucket": settings().bucket, "Key": key}
        made = s3().create_multipart_upload(**where, ContentType=content_type)  # type: ignore[arg-type]
        self._where: dict[str, Any] = {**where, "UploadId": made["UploadId"]}
        self._tags: dict[int, str] = {}

    def part(self, number: int, data: bytes) -> None:
        """Stores one part; a later one of the same number replaces it."""
        self._tags[number] = s3().upload_part(**self._where, PartNumber=number, Body=data)["ETag"]

    def complete(self) -> None:
        """Makes the object of its parts."""
        parts: list[Any] = [{"PartNumber": number, "ETag": tag} for number, tag in sorted(self._tags.items())]
        s3().complete_multipart_upload(**self._where, MultipartUpload={"Parts": parts})


def get(key: str) -> bytes:
    """One whole object; for those that formrelay itself keeps small enough to hold."""
    return s3().get_object(Bucket=settings().bucket, Key=key)["Body"].read()


def stretch(key: str, start: int, end: int) -> Iterator[bytes]:
    """The bytes of an object from ``start`` up to but not ``end``, in pieces; there is at least one."""
    found = s3().get_object(Bucket=settings().bucket, Key=key, Range=f"bytes={start}-{end - 1}")
    return found["Body"].iter_chunks(_PIECE)


def put_pieces(key: str, pieces: Iterable[bytes], content_type: str) -> int:
    """Stores one object of any length as it comes, which appears when it is whole; its length."""
    parts = _parts(pieces)
    first = next(parts, b"")
    second = next(parts, None)
    if second is None:
        put(key, first, content_type)
        return len(first)
    upload = Upload(key, content_type)
    length = 0
    for number, part in enumerate(chain((first, second), parts), 1):
        upload.part(number, part)
        length += len(part)
    upload.complete()
    return length


def _parts(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The pieces put together to parts of a size that multipart uploads take, the last one maybe shorter."""
    waiting: list[bytes] = []
    length = 0
    for piece in pieces:
        waiting.append(piece)
        length += len(piece)
        if length >= _PART:
            yield b"".join(waiting)
            waiting, length = [], 0
    if waiting:
        yield b"".join(waiting)


def delete(key: str) -> None:
    """Removes one object; nothing happens when it is not there."""
    s3().delete_object(Bucket=settings().bucket, Key=key)


def find(key: str) -> tuple[bytes, str] | None:
    """One whole object with its media type, or None where there is none."""
    client = s3()
    try:
        found = client.get_object(Bucket=settings().bucket, Key=key)
    except client.exceptions.ClientError as error:
        # S3 tells only those who may list a bucket that something is missing.
        if error.response["Error"]["Code"] in ("NoSuchKey", "AccessDenied"):
            return None
        raise
    return found["Body"].read(), found["ContentType"]


def copy(source: str, key: str) -> None:
    """Stores a copy of an object under another key, without reading it here."""
    bucket = settings().bucket
    s3().copy_object(Bucket=bucket, Key=key, CopySource={"Bucket": bucket, "Key": source})


def delete_many(found: Sequence[str]) -> None:
    """Removes objects, up to 1,000 a call; what is not there counts as removed. Raises UnavailableError."""
    for i in range(0, len(found), _MAX_DELETE):
        wanted: list[Any] = [{"Key": key} for key in found[i : i + _MAX_DELETE]]
        answer = s3().delete_objects(Bucket=settings().bucket, Delete={"Objects": wanted, "Quiet": True})
        if answer.get("Errors"):
            raise UnavailableError


def attached_bytes(asset: str, ends: float) -> int:
    """Bytes of all files that were submitted to a project; a call for each thousand of them.

    Raises TimeoutError when that is not done by ``ends`` (monotonic clock).
    """
    pages = s3().get_paginator("list_objects_v2")
    found = pages.paginate(Bucket=settings().bucket, Prefix=f"{_ATTACHMENTS}{asset}/")
    size = 0
    for page in found:
        size += sum(item["Size"] for item in page.get("Contents", []))
        if time.monotonic() > ends:
            raise TimeoutError
    return size


def prefixes(asset: str) -> list[str]:
    """What the keys of a project's objects begin with."""
    return [f"{kind}/{asset}/" for kind in ("attachments", "pictures", "media", "bodies", "exports")]


def delete_under(prefix: str) -> bool:
    """Removes up to a thousand objects whose keys begin like that. Whether that was all of them.

    Raises UnavailableError.
    """
    found = s3().list_objects_v2(Bucket=settings().bucket, Prefix=prefix)
    delete_many([item["Key"] for item in found.get("Contents", [])])
    return not found.get("IsTruncated")


def presigned(key: str, content_type: str, disposition: str, seconds: int = 300) -> str:
    """A URL that lets anybody fetch the object for a while, under the given headers."""
    return s3().generate_presigned_url(
        "get_object",
        Params={
            "Bucket": settings().bucket,
            "Key": key,
            "ResponseContentType": content_type,
            "ResponseContentDisposition": disposition,
        },
        ExpiresIn=seconds,
    )
