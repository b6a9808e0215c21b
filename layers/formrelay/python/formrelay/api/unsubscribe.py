"""``/unsubscribe/?token=…``: the page behind the links of failure mails, for whoever has the mail.

Asking for the page changes nothing: programs that look for viruses follow links. Its button does, and so do mail
clients that post to the link of their own accord (RFC 8058).
"""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

from formrelay import history, unsubscribe
from formrelay.api.about import SERVICE, About, Media, Query, Shape
from formrelay.api.http import Response
from formrelay.api.router import Context, Route
from formrelay.auth import Caller
from formrelay.reports.texts import Texts, texts_for
from formrelay.storage import accounts
from formrelay.storage.hooks import Standing

_HEADERS = {
    "Content-Type": "text/html; charset=utf-8",
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    ),
    # The link is a credential, small as it is.
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex",
}
_STYLE = (
    ":root{color-scheme:light dark}body{font:16px/1.5 system-ui,sans-serif;max-width:34rem;margin:4rem auto;"
    "padding:0 1rem}button{font:inherit;padding:.5rem 1.25rem;cursor:pointer}"
)


def ask(ctx: Context) -> Response:
    """The page that says what its button will switch off."""
    return _answer(ctx, act=False)


def act(ctx: Context) -> Response:
    """Switches off what the token stands for."""
    return _answer(ctx, act=True)


def _answer(ctx: Context, *, act: bool) -> Response:
    try:
        owner, standings = unsubscribe.opened(ctx.request.query.get("token", ""))
    except unsubscribe.InvalidTokenError:
        texts = texts_for(None)
        return _page(texts, f"<p>{escape(texts.page_invalid)}</p>", 404)
    account = accounts.get_account(owner) or {}
    texts = texts_for(account.get("details", {}).get("language"))
    named = "".join(_item(standing) for standing in standings)
    if not act:
        button = f'<form method="post"><button>{escape(texts.page_button)}</button></form>'
        return _page(texts, f"<p>{escape(texts.page_question)}</p><ul>{named}</ul>{button}")
    # Whoever has the link has it from the owner's mailbox.
    by = Caller(owner, account.get("uid", ""), address=ctx.request.address, agent=_agent(ctx))
    for standing in standings:
        unsubscribe.switch_off(standing, history.who(by))
    again = f"<p>{escape(texts.page_again)}</p>"
    return _page(texts, f"<p>{escape(texts.page_done)}</p><ul>{named}</ul>{again}")


def _agent(ctx: Context) -> str:
    return ctx.request.headers.get("user-agent", "")


def _item(standing: Standing) -> str:
    names = (standing.state["name"], standing.hook["name"])
    return "<li>" + " · ".join(f'<span dir="auto">{escape(name)}</span>' for name in names) + "</li>"


def _page(texts: Texts, body: str, status: int = 200) -> Response:
    return html_page(texts, texts.page_title, body, status)


def html_page(texts: Texts, heading: str, body: str, status: int = 200) -> Response:
    """A page behind the link of a mail; ``body`` is HTML, ``heading`` text."""
    title = escape(heading)
    text = (
        f'<!doctype html><html lang="{texts.language}" dir="{texts.direction}"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width"><title>{title}</title><style>{_STYLE}</style></head>'
        f"<body><h1>{title}</h1>{body}</body></html>"
    )
    return Response(status, text.encode(), dict(_HEADERS))


_PATH = "/unsubscribe"
_TOKEN = (Query("token", "What the link carries."),)
_HTML = Media("text/html")
_ANSWERS: Mapping[int, Shape] = {200: _HTML, 404: _HTML}
ROUTES = [
    Route(
        "GET",
        _PATH,
        ask,
        about=About("The page behind the links of failure mails", SERVICE, _ANSWERS, _TOKEN, public=True),
    ),
    Route(
        "POST",
        _PATH,
        act,
        about=About(
            "Switch off the mails, or the hooks, of such a link", SERVICE, _ANSWERS, _TOKEN, public=True
        ),
    ),
]
