"""Lambda handler: mails, failure reports of one owner or one letter a message."""

from __future__ import annotations

import json
from typing import Any

from formrelay.letters import run as letters
from formrelay.log import logger
from formrelay.reports import run as reports


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """SQS batch in, the messages to be seen again out."""
    failures = []
    for record in event["Records"]:
        try:
            message = json.loads(record["body"])
            if "letter" in message:
                letters.run(message["letter"])
            else:
                reports.run(message["owner"])
        except Exception:
            logger.exception("report failed", extra={"message_id": record["messageId"]})
            failures.append({"itemIdentifier": record["messageId"]})
    return {"batchItemFailures": failures}
