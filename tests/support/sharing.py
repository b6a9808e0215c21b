"""Sharing a project over the API."""

from __future__ import annotations

from typing import Any

from tests.support.app import BASE, Answer, App

PERMISSIONS = f"{BASE}/api/v2/permissions/"


def assignment(username: str, codename: str, **filters: list[dict[str, Any]]) -> dict[str, Any]:
    """The body that gives a right; ``filters`` of a row-level one by the verb: ``view=[{…}]``."""
    body: dict[str, Any] = {
        "user": f"{BASE}/api/v2/users/{username}/",
        "permission": f"{PERMISSIONS}{codename}/",
    }
    if filters:
        body["partial_permissions"] = [
            {"url": f"{PERMISSIONS}{verb}_submissions/", "filters": queries}
            for verb, queries in filters.items()
        ]
    return body


def path(asset: str, rest: str = "") -> str:
    return f"/api/v2/assets/{asset}/permission-assignments/{rest}"


def share(
    app: App,
    asset: str,
    username: str,
    codename: str,
    *,
    user: str | None = "ann",
    **filters: list[dict[str, Any]],
) -> Answer:
    """Gives a right; the answer."""
    return app.send("POST", path(asset), assignment(username, codename, **filters), user=user)


def rows(app: App, asset: str, *, user: str | None = "ann") -> list[dict[str, Any]]:
    """The assignments that a user sees."""
    answer = app.get(path(asset), user=user)
    assert answer.status == 200, answer.text
    found: list[dict[str, Any]] = answer.json()
    return found


def held(app: App, asset: str, username: str, *, user: str | None = "ann") -> list[str]:
    """Codenames that a user holds on a project, as another one sees it."""
    return [
        row["permission"].split("/")[-2]
        for row in rows(app, asset, user=user)
        if row["user"] == f"{BASE}/api/v2/users/{username}/"
    ]


def row_of(app: App, asset: str, username: str, codename: str, *, user: str = "ann") -> dict[str, Any]:
    (found,) = [
        row
        for row in rows(app, asset, user=user)
        if row["user"].split("/")[-2] == username and row["permission"].split("/")[-2] == codename
    ]
    return found


def url_path(row: dict[str, Any]) -> str:
    """The path of an assignment."""
    url: str = row["url"]
    return url.removeprefix(BASE)
