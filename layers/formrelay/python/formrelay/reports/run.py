"""Mails an owner's failures: lease, collect, send, clear exactly what was sent (design §5).

A crash between sending and clearing repeats one mail; nothing that failed is ever left out.
"""

from __future__ import annotations

from formrelay import clock, mail, unsubscribe
from formrelay.bounces import OWNER_TAG
from formrelay.log import logger
from formrelay.reports.mail import build
from formrelay.settings import settings
from formrelay.storage import accounts, health, hooks, reports
from formrelay.storage.hooks import Standing
from formrelay.storage.table import ConditionError, Item

# The template counts log lines with this message for an alarm.
REFUSED = "failure report refused"


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
    sent = bool(lines) and _report(owner, lines, more)
    _finish(report, sent, more)
    return sent


def _report(owner: str, lines: list[Item], more: bool) -> bool:
    """Mails what its hooks still want mailed, and clears all of it. Whether a mail was sent.

    What is about a project that went to somebody else since is left to their mail.
    """
    failed = {(line["hook"], line.get("sid")) for line in lines}
    arrived = [mark for mark in reports.arrived(owner) if (mark["hook"], mark["sid"]) not in failed]
    standings = hooks.standings({(line["asset"], line["hook"]) for line in [*lines, *arrived]})
    own = {uid: found for uid, found in standings.items() if found.state["owner"] == owner}
    wanted = {uid: found for uid, found in own.items() if found.hook["email_notification"]}
    for line in lines:
        if line["hook"] in standings and line["hook"] not in own:
            reports.hand_over(line, owner, standings[line["hook"]].state["owner"], now=clock.now_ms())
    told = [line for line in lines if line["hook"] in wanted]
    news = [_named(mark, wanted[mark["hook"]], lines[0]) for mark in arrived if mark["hook"] in wanted]
    sent = bool(told) and _send(owner, told, news, wanted, more)
    for line in [*lines, *(arrived if sent else [])]:
        reports.clear(line)
    return sent


def _named(mark: Item, standing: Standing, line: Item) -> Item:
    """A mark of something that arrived, with what a line of the mail has."""
    names = {"asset_name": standing.state["name"], "hook_name": standing.hook["name"]}
    return {**mark, **names, "kind": "arrived", "base_url": line["base_url"]}


def _send(
    owner: str, lines: list[Item], arrived: list[Item], standings: dict[str, Standing], more: bool
) -> bool:
    """Whether the mail went out; False where none ever can, which is noted on the hooks it was about."""
    about = [standings[uid] for uid in sorted({line["hook"] for line in lines})]
    account = accounts.get_account(owner)
    reason = obstacle(account)
    if account is None or reason:
        logger.warning("failures not mailed", extra={"owner": owner, "reason": reason, "lines": len(lines)})
        _note(about, reason)
        return False
    stop_urls, headers = _ways_out(owner, lines)
    letter = build(
        owner,
        lines,
        more=more,
        arrived=arrived,
        language=account["details"].get("language"),
        stop_urls=stop_urls,
    )
    try:
        mail.send(
            account["email"],
            letter.subject,
            letter.text,
            letter.html,
            headers=headers,
            tags={OWNER_TAG: owner},
        )
    except mail.MailRejectedError as error:
        logger.error(REFUSED, extra={"owner": owner, "reason": str(error)})
        _note(about, f"The mail service refused the mail: {error}.")
        return False
    logger.info("failure report sent", extra={"owner": owner, "lines": len(lines)})
    _note([standing for standing in about if "report_error" in standing.health], None)
    return True


def obstacle(account: Item | None) -> str | None:
    """Why that account cannot be mailed, for people who look at its hooks; None where it can."""
    if not settings().mail_from:
        return "This deployment sends no mail."
    if account is None or not account["active"]:
        return "The owner's account is off."
    if not account["email"]:
        return "The owner's account has no e-mail address."
    bad = account.get("email_bad")
    if bad and bad["address"] == account["email"]:
        return f"Mails to the owner's e-mail address are stopped: {bad['reason']}."
    return None


def _note(about: list[Standing], reason: str | None) -> None:
    """Shows on these hooks why their failures were not mailed, or no longer."""
    now = clock.now_ms()
    for standing in about:
        health.note_report(standing.asset, standing.hook["uid"], reason, now=now)


def _ways_out(owner: str, lines: list[Item]) -> tuple[dict[str, str], dict[str, str]]:
    """The link that switches each hook's mails off, and the headers that let a mail client do so for all (RFC 8058)."""
    by_hook = {line["hook"]: line for line in lines}
    urls = {uid: _url(line, unsubscribe.hook_token(owner, uid)) for uid, line in by_hook.items()}
    url = next(iter(urls.values()))
    if len(by_hook) > 1:
        pairs = [(line["asset"], uid) for uid, line in by_hook.items()]
        url = _url(lines[0], unsubscribe.letter_token(owner, pairs))
    headers = {"List-Unsubscribe": f"<{url}>"}
    # One click is for https only.
    if url.startswith("https://"):
        headers["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    return urls, headers


def _url(line: Item, token: str) -> str:
    # Not in the path: that of every request stands in logs.
    return f"{line['base_url']}/unsubscribe/?token={token}"


def _finish(report: Item, sent: bool, more: bool) -> None:
    now = clock.now_ms()
    sent_at = now if sent else None
    again = now + settings().report_interval * 1000 if sent else now
    if more or not reports.finish(report, sent_at=sent_at, next_at=None):
        reports.finish(report, sent_at=sent_at, next_at=again)
