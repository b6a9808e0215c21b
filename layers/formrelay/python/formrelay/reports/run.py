"""Mails an owner's failures: lease, collect, send, clear exactly what was sent (design §5).

A crash between sending and clearing repeats one mail; nothing that failed is ever left out.
"""

from __future__ import annotations

from formrelay import clock, mail
from formrelay.log import logger
from formrelay.reports.mail import build
from formrelay.settings import settings
from formrelay.storage import accounts, reports
from formrelay.storage.table import ConditionError, Item


def run(owner: str) -> bool:
    """Sends what is to be reported to that owner, at most one mail an interval. Whether a mail was sent.

    Raises botocore's errors when SES or the table is away for now: the message comes again, and so does recovery.
    """
    now = clock.now_ms()
    try:
        report = reports.lease(owner, now=now, until=now + settings().lease * 1000)
    except ConditionError:
        return False
    free_at = report.get("sent_at", 0) + settings().report_interval * 1000
    if free_at > now:
        reports.finish(report, sent_at=None, next_at=free_at)
        return False
    lines, more = reports.lines(owner)
    sent = bool(lines) and _send(owner, lines, more)
    for line in lines:
        reports.clear(line)
    _finish(report, sent, more)
    return sent


def _send(owner: str, lines: list[Item], more: bool) -> bool:
    """Whether the mail went out; False where none ever can, which is logged for an alarm."""
    account = accounts.get_account(owner)
    if not account or not account["active"] or not account["email"] or not settings().mail_from:
        logger.warning("failures not mailed: no address", extra={"owner": owner, "lines": len(lines)})
        return False
    letter = build(owner, lines, more=more)
    try:
        mail.send(account["email"], letter.subject, letter.text, letter.html)
    except mail.MailRejectedError as error:
        logger.error("failure report refused", extra={"owner": owner, "reason": str(error)})
        return False
    logger.info("failure report sent", extra={"owner": owner, "lines": len(lines)})
    return True


def _finish(report: Item, sent: bool, more: bool) -> None:
    now = clock.now_ms()
    sent_at = now if sent else None
    again = now + settings().report_interval * 1000 if sent else now
    if more or not reports.finish(report, sent_at=sent_at, next_at=None):
        reports.finish(report, sent_at=sent_at, next_at=again)
