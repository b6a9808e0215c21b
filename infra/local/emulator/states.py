"""Saves what the emulator keeps beside items and objects: definitions, keys, queues, mails.

By itself it does so only when it is stopped in order, which ``kill -9`` is not.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from infra.local.messages import Request

# What the local stack uses; the emulator knows many more.
SERVICES = ("cloudformation", "dynamodb", "iam", "kms", "s3", "ses", "ses_v2", "sqs")

# Calls to KMS that change nothing worth saving.
_KMS_READS = (
    "Encrypt",
    "Decrypt",
    "ReEncrypt",
    "GenerateDataKey",
    "GenerateRandom",
    "Describe",
    "List",
    "Get",
)
# Calls to DynamoDB that change a table rather than its items.
_TABLE_CHANGES = ("CreateTable", "UpdateTable", "DeleteTable", "UpdateTimeToLive", "UpdateContinuousBackups")


class States:
    """Writes the state of services to ``folder``, one file each, in the emulator's own format."""

    def __init__(self, app: Any, persistence: Any, folder: Path) -> None:
        self._app = app
        self._persistence = persistence
        self._folder = folder

    def load(self) -> None:
        """Bring back what was saved."""
        self._app._load_persisted_state()

    def save(self, *services: str) -> None:
        """Save those services, or all. Raises OSError."""
        saved = self._app._build_persistence_save_dict()
        for name in services or SERVICES:
            state = saved[name]() if name in saved else None
            if state is not None:
                self._write(name, state)

    def _write(self, name: str, state: Any) -> None:
        document = {
            "__ministack_format__": self._persistence._state_format_version(name),
            "payload": state,
        }
        path = self._folder / f"{name}.json"
        part = path.with_suffix(".part")
        part.touch(mode=0o600)
        part.write_text(json.dumps(document, default=self._persistence._json_default))
        part.replace(path)


def touched(request: Request) -> tuple[str, ...]:
    """The services whose state a request may have changed and which must be saved before it is answered."""
    if request.method in ("GET", "HEAD"):
        return ()
    target = request.header("x-amz-target")
    if target.startswith("TrentService."):
        action = target.partition(".")[2]
        return () if action.startswith(_KMS_READS) else ("kms",)
    if target.startswith("DynamoDB_") and target.partition(".")[2] in _TABLE_CHANGES:
        return ("dynamodb",)
    if "/ses/aws4_request" in request.header("authorization"):
        return ("ses", "ses_v2")
    return ()
