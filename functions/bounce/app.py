"""Lambda handler: what SES tells of bounces and complaints, through SNS."""

from __future__ import annotations

from typing import Any

from formrelay import bounces


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """SNS records in; how many addresses were marked out. An exception makes SNS hand them over again."""
    return {"marked": sum(bounces.note(record["Sns"]["Message"]) for record in event["Records"])}
