"""S3: files of submissions and forms, and bodies too big for an item. Keys cannot be guessed (uids are random)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from formrelay import ids
from formrelay.aws import s3
from formrelay.errors import UnavailableError
from formrelay.settings import settings

_MAX_DELETE = 1_000


def attachment_key(asset: str, root_uuid: str, attachment_uid: str) -> str:
    return f"attachments/{asset}/{quote(root_uuid, safe='')}/{attachment_uid}"


def picture_key(asset: str, root_uuid: str, attachment_uid: str, longest: int) -> str:
    """Where a picture of a submission stands with its longer side of so many pixels; forgotten after some days."""
    return f"pictures/{asset}/{quote(root_uuid, safe='')}/{attachment_uid}/{longest}"


def form_file_key(asset: str, file_uid: str) -> str:
    return f"media/{asset}/{file_uid}"


def body_key(asset: str) -> str:
    """A fresh key for the bodies of one revision of a submission."""
    return f"bodies/{asset}/{ids.uid('b')}"


def answer_key() -> str:
    """A fresh key for an answer too big to return; the bucket forgets it after a day."""
    return f"tmp/{ids.uid('t')}"


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
