"""What SES tells of mails that were sent: an address to which they come back gets none until it is changed.

Events of a configuration set, as SES publishes them to SNS (SES developer guide, "event publishing").
"""

from __future__ import annotations

import json
from typing import Any

from formrelay import clock
from formrelay.log import logger
from formrelay.storage import accounts
from formrelay.storage.table import ConditionError
from formrelay.usernames import is_username

# Mails carry their reader's user name as a tag of this name.
OWNER_TAG = "owner"


def note(message: str) -> bool:
    """Marks the account whose address an event calls bad; whether it did. What is no such event changes nothing."""
    try:
        event = json.loads(message)
        reason = _reason(event)
        (username,), (address,) = event["mail"]["tags"][OWNER_TAG], event["mail"]["destination"]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        logger.warning("event of SES not understood")
        return False
    if reason is None or not isinstance(address, str) or not is_username(str(username)):
        logger.info("event of SES calls no address bad", extra={"event": str(event.get("eventType"))})
        return False
    try:
        accounts.mark_bad_address(username, address, reason, at=clock.now_ms())
    except ConditionError:
        logger.info("address was changed meanwhile", extra={"owner": username})
        return False
    logger.warning("address marked bad", extra={"owner": username, "reason": reason})
    return True


def _reason(event: dict[str, Any]) -> str | None:
    """Why the address is bad; None where it is not, as for a full mail box or somebody who is away."""
    kind = event["eventType"]
    if kind == "Bounce" and event["bounce"]["bounceType"] == "Permanent":
        return "bounce"
    if kind == "Complaint" and event["complaint"].get("complaintFeedbackType") != "not-spam":
        return "complaint"
    return None
