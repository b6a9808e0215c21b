"""The console's files, and the numbers of its charts."""

from __future__ import annotations

import json
import re

import pytest

from formrelay.api import console
from tests.support.app import App
from tests.support.receiver import Answer
from tests.support.template import ROOT
from tests.support.world import World

FOLDER = ROOT / "layers/formrelay/python/formrelay/console"
FILES = sorted(path.name for path in FOLDER.iterdir() if path.suffix != ".html")


def words(language: str) -> dict[str, str]:
    text = (FOLDER / f"words-{language}.js").read_text()
    inner = text.removeprefix("export default ").rstrip().removesuffix(";")
    found: dict[str, str] = json.loads(re.sub(r",\n}$", "\n}", inner))
    return found


@pytest.mark.parametrize("path", ["/", "/api/v2/docs/"])
def test_the_pages_are_served_to_anybody_under_their_own_base(app: App, path: str) -> None:
    answer = app.call("GET", path, user=None, headers={"x-forwarded-prefix": "/prod"})
    assert answer.status == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert '<base href="https://kf.example.org/prod/">' in answer.text


def test_nothing_may_be_loaded_from_elsewhere(app: App) -> None:
    policy = app.call("GET", "/", user=None).headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    for path in FOLDER.iterdir():
        # Names of XML vocabularies are no requests.
        assert set(re.findall(r"https?://[^\s\"'`)]+", path.read_text())) <= {"http://www.w3.org/2000/svg"}


@pytest.mark.parametrize("name", FILES)
def test_each_file_is_served_and_then_only_confirmed(app: App, name: str) -> None:
    answer = app.call("GET", f"/console/{name}", user=None)
    assert answer.status == 200
    assert answer.body == (FOLDER / name).read_bytes()
    again = app.call("GET", f"/console/{name}", user=None, headers={"if-none-match": answer.headers["etag"]})
    assert (again.status, again.body) == (304, b"")


@pytest.mark.parametrize("name", ["index.html", "docs.html", "nothing.js", "..%2Fsettings.py", "__init__.py"])
def test_no_other_file_is_served(app: App, name: str) -> None:
    assert app.call("GET", f"/console/{name}", user=None).status == 404


def test_names_of_no_file_are_not_kept(app: App) -> None:
    kept = console._file.cache_info().currsize
    for number in range(3):
        app.call("GET", f"/console/{number}.js", user=None)
    assert console._file.cache_info().currsize == kept


@pytest.mark.parametrize("language", ["fr", "es", "ar"])
def test_every_language_has_every_word_and_its_placeholders(language: str) -> None:
    ours, theirs = words("en"), words(language)
    assert theirs.keys() == ours.keys()
    for name, text in ours.items():
        assert sorted(re.findall(r"\{\w+\}", theirs[name])) == sorted(re.findall(r"\{\w+\}", text)), name


def test_every_word_that_the_code_asks_for_is_there() -> None:
    asked = {
        name for path in FOLDER.glob("*.js") for name in re.findall(r"\bt\(\"([\w.]+)\"", path.read_text())
    }
    assert asked <= words("en").keys()


def test_stats_count_by_hour_and_outcome(world: World) -> None:
    world.submit()
    world.run(0)
    world.receiver.answer = Answer(410)
    world.submit()
    world.run(0)
    answer = world.app.get(world.hook_path("stats/"), hours="2")
    assert answer.status == 200
    *_, last = answer.json()["hours"]
    assert len(answer.json()["hours"]) == 2
    assert answer.json()["complete"] is True
    assert (last["success"], last["failed"], last["pending"]) == (1, 1, 0)
    assert last["p50_ms"] == last["p95_ms"] >= 0


def test_hours_without_deliveries_have_no_times(world: World) -> None:
    (hour,) = world.app.get(world.hook_path("stats/"), hours="1").json()["hours"]
    assert (hour["success"], hour["p50_ms"], hour["p95_ms"]) == (0, None, None)


@pytest.mark.parametrize("hours", ["0", "169", "x", "-1", "9999999"])
def test_stats_of_no_sensible_time_are_refused(world: World, hours: str) -> None:
    assert world.app.get(world.hook_path("stats/"), hours=hours).status == 400


def test_stats_look_at_the_newest_only(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("formrelay.api.hook_stats.MAX_DELIVERIES", 2)
    for _ in range(3):
        world.submit()
    answer = world.app.get(world.hook_path("stats/")).json()
    assert answer["complete"] is False
    assert sum(hour["pending"] for hour in answer["hours"]) == 2
