"""The console's files, and the numbers of its charts."""

from __future__ import annotations

import json
import re
from typing import Any, get_args

import pytest

from formrelay import rights
from formrelay.api import hook_stats
from formrelay.event_kinds import ALL
from formrelay.hooks.ladder import Kind
from tests.support.app import App
from tests.support.receiver import Answer
from tests.support.template import ROOT
from tests.support.world import World

FOLDER = ROOT / "layers/formrelay/python/formrelay/console"
SERVED = {
    "app.js",
    "docs.js",
    "style.css",
    "icon.svg",
    "words-en.js",
    "words-fr.js",
    "words-es.js",
    "words-ar.js",
}


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
        assert set(re.findall(r"https?://\w[^\s\"'`)]+", path.read_text())) <= {"http://www.w3.org/2000/svg"}


def files(app: App) -> str:
    """The folder that the page takes its files from."""
    found = re.search(r'src="(console/[0-9a-f]{20}/)app\.js"', app.call("GET", "/", user=None).text)
    assert found
    return f"/{found[1]}"


@pytest.mark.parametrize("name", sorted(SERVED))
def test_each_file_is_served_once_and_kept(app: App, name: str) -> None:
    answer = app.call("GET", files(app) + name, user=None)
    assert answer.status == 200
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    if name not in ("app.js", "docs.js"):
        assert answer.body == (FOLDER / name).read_bytes()
    # Who has a page of another deployment open still gets files, and keeps them no longer than that.
    other = app.call("GET", f"/console/{'0' * 20}/{name}", user=None)
    assert (other.body, other.headers["cache-control"]) == (answer.body, "no-cache")


@pytest.mark.parametrize(
    "name", ["index.html", "docs.html", "api.js", "nothing.js", "..%2Fsettings.py", "__init__.py"]
)
def test_no_other_file_is_served(app: App, name: str) -> None:
    assert app.call("GET", files(app) + name, user=None).status == 404


@pytest.mark.parametrize("name", ["app.js", "docs.js"])
def test_a_page_is_one_script_with_all_that_it_imports(app: App, name: str) -> None:
    script = app.call("GET", files(app) + name, user=None).text
    assert not re.search(r"^(import|export) ", script, re.MULTILINE)
    assert script.rstrip().endswith((FOLDER / name).read_text().rpartition('";\n')[2].rstrip())
    # What modules export shares a scope.
    names = [
        one
        for found in re.findall(r"^const \{ ([^}]+) \} = ", script, re.MULTILINE)
        for one in found.split(", ")
    ]
    assert names
    assert len(names) == len(set(names)), {name for name in names if names.count(name) > 1}


def test_every_module_belongs_to_a_page_and_imports_by_name(app: App) -> None:
    everything = "".join(app.call("GET", files(app) + name, user=None).text for name in ("app.js", "docs.js"))
    for path in FOLDER.glob("*.js"):
        text = path.read_text()
        assert not re.search(r"^import (?!\{)|^import .* as |^export (let|var|\{)", text, re.MULTILINE), (
            path.name
        )
        if not path.name.startswith("words-"):
            assert text.splitlines()[0] in everything, path.name


def test_everything_that_a_module_imports_is_there_and_used() -> None:
    texts = {path.name: path.read_text() for path in FOLDER.glob("*.js")}
    imported = [
        (importing, name, module)
        for importing, text in texts.items()
        for names, module in re.findall(r"^import \{ ([^}]+) \} from \"./([^\"]+)\";", text, re.MULTILINE)
        for name in names.split(", ")
    ]
    assert imported
    for importing, name, module in imported:
        assert re.search(rf"^export .*?\b{name}\b", texts[module], re.MULTILINE), (importing, name)
        assert len(re.findall(rf"\b{name}\b", texts[importing])) > 1, (importing, name)


@pytest.mark.parametrize("language", ["fr", "es", "ar"])
def test_every_language_has_every_word_and_its_placeholders(language: str) -> None:
    ours, theirs = words("en"), words(language)
    assert theirs.keys() == ours.keys()
    for name, text in ours.items():
        assert sorted(re.findall(r"\{\w+\}", theirs[name])) == sorted(re.findall(r"\{\w+\}", text)), name


def test_every_word_that_the_code_asks_for_is_there() -> None:
    code = "".join(path.read_text() for path in FOLDER.glob("*.js") if not path.name.startswith("words-"))
    asked = set(re.findall(r"\bt\(\"([\w.]+)\"", code))
    assert asked <= words("en").keys()
    # The others are asked for by what the API says: in a group of its names, or as a name by itself.
    groups = (*(f"{group}_" for group in re.findall(r"\btold\(\"(\w+)\"", code)), "tab_")
    rest = {
        name for name in words("en").keys() - asked if not name.startswith(groups) and f'"{name}"' not in code
    }
    assert rest == {"archived", "draftHint", "archivedHint"}


def test_every_name_of_the_api_that_is_shown_has_a_word() -> None:
    told = {f"outcome_{kind}" for kind in get_args(Kind)} | {f"event_{event}" for event in ALL}
    told |= {f"right_{codename}" for codename in rights.ALL}
    source = (ROOT / "layers/formrelay/python/formrelay/history.py").read_text()
    told |= {
        f"action_{action}"
        for action in re.findall(r'"((?:[a-z]+-)+[a-z]+)"', source)
        if action != "asset-file"
    }
    assert told <= words("en").keys()


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


def test_a_hook_tells_its_last_error_until_that_arrived(world: World) -> None:
    def told() -> dict[str, Any] | None:
        (listed,) = world.app.get(f"/api/v2/assets/{world.asset}/hooks/").json()["results"]
        shown: dict[str, Any] = world.app.get(world.hook_path()).json()
        assert listed["last_error"] == shown["last_error"]
        found: dict[str, Any] | None = shown["last_error"]
        return found

    world.submit()
    world.run(0)
    assert told() is None
    world.receiver.script += [Answer(503, b"x" * 1_000)] * 5
    for _ in range(2):
        world.clock.forward(1)
        sid = world.submit()
        world.run(0)
    error = told()
    assert error is not None
    (newest, *_) = world.app.logs(world.asset, world.hook)
    assert (error["log"], error["submission_id"], error["status_code"]) == (newest["uid"], sid, 503)
    assert (error["message"], error["date"]) == ("x" * 300, newest["date_modified"])
    world.run(10_000)
    assert told() is None


def test_hours_without_deliveries_have_no_times(world: World) -> None:
    (hour,) = world.app.get(world.hook_path("stats/"), hours="1").json()["hours"]
    assert (hour["success"], hour["p50_ms"], hour["p95_ms"]) == (0, None, None)


@pytest.mark.parametrize(
    "hours", ["0", "169", "x", "-1", "9999999", "00000199999999999999", "0" * 5000 + "1", "٣"]
)
def test_stats_of_no_sensible_time_are_refused(world: World, hours: str) -> None:
    assert world.app.get(world.hook_path("stats/"), hours=hours).status == 400


def test_stats_look_at_the_newest_only(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    assert f"{hook_stats.MAX_DELIVERIES:,}" in words("en")["notAllCharted"]
    monkeypatch.setattr("formrelay.api.hook_stats.MAX_DELIVERIES", 2)
    for _ in range(3):
        world.submit()
    answer = world.app.get(world.hook_path("stats/")).json()
    assert answer["complete"] is False
    assert sum(hour["pending"] for hour in answer["hours"]) == 2
