"""``/_local/mail``: the mails that functions sent, as the emulator's SES keeps them."""

from __future__ import annotations

import asyncio
import json
import urllib.request
from datetime import UTC, datetime
from html import escape
from typing import Any
from urllib.parse import parse_qs

from infra.local.messages import Request, Response, text_response
from infra.local.pages import json_response, page

MAX_SHOWN = 1000


class Mailbox:
    """Shows the mails that the emulator at ``url`` has taken for delivery."""

    def __init__(self, url: str) -> None:
        self._url = f"{url}/_ministack/ses/messages"

    async def view(self, request: Request) -> Response:
        """GET: HTML, or with ``?format=json`` a list of ``{to, subject, text, html, sent_at}``, oldest first."""
        if request.method not in ("GET", "HEAD"):
            return text_response(405, "The mail box can only be read.\n")
        try:
            mails = await asyncio.to_thread(self._read)
        except (OSError, ValueError) as error:
            return text_response(502, f"The emulator's mails cannot be read: {error}\n")
        if parse_qs(request.query).get("format") == ["json"]:
            return json_response(mails)
        shown = [
            f"<h2>{escape(mail['subject'])} <small>to {escape(', '.join(mail['to']))}, "
            f"{escape(mail['sent_at'])}</small></h2><pre>{escape(mail['text'])}</pre>"
            f"<details><summary>HTML</summary>{_frame(mail['html'])}</details>"
            for mail in reversed(mails)
        ]
        return page(f"Mail box: {len(mails)} sent", "".join(shown) or "<p>No mail yet.</p>")

    def _read(self) -> list[dict[str, Any]]:
        with urllib.request.urlopen(self._url, timeout=10) as answer:  # noqa: S310 - loopback
            boxes = json.load(answer)["messages"]
        mails = [mail for box in boxes.values() for mail in box]
        mails.sort(key=lambda mail: float(mail["Timestamp"]))
        return [_mail(mail) for mail in mails[-MAX_SHOWN:]]


def _mail(record: dict[str, Any]) -> dict[str, Any]:
    return {
        "to": [*record["To"], *record["CC"], *record["BCC"]],
        "subject": record["Subject"] or "",
        "text": record["BodyText"] or "",
        "html": record["BodyHtml"] or "",
        "sent_at": datetime.fromtimestamp(float(record["Timestamp"]), UTC).isoformat(),
    }


def _frame(html: str) -> str:
    return f'<iframe sandbox style="width:100%;height:30rem" srcdoc="{escape(html)}"></iframe>'
