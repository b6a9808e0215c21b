"""``/api/v2/signup/`` and the page behind the link that it mails; both only where sign-up is open.

As with other links in mails, looking at the page changes nothing: its button does.
"""

from __future__ import annotations

from html import escape

from formrelay import signups
from formrelay.api import fields
from formrelay.api.about import ACCOUNTS, About, Body, Media, Query
from formrelay.api.http import Response, json_response
from formrelay.api.router import Context, Route
from formrelay.api.unsubscribe import html_page
from formrelay.errors import invalid, not_found
from formrelay.letters.texts import PAGES
from formrelay.reports.texts import texts_for
from formrelay.settings import settings


def ask(ctx: Context) -> Response:
    """Asks for an account: the answer is the same whether or not the name is taken."""
    if not signups.is_open():
        raise not_found()
    data = ctx.request.data()
    values = {name: fields.text(data, name) for name in ("username", "email")}
    password = fields.secret(data, "password")
    for name, value in {**values, "password": password}.items():
        if not value:
            raise invalid(name, "This field is required.")
    signups.ask(
        values["username"] or "",
        values["email"] or "",
        password or "",
        fields.json_object(data, "extra_details") or {},
        address=ctx.request.address,
        base_url=settings().public_url or ctx.base_url,
    )
    return json_response({"detail": "A mail with a link to confirm the account is on its way."}, 202)


def look(ctx: Context) -> Response:
    """The page that says what its button will do."""
    return _answer(ctx, act=False)


def act(ctx: Context) -> Response:
    """Makes the account."""
    return _answer(ctx, act=True)


def _answer(ctx: Context, *, act: bool) -> Response:
    token = ctx.request.query.get("token", "")
    try:
        found = signups.waiting(token)
    except signups.InvalidTokenError:
        return _page("", "invalid", "", 404)
    language, username = found["details"].get("language"), found["username"]
    if not act:
        return _page(language, "question", username, button=True)
    try:
        signups.confirm(token)
    except signups.TakenError:
        return _page(language, "taken", username, 409)
    except signups.InvalidTokenError:
        return _page(language, "invalid", "", 404)
    return _page(language, "done", username)


def _page(language: object, text: str, username: str, status: int = 200, *, button: bool = False) -> Response:
    texts = texts_for(language)
    said = PAGES[texts.language]
    body = f"<p>{escape(getattr(said, text).format(username=username))}</p>"
    if button:
        body += f'<form method="post"><button>{escape(said.button)}</button></form>'
    return html_page(texts, said.title, body, status)


_NEW = {"username": "bob", "email": "bob@example.org", "password": "correct horse battery"}
_HTML = Media("text/html")
_TOKEN = (Query("token", "What the link carries."),)
ROUTES = [
    Route(
        "POST",
        "/api/v2/signup",
        ask,
        about=About(
            "Sign up, where a deployment allows it",
            ACCOUNTS,
            {202: "Error"},
            body=Body("NewSignup", _NEW, required=True),
            public=True,
            text="A mail has a link to the page that makes the account. The answer tells nothing of other accounts.",
        ),
    ),
    Route(
        "GET",
        "/signup/confirm",
        look,
        about=About(
            "The page behind the link of a sign-up", ACCOUNTS, {200: _HTML, 404: _HTML}, _TOKEN, public=True
        ),
    ),
    Route(
        "POST",
        "/signup/confirm",
        act,
        about=About("Confirm a sign-up", ACCOUNTS, {200: _HTML, 404: _HTML, 409: _HTML}, _TOKEN, public=True),
    ),
]
