"""Sends a letter: lease, build, send, remove. A crash in between repeats it once at most; none is lost."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import NamedTuple

from formrelay import clock, mail, queues
from formrelay.bounces import OWNER_TAG
from formrelay.letters.texts import LETTERS
from formrelay.log import logger
from formrelay.reports.run import REFUSED, obstacle
from formrelay.reports.texts import texts_for
from formrelay.settings import settings
from formrelay.storage import accounts, letters
from formrelay.storage.table import ConditionError, Item


class _Reader(NamedTuple):
    """Whom a letter goes to; ``tags`` come back with what SES tells of it."""

    address: str
    language: object
    tags: Mapping[str, str]


def send_soon(letter: Item) -> None:
    """Asks for a letter that stands in the table to be sent; if that fails, recovery does."""
    try:
        queues.send_letter(letter["uid"])
    except Exception:
        logger.exception("letter left to recovery", extra={"letter": letter["uid"]})


def run(uid: str) -> bool:
    """Sends that letter. Whether it went out.

    Raises botocore's errors when SES or the table is away for now: the message comes again, and so does recovery.
    """
    now = clock.now_ms()
    try:
        letter = letters.take(uid, now=now, until=now + settings().lease * 1000)
    except ConditionError:
        return False
    reader = _reader(letter)
    sent = reader is not None and _send(letter, reader)
    letters.remove(uid)
    return sent


def _reader(letter: Item) -> _Reader | None:
    """None where nobody can be written to."""
    facts = {"letter": letter["uid"], "kind": letter["kind"]}
    if "address" in letter:
        if settings().mail_from:
            return _Reader(letter["address"], letter["language"], {})
        logger.warning("letter not mailed", extra=facts)
        return None
    account = accounts.get_account(letter["username"])
    reason = obstacle(account)
    if account is None or reason:
        logger.warning("letter not mailed", extra={**facts, "reason": reason})
        return None
    return _Reader(account["email"], account["details"].get("language"), {OWNER_TAG: account["username"]})


def _send(letter: Item, reader: _Reader) -> bool:
    texts = texts_for(reader.language)
    said = LETTERS[texts.language][letter["kind"]]
    body = [paragraph.format(**letter["facts"]) for paragraph in said.body]
    url = letter.get("link", "")
    text = "\n\n".join([*body, *([f"{said.link}:\n{url}"] if url else []), "formrelay"]) + "\n"
    try:
        mail.send(
            reader.address,
            said.subject,
            text,
            _html(body, said.link, url, texts.language, texts.direction),
            headers={},
            tags=reader.tags,
        )
    except mail.MailRejectedError as error:
        # Of an address that anybody may have given, a refusal says nothing about this deployment.
        if "address" in letter:
            logger.warning("letter refused", extra={"letter": letter["uid"], "reason": str(error)})
        else:
            logger.error(REFUSED, extra={"letter": letter["uid"], "reason": str(error)})
        return False
    logger.info("letter sent", extra={"letter": letter["uid"], "kind": letter["kind"]})
    return True


def _html(body: list[str], label: str, url: str, language: str, direction: str) -> str:
    paragraphs = "".join(f"<p>{escape(paragraph)}</p>" for paragraph in body)
    link = f'<p><a href="{escape(url)}">{escape(label)}</a></p>' if url else ""
    return (
        f'<!doctype html><html lang="{language}" dir="{direction}"><head><meta charset="utf-8"></head>'
        f"<body>{paragraphs}{link}<p>formrelay</p></body></html>"
    )
