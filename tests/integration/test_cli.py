"""The owner's command line against real HTTP on loopback."""

from __future__ import annotations

import io
import json
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.cli import copying, profile
from infra.cli.__main__ import main
from infra.cli.client import Client
from tests.support.app import PASSWORD, App
from tests.support.forms import household_xlsx
from tests.support.gateway import gateway
from tests.support.receiver import Answer, Receiver

FORM = {
    "survey": [
        {"type": "text", "name": "name", "label": "Name"},
        {"type": "image", "name": "photo", "label": "Photo"},
    ]
}


@pytest.fixture
def server(app: App, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[str]:
    """The deployment over HTTP, with ann signed in."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    for name in ("FORMRELAY_URL", "FORMRELAY_KEY"):
        monkeypatch.delenv(name, raising=False)
    with gateway() as url:
        profile.save(url, app.keys["ann"])
        yield url


def folder_of(app: App, asset: str, tmp_path: Path, names: list[str]) -> Path:
    """Instances as ODK Collect keeps them: a folder for each, with its files."""
    for name in names:
        folder = tmp_path / "instances" / name
        folder.mkdir(parents=True)
        (folder / f"{name}.xml").write_text(app.filled(asset, {"name": name, "photo": "p.jpg"}))
        (folder / "p.jpg").write_bytes(b"picture of " + name.encode())
    return tmp_path / "instances"


def test_a_login_is_kept_where_only_its_owner_can_read_it(
    server: str, monkeypatch: pytest.MonkeyPatch, app: App
) -> None:
    profile.path().unlink()
    monkeypatch.setattr("sys.stdin", io.StringIO(PASSWORD + "\n"))
    assert main(["login", server, "ann"]) == 0
    assert stat.S_IMODE(profile.path().stat().st_mode) == 0o600
    assert json.loads(profile.path().read_text()) == {"url": server, "key": app.keys["ann"]}


def test_a_wrong_password_is_told_and_nothing_kept(
    server: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    profile.path().unlink()
    monkeypatch.setattr("sys.stdin", io.StringIO("wrong\n"))
    assert main(["login", server, "ann"]) == 1
    assert "Invalid username/password." in capsys.readouterr().err
    assert not profile.path().exists()


def test_without_a_login_it_says_how_to_get_one(server: str, capsys: pytest.CaptureFixture[str]) -> None:
    profile.path().unlink()
    assert main(["projects"]) == 1
    assert "login URL USERNAME" in capsys.readouterr().err


def test_a_form_is_deployed_and_then_replaced(
    server: str, app: App, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "visits.xlsx"
    file.write_bytes(household_xlsx())
    assert main(["deploy", str(file)]) == 0
    uid = capsys.readouterr().out.strip()
    assert main(["deploy", str(file), "--into", uid]) == 0
    versions = app.get(f"/api/v2/assets/{uid}/").json()["deployed_versions"]
    assert versions["count"] == 2
    assert main(["projects"]) == 0
    assert f"{uid}  deployed" in capsys.readouterr().out


def test_a_folder_is_submitted_once_however_often_it_is_sent(
    server: str, app: App, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asset = app.deploy(FORM)
    folder = folder_of(app, asset, tmp_path, ["Ana", "Bo"])
    assert main(["submit", str(folder)]) == 0
    assert main(["submit", str(folder)]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "2 new, 0 were there already, 0 failed",
        "0 new, 2 were there already, 0 failed",
    ]
    assert sorted(record["name"] for record in app.records(asset)) == ["Ana", "Bo"]
    assert [len(record["_attachments"]) for record in app.records(asset)] == [1, 1]


def test_what_cannot_be_submitted_is_named_and_the_rest_is_sent(
    server: str, app: App, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asset = app.deploy(FORM)
    folder = folder_of(app, asset, tmp_path, ["Ana"])
    (folder / "broken").mkdir()
    (folder / "broken" / "broken.xml").write_text("<a>")
    assert main(["submit", str(folder)]) == 1
    told = capsys.readouterr()
    assert told.out == "1 new, 0 were there already, 1 failed\n"
    assert "broken.xml" in told.err


def test_deliveries_are_listed_and_retried(server: str, app: App, capsys: pytest.CaptureFixture[str]) -> None:
    with Receiver() as receiver:
        asset = app.deploy(FORM)
        hook = app.add_hook(asset, receiver.url())
        receiver.answer = Answer(410)
        app.submit(app.filled(asset, {"name": "Ana"}))
        app.deliver()
        assert main(["logs", asset, hook, "--status", "failed"]) == 0
        assert "failed     410  tries 1" in capsys.readouterr().out
        receiver.answer = Answer(200)
        assert main(["retry", asset, hook]) == 0
        assert "Task successfully scheduled: 1" in capsys.readouterr().out
        app.deliver()
        assert main(["hooks", asset]) == 0
        assert "1 arrived, 0 pending, 0 failed" in capsys.readouterr().out


@pytest.fixture
def copied(server: str, app: App, tmp_path: Path) -> tuple[str, str]:
    """A project of bea's with two records and a hook, and the command that copies it."""
    app.add_user("bea")
    asset = app.deploy(FORM, user="bea")
    for name in ("Ana", "Bo & co"):
        xml = app.filled(asset, {"name": name, "photo": "p.jpg"}, user="bea")
        assert app.submit(xml, {"p.jpg": b"picture"}, user="bea").status == 201
    app.add_hook(
        asset,
        "https://example.org/in",
        user="bea",
        auth_level="basic_auth",
        settings={"username": "u", "password": "secret", "custom_headers": {"X-A": "1"}},
    )
    assert main(["copy", server, asset, "--source-key", app.keys["bea"]]) == 0
    return asset, next(one["uid"] for one in Client(server, app.keys["ann"]).pages("/api/v2/assets/"))


_OWN = ("_id", "_xform_id_string", "_submitted_by", "_attachments", "formhub/uuid", "__version__")


def test_a_project_is_copied_with_records_files_and_times(app: App, copied: tuple[str, str]) -> None:
    original, copy = copied
    ours = sorted(app.records(copy), key=lambda record: str(record["name"]))
    theirs = sorted(app.records(original, user="bea"), key=lambda record: str(record["name"]))
    for mine, there in zip(ours, theirs, strict=True):
        assert {k: v for k, v in mine.items() if k not in _OWN} == {
            k: v for k, v in there.items() if k not in _OWN
        }
        url = mine["_attachments"][0]["download_url"].removeprefix("https://kf.example.org")
        path = url[url.index("/api/") :]
        assert app.get(path).body == b"picture"


def test_a_copied_hook_sends_nothing_until_it_is_switched_on(app: App, copied: tuple[str, str]) -> None:
    (hook,) = app.get(f"/api/v2/assets/{copied[1]}/hooks/").json()["results"]
    assert hook["active"] is False
    assert hook["settings"]["custom_headers"] == {"X-A": "1"}
    assert hook["settings"]["username"] == "u"


def test_a_copy_that_is_begun_again_goes_on(
    server: str, app: App, copied: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    assert main(["copy", server, copied[0], "--source-key", app.keys["bea"]]) == 0
    assert "0 new, 2 were there already, 0 failed" in capsys.readouterr().out
    assert app.get("/api/v2/assets/").json()["count"] == 1
    assert app.get(f"/api/v2/assets/{copied[1]}/hooks/").json()["count"] == 1


@pytest.mark.parametrize(
    ("xml", "expected"),
    [
        ('<a id="x"><b/></a>', '<a submissionDate="T" id="new"><b/></a>'),
        ("<?xml version='1.0' ?>\n<!-- c --><a v='1' id='x'/>", '<a submissionDate="T" v=\'1\' id="new"/>'),
        (
            '<a id="x"><formhub><uuid>old</uuid></formhub><uuid>old</uuid></a>',
            '<a submissionDate="T" id="new"><formhub><uuid>f</uuid></formhub><uuid>old</uuid></a>',
        ),
        ('<a id="x" submissionDate="U"><i id="x"/></a>', '<a id="new" submissionDate="U"><i id="x"/></a>'),
    ],
)
def test_an_instance_is_made_one_of_the_other_form(xml: str, expected: str) -> None:
    assert copying.rewrite(xml, "new", "f", "T") == expected
