"""Projects given to somebody else (contract permissions §5)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.app import BASE, FORM, Answer, App, Clock
from tests.support.calls import crashing, doing, failing
from tests.support.grants import ANONYMOUS, switch_off
from tests.support.reports import letters, set_account
from tests.support.sharing import held, share

INVITES = "/api/v2/project-ownership/invites/"
ASSETS = "/api/v2/assets/"


@pytest.fixture
def asset(app: App) -> str:
    for name in ("bob", "cleo"):
        app.add_user(name)
    return app.deploy(FORM)


def offer(app: App, *assets: str, to: str = "bob", user: str | None = "ann") -> Answer:
    body = {"recipient": f"{BASE}/api/v2/users/{to}/", "assets": list(assets)}
    return app.send("POST", INVITES, body, user=user)


def answer(app: App, invite: dict[str, Any], status: str, *, user: str | None = "bob") -> Answer:
    return app.send("PATCH", invite["url"].removeprefix(BASE), {"status": status}, user=user)


def given(app: App, asset: str) -> dict[str, Any]:
    """The project has gone to bob; the invite."""
    invite: dict[str, Any] = offer(app, asset).json()
    assert answer(app, invite, "accepted").status == 200
    return invite


def listed(app: App, user: str) -> list[tuple[str, str]]:
    rows = app.get(ASSETS, user=user).json()["results"]
    return [(row["uid"], row["owner__username"]) for row in rows]


def ownership(app: App, asset: str, user: str) -> Any:
    return app.get(f"{ASSETS}{asset}/", user=user).json()["project_ownership"]


def test_an_invite_names_both_and_every_project(app: App, asset: str) -> None:
    made = offer(app, asset)
    assert made.status == 201
    invite = made.json()
    assert made.headers["location"] == invite["url"]
    (transfer,) = invite["transfers"]
    assert invite == {
        "url": invite["url"],
        "sender": f"{BASE}/api/v2/users/ann/",
        "recipient": f"{BASE}/api/v2/users/bob/",
        "status": "pending",
        "date_created": invite["date_created"],
        "date_modified": invite["date_created"],
        "transfers": [
            {
                "url": transfer["url"],
                "asset": f"{BASE}{ASSETS}{asset}/",
                "asset__name": "Households",
                "status": "pending",
                "error": None,
                "date_modified": invite["date_created"],
            }
        ],
    }
    assert len(invite["date_created"]) == len("2026-03-01T09:30:00Z")
    assert transfer["url"].startswith(f"{invite['url']}transfers/pot")
    for user in ("ann", "bob"):
        assert app.get(invite["url"].removeprefix(BASE), user=user).json() == invite
        assert app.get(transfer["url"].removeprefix(BASE), user=user).json() == transfer
    assert app.get(invite["url"].removeprefix(BASE), user="cleo").status == 404
    assert app.get(INVITES, user=None).status == 401


def test_the_recipient_is_told_by_mail(app: App, asset: str) -> None:
    set_account("bob", email="bob@example.org")
    with letters() as sent:
        offer(app, asset)
        app.report()
    (letter,) = sent
    assert (letter.to, letter.subject) == ("bob@example.org", "Projects are offered to you")
    assert "ann wants to give you, with all their data: Households." in letter.text
    assert f"{BASE}/#/offers" in letter.text


def test_a_refused_offer_is_told_to_nobody(app: App, asset: str) -> None:
    set_account("bob", email="bob@example.org")
    with letters() as sent:
        assert offer(app, asset, user="cleo").status == 400
        with failing("dynamodb.TransactWriteItems"):
            offer(app, asset)
        app.report()
    assert sent == []


def test_nobody_is_flooded_with_offers(app: App, asset: str, clock: Clock) -> None:
    set_account("bob", email="bob@example.org")
    with letters() as sent:
        for _ in range(7):
            answer(app, offer(app, asset).json(), "cancelled", user="ann")
            app.report()
        assert len(sent) == 5
        clock.forward(86_401)
        assert offer(app, asset).status == 201
        app.report()
    assert len(sent) == 6


def test_an_accepted_project_is_the_recipients(app: App, asset: str) -> None:
    share(app, asset, "cleo", "view_submissions")
    share(app, asset, "bob", "view_asset")
    share(app, asset, ANONYMOUS, "view_asset")
    app.submit(app.filled(asset, {"name": "Ana"}))
    invite = given(app, asset)
    shown = app.get(invite["url"].removeprefix(BASE)).json()
    assert (shown["status"], shown["transfers"][0]["status"]) == ("complete", "complete")
    for user in ("ann", "bob", "cleo"):
        assert listed(app, user) == [(asset, "bob")]
    assert app.get(ASSETS, user="bob").json()["results"][0]["status"] == "public"
    assert len(held(app, asset, "bob", user="bob")) == len(held(app, asset, "ann", user="bob")) == 8
    assert held(app, asset, "cleo", user="bob") == ["view_asset", "view_submissions"]
    assert [record["name"] for record in app.records(asset, user="cleo")] == ["Ana"]
    assert app.send("PATCH", f"{ASSETS}{asset}/", {"name": "Mine"}, user="bob").status == 200
    assert app.get(ASSETS, user="cleo").json()["results"][0]["name"] == "Mine"
    told = app.get(f"{ASSETS}{asset}/history/", user="bob", q="action:transfer").json()["results"]
    assert [(entry["username"], entry["metadata"]["username"]) for entry in told] == [("bob", "bob")]


def test_the_former_owner_can_be_removed_like_anybody(app: App, asset: str) -> None:
    share(app, asset, "cleo", "view_asset")
    given(app, asset)
    bulk = f"{ASSETS}{asset}/permission-assignments/bulk/"
    assert app.send("DELETE", bulk, {"username": "bob"}, user="ann").status == 409
    assert app.send("DELETE", bulk, {"username": "ann"}, user="bob").status == 204
    assert [listed(app, user) for user in ("ann", "bob", "cleo")] == [[], [(asset, "bob")], [(asset, "bob")]]


def test_a_project_can_go_back(app: App, asset: str) -> None:
    given(app, asset)
    invite = offer(app, asset, to="ann", user="bob").json()
    assert answer(app, invite, "accepted", user="ann").status == 200
    assert listed(app, "ann") == listed(app, "bob") == [(asset, "ann")]
    assert held(app, asset, "ann") == held(app, asset, "bob")


@pytest.mark.parametrize(("status", "user"), [("declined", "bob"), ("cancelled", "ann")])
def test_a_project_stays_where_it_is_when_the_invite_comes_to_nothing(
    app: App, asset: str, status: str, user: str
) -> None:
    invite = offer(app, asset).json()
    assert answer(app, invite, status, user=user).json()["status"] == status
    assert (listed(app, "ann"), listed(app, "bob")) == ([(asset, "ann")], [])
    assert ownership(app, asset, "ann")["status"] == status
    refused = answer(app, invite, "accepted")
    assert (refused.status, refused.json()) == (400, {"status": ["This field cannot be modified"]})
    assert offer(app, asset).status == 201


@pytest.mark.parametrize(
    ("status", "user", "code"),
    [
        ("accepted", "ann", 403),
        ("declined", "ann", 403),
        ("cancelled", "bob", 403),
        ("accepted", "cleo", 404),
        ("complete", "bob", 400),
        ("accepted", None, 401),
    ],
)
def test_only_the_right_one_answers(app: App, asset: str, status: str, user: str | None, code: int) -> None:
    invite = offer(app, asset).json()
    assert answer(app, invite, status, user=user).status == code
    assert listed(app, "ann") == [(asset, "ann")]


def test_an_invite_ends_by_itself(app: App, asset: str, clock: Clock) -> None:
    invite = offer(app, asset).json()
    clock.forward(15 * 86_400)
    assert app.get(invite["url"].removeprefix(BASE)).json()["status"] == "expired"
    assert answer(app, invite, "accepted").status == 400
    assert ownership(app, asset, "ann")["status"] == "expired"
    assert offer(app, asset, to="cleo").status == 201


def test_what_cannot_be_offered_is_told(app: App, asset: str) -> None:
    other = app.deploy(FORM, user="bob")
    share(app, other, "ann", "manage_asset", user="bob")
    text = "You must be the owner of each project you want to transfer"
    for uid in (other, "aUnknown"):
        refused = offer(app, asset, uid, to="cleo")
        assert (refused.status, refused.json()) == (400, {"assets": [text]})
    assert ownership(app, asset, "ann") is None
    offer(app, asset)
    refused = offer(app, asset, to="cleo")
    text = f"Project `{asset}` cannot be transferred. Current status: pending"
    assert (refused.status, refused.json()) == (400, {"assets": [text]})
    switch_off("cleo")
    nobody = {"recipient": ["Invalid hyperlink - Object does not exist."]}
    for name in ("ann", "cleo", "nobody", ANONYMOUS):
        assert (offer(app, asset, to=name).json()) == nobody
    required = ["This field is required."]
    assert app.send("POST", INVITES, {}).json() == {"recipient": required, "assets": required}


def test_both_find_the_invite_in_their_list_and_at_the_project(app: App, asset: str) -> None:
    share(app, asset, "bob", "view_asset")
    share(app, asset, "cleo", "view_asset")
    invite = offer(app, asset).json()
    for user, mode, other in (("ann", "sender", "recipient"), ("bob", "recipient", "sender")):
        assert app.get(INVITES, user=user).json()["results"] == [invite]
        assert app.get(INVITES, user=user, mode=mode).json()["count"] == 1
        assert app.get(INVITES, user=user, mode=other).json()["count"] == 0
        assert ownership(app, asset, user) == {
            name: invite[key]
            for name, key in (
                ("invite", "url"),
                ("sender", "sender"),
                ("recipient", "recipient"),
                ("status", "status"),
            )
        }
    assert app.get(INVITES, user="cleo").json()["count"] == 0
    assert ownership(app, asset, "cleo") is None


@pytest.mark.parametrize("crash", [("dynamodb.UpdateItem", 1), ("dynamodb.TransactWriteItems", 1),
                                   ("dynamodb.TransactWriteItems", 2), ("dynamodb.UpdateItem", 2)])  # fmt: skip
def test_a_broken_acceptance_is_gone_on_with(app: App, asset: str, crash: tuple[str, int]) -> None:
    second = app.deploy(FORM, name="Wells")
    share(app, asset, "cleo", "view_asset")
    invite = offer(app, asset, second).json()
    with crashing(*crash):
        answer(app, invite, "accepted")
    owners = {owner for _, owner in (*listed(app, "ann"), *listed(app, "bob"), *listed(app, "cleo"))}
    assert owners <= {"ann", "bob"}
    assert len(listed(app, "ann")) == 2
    assert answer(app, invite, "accepted").json()["status"] == "complete"
    assert (
        sorted(listed(app, "ann")) == sorted(listed(app, "bob")) == sorted([(asset, "bob"), (second, "bob")])
    )
    assert listed(app, "cleo") == [(asset, "bob")]


def test_a_project_that_was_deleted_meanwhile_is_told_as_failed_and_the_others_go_over(
    app: App, asset: str
) -> None:
    second = app.deploy(FORM, name="Wells")
    invite = offer(app, asset, second).json()
    assert app.send("DELETE", f"{ASSETS}{asset}/").status == 204
    shown = answer(app, invite, "accepted").json()
    assert shown["status"] == "failed"
    assert [(one["status"], one["error"]) for one in shown["transfers"]] == [
        ("failed", "The project has been deleted, or belongs to somebody else."),
        ("complete", None),
    ]
    assert listed(app, "bob") == [(second, "bob")]
    assert answer(app, invite, "accepted").status == 400


def test_a_project_that_another_acceptance_takes_over_meanwhile_is_not_told_as_failed(
    app: App, asset: str
) -> None:
    second = app.deploy(FORM, name="Wells")
    invite = offer(app, asset, second).json()
    with crashing("dynamodb.TransactWriteItems"):
        answer(app, invite, "accepted")

    def one_goes_over() -> None:
        with crashing("dynamodb.TransactWriteItems", 2):
            answer(app, invite, "accepted")

    with doing("dynamodb.Query", one_goes_over):
        shown = answer(app, invite, "accepted").json()
    assert [one["status"] for one in shown["transfers"]] == ["complete", "complete"]
    assert shown["status"] == "complete"


def test_users_who_come_in_the_same_moment_are_taken_along(app: App, asset: str) -> None:
    invite = offer(app, asset).json()
    with doing("dynamodb.TransactWriteItems", lambda: share(app, asset, "cleo", "view_asset")):
        assert answer(app, invite, "accepted").json()["status"] == "complete"
    assert listed(app, "cleo") == [(asset, "bob")]


def test_a_change_of_the_project_in_the_same_moment_is_not_lost(app: App, asset: str) -> None:
    invite = offer(app, asset).json()

    def rename() -> None:
        assert app.send("PATCH", f"{ASSETS}{asset}/", {"name": "Renamed"}).status == 200

    with doing("dynamodb.TransactWriteItems", rename):
        assert answer(app, invite, "accepted").status == 200
    assert app.get(ASSETS, user="bob").json()["results"][0]["name"] == "Renamed"


def test_a_project_with_as_many_users_as_there_may_be_goes_over_at_once(app: App, asset: str) -> None:
    from formrelay.sharing import MAX_USERS
    from tests.support.grants import grant

    share(app, asset, ANONYMOUS, "view_asset")
    for number in range(MAX_USERS - 1):
        grant(asset, f"user{number}", "view_asset")
    given(app, asset)
    assert listed(app, "bob") == [(asset, "bob")]
