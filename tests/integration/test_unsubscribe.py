"""Links in mails that switch failure mails off: signed, bound, ending, and never by looking at them (RFC 8058)."""

from __future__ import annotations

import base64
import re
from typing import Any
from urllib.parse import urlsplit

import pytest

from formrelay import sealing, unsubscribe
from formrelay.settings import settings
from formrelay.storage import keys, table
from tests.support.app import BASE, Answer
from tests.support.calls import counting, doing
from tests.support.reports import Letter, fail, letters, set_account
from tests.support.world import World

HOUR, DAY = 3600, 86400
FORM: dict[str, Any] = {"survey": [{"type": "text", "name": "q", "label": "Q"}]}


def mailed(world: World) -> Letter:
    """The mail about one failure of the world's hook."""
    fail(world)
    with letters() as sent:
        world.run(121)
    (letter,) = sent
    return letter


def follow(world: World, url: str, method: str = "GET", body: bytes = b"") -> Answer:
    """A request without a login, as a mail's reader or their mail client makes it."""
    assert url.startswith(BASE)
    headers = {"content-type": "application/x-www-form-urlencoded"} if body else {}
    path, _, query = url.removeprefix(BASE).partition("?")
    return world.app.call(method, path, query=query, user=None, body=body, headers=headers)


def notifies(world: World, asset: str = "", hook: str = "", user: str = "ann") -> bool:
    path = f"/api/v2/assets/{asset or world.asset}/hooks/{hook or world.hook}/"
    wanted: bool = world.app.get(path, user=user).json()["email_notification"]
    return wanted


def text_of(page: Answer) -> str:
    return re.sub(r"<[^>]+>", " ", page.text)


def test_every_mail_has_a_link_for_each_hook_and_one_for_mail_clients(world: World) -> None:
    letter = mailed(world)
    assert len(letter.stop_urls) == 1
    assert letter.stop_urls[0] in letter.text
    assert letter.headers == {
        "List-Unsubscribe": f"<{letter.stop_urls[0]}>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    }


def test_looking_at_the_link_asks_and_changes_nothing(world: World) -> None:
    (url,) = mailed(world).stop_urls
    for method in ("GET", "HEAD", "GET"):
        assert follow(world, url, method).status == 200
    page = follow(world, url)
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert '<form method="post">' in page.text
    assert "Households" in text_of(page)
    assert "ERP" in text_of(page)
    assert notifies(world)


def test_the_button_switches_off_the_mails_about_the_hook_and_nothing_else(world: World) -> None:
    other = world.app.add_hook(world.asset, world.receiver.url(), name="Other")
    world.change_hook(name="First")
    letter = mailed(world)
    (url,) = [url for url in letter.stop_urls if "First" in text_of(follow(world, url))]
    before = world.app.get(world.hook_path()).json()
    done = follow(world, url, "POST")
    assert done.status == 200
    assert "No more failure mails" in done.text
    assert not notifies(world)
    assert notifies(world, hook=other)
    after = world.app.get(world.hook_path()).json()
    changed = {name for name in after if after[name] != before[name]}
    assert changed == {"email_notification", "date_modified"}


def test_the_activity_of_the_project_tells_of_it_once_and_with_the_address_it_came_from(world: World) -> None:
    (url,) = mailed(world).stop_urls
    for method in ("GET", "POST", "POST"):
        assert follow(world, url, method).status == 200
    history = f"/api/v2/assets/{world.asset}/history/"
    (entry,) = world.app.get(history, q="action:modify-service").json()["results"]
    (registered,) = world.app.get(history, q="action:register-service").json()["results"]
    assert (entry["username"], entry["user_uid"]) == ("ann", registered["user_uid"])
    assert entry["metadata"] == registered["metadata"]


def test_a_mail_client_may_post_to_it_by_itself_and_twice(world: World) -> None:
    letter = mailed(world)
    for _ in range(2):
        answer = follow(world, letter.one_click, "POST", b"List-Unsubscribe=One-Click")
        assert answer.status == 200
    assert not notifies(world)


def test_a_mail_client_switches_off_every_hook_of_the_mail_and_no_other(world: World) -> None:
    asset = world.app.deploy(FORM, name="Clinics")
    second = world.app.add_hook(asset, world.receiver.url(), name="Second")
    fail(world)
    assert world.app.submit(world.app.filled(asset, {"q": "1"})).status == 201
    silent = world.app.add_hook(asset, world.receiver.url(), name="Silent")
    with letters() as sent:
        world.run(121)
    (letter,) = sent
    assert len(letter.stop_urls) == 2
    assert letter.one_click not in letter.stop_urls
    page = text_of(follow(world, letter.one_click))
    assert "Second" in page
    assert "ERP" in page
    assert follow(world, letter.one_click, "POST", b"List-Unsubscribe=One-Click").status == 200
    assert [notifies(world), notifies(world, asset, second), notifies(world, asset, silent)] == [
        False,
        False,
        True,
    ]


def test_what_had_been_collected_is_not_mailed_after_that(world: World) -> None:
    (url,) = mailed(world).stop_urls
    fail(world)
    follow(world, url, "POST")
    world.run(2 * HOUR)
    assert len(world.mails) == 1
    assert "sweep" not in (world.report_item() or {})


def test_a_link_ends_after_ninety_days(world: World) -> None:
    (url,) = mailed(world).stop_urls
    world.clock.forward(90 * DAY - 200)
    assert follow(world, url).status == 200
    world.clock.forward(400)
    for method in ("GET", "POST"):
        page = follow(world, url, method)
        assert page.status == 404
        assert "not valid, or no longer" in page.text
    assert notifies(world)


@pytest.mark.parametrize("place", [0, 5, 40, -5])
def test_a_changed_token_is_worth_nothing(world: World, place: int) -> None:
    (url,) = mailed(world).stop_urls
    start = url.index("?token=") + len("?token=")
    token = list(url[start:])
    token[place] = "A" if token[place] != "A" else "B"
    assert follow(world, url[:start] + "".join(token), "POST").status == 404
    assert notifies(world)


@pytest.mark.parametrize("token", ["x", "AAAA", "!", "é", "..", "a" * 255, "a" * 800, "%00", "=" * 8, "-_-_"])
def test_what_is_no_token_is_refused_in_words(world: World, token: str) -> None:
    page = world.app.call("POST", "/unsubscribe/", query=f"token={token}", user=None)
    assert page.status == 404
    assert page.headers["content-type"].startswith("text/html")


@pytest.mark.parametrize("query", ["", "token=", "other=x", f"token={'a' * 801}"])
def test_what_can_be_no_token_is_refused_without_asking_the_key(world: World, query: str) -> None:
    with counting() as made:
        assert world.app.call("GET", "/unsubscribe/", query=query, user=None).status == 404
    assert made == {}


def test_no_token_stands_in_a_path_which_would_stand_in_logs(world: World) -> None:
    letter = mailed(world)
    assert {urlsplit(url).path for url in [letter.one_click, *letter.stop_urls]} == {"/unsubscribe/"}


def test_something_sealed_for_another_purpose_is_no_token(world: World) -> None:
    text = f"ann {world.hook} 9999999999"
    (piece,) = sealing.seal(text, world.hook)
    forged = base64.urlsafe_b64encode(piece).decode().rstrip("=")
    assert follow(world, f"{BASE}/unsubscribe/?token={forged}", "POST").status == 404
    (piece,) = sealing.seal(text, unsubscribe.PURPOSE)
    genuine = base64.urlsafe_b64encode(piece).decode().rstrip("=")
    assert follow(world, f"{BASE}/unsubscribe/?token={genuine}", "POST").status == 200


def test_a_token_of_an_earlier_owner_is_worth_nothing(world: World) -> None:
    (url,) = mailed(world).stop_urls
    world.app.add_user("bea")
    state = keys.asset_state(world.asset)
    table.update(settings().data_table, state, "SET #owner = :owner", {":owner": "bea"})
    assert follow(world, url, "POST").status == 404
    assert notifies(world, user="bea")


def test_a_token_of_a_deleted_hook_is_worth_nothing(world: World) -> None:
    (url,) = mailed(world).stop_urls
    world.app.send("DELETE", world.hook_path())
    assert follow(world, url, "POST").status == 404


def test_the_page_speaks_the_language_of_the_account_and_escapes_names(world: World) -> None:
    world.change_hook(name="<script>alert(1)</script>")
    set_account("ann", details={"language": "ar"})
    (url,) = mailed(world).stop_urls
    page = follow(world, url)
    assert '<html lang="ar" dir="rtl">' in page.text
    assert "إيقاف هذه الرسائل" in page.text
    assert "<script" not in page.text
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert page.headers["referrer-policy"] == "no-referrer"
    assert page.headers["cache-control"] == "no-store"


def test_a_hook_that_changes_at_the_same_time_keeps_that_change(world: World) -> None:
    (url,) = mailed(world).stop_urls
    with doing("dynamodb.TransactWriteItems", lambda: world.change_hook(name="Renamed")):
        assert follow(world, url, "POST").status == 200
    shown = world.app.get(world.hook_path()).json()
    assert (shown["name"], shown["email_notification"]) == ("Renamed", False)


def test_without_https_a_mail_client_is_not_told_to_post(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORMRELAY_PUBLIC_URL", "http://forms.example.org")
    settings.cache_clear()
    letter = mailed(world)
    assert set(letter.headers) == {"List-Unsubscribe"}
    assert letter.one_click.startswith("http://forms.example.org/unsubscribe/")
