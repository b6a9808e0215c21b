"""Credentials at rest: sealed by KMS, bound to the object they belong to.

A secret of up to :data:`MAX_SECRET` bytes is cut into pieces that KMS encrypts directly, with the owner's
uid as encryption context: a sealed value copied to another object does not open there.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict

from formrelay.aws import kms
from formrelay.settings import settings

# KMS encrypts at most 4,096 bytes in one call.
_PIECE = 4_000
MAX_SECRET = 16_000
_CACHE_SIZE = 512
# What KMS says to bytes that it did not make or that were damaged, that another key made, perhaps one of somebody
# else; and of a key that is off, about to be deleted, or gone.
_LOST = frozenset(
    {
        *("InvalidCiphertextException", "IncorrectKeyException", "AccessDeniedException"),
        *("DisabledException", "KMSInvalidStateException", "NotFoundException"),
    }
)
_opened: OrderedDict[bytes, str] = OrderedDict()


class NotSealedError(ValueError):
    """This is nothing that was sealed here for that owner, or its key is lost: asking again does not help."""


def seal(secret: str, owner_uid: str) -> list[bytes]:
    """The secret, sealed for that object. Raises ValueError when it is longer than MAX_SECRET bytes."""
    data = secret.encode()
    if len(data) > MAX_SECRET:
        raise ValueError(f"a secret has at most {MAX_SECRET} bytes")
    return [_encrypt(data[i : i + _PIECE], owner_uid) for i in range(0, max(len(data), 1), _PIECE)]


def unseal(sealed: list[bytes], owner_uid: str) -> str:
    """The secret again; remembered by the hash of what was sealed, so KMS is asked once per process.

    Raises NotSealedError for what :func:`seal` did not make for that owner, and where the key is lost.
    """
    digest = hashlib.sha256(b"\0".join([owner_uid.encode(), *sealed])).digest()
    known = _opened.get(digest)
    if known is not None:
        return known
    secret = b"".join(_decrypt(piece, owner_uid) for piece in sealed).decode()
    _opened[digest] = secret
    while len(_opened) > _CACHE_SIZE:
        _opened.popitem(last=False)
    return secret


def _encrypt(piece: bytes, owner_uid: str) -> bytes:
    # KMS refuses an empty plaintext; a leading byte keeps "" sealable.
    answer = kms().encrypt(
        KeyId=settings().kms_key, Plaintext=b"\x01" + piece, EncryptionContext={"uid": owner_uid}
    )
    return answer["CiphertextBlob"]


def _decrypt(piece: bytes, owner_uid: str) -> bytes:
    client = kms()
    try:
        answer = client.decrypt(
            KeyId=settings().kms_key, CiphertextBlob=piece, EncryptionContext={"uid": owner_uid}
        )
    except client.exceptions.ClientError as error:
        if error.response["Error"]["Code"] in _LOST:
            raise NotSealedError from error
        raise
    return answer["Plaintext"][1:]
