"""The owner's command line against real HTTP on loopback."""

from __future__ import annotations

import base64
import contextlib
import io
import itertools
import json
import re
import signal
import stat
import subprocess
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from infra.cli import copying, profile
from infra.cli.__main__ import main
from infra.cli.client import Client
from infra.cli.faults import ServerError
from infra.cli.pooling import in_order
from tests.integration.test_imports import workbook
from tests.support.app import PASSWORD, App
from tests.support.forms import household_xlsx
from tests.support.gateway import gateway
from tests.support.grants import grant
from tests.support.receiver import Answer, Receiver
from tests.support.template import ROOT

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


@pytest.mark.parametrize(
    ("where", "said"),
    [
        ("http://127.0.0.1:9", "127.0.0.1:9 cannot be reached: connection refused"),
        ("localhost:9", "localhost:9 cannot be reached: connection refused"),
        ("ftp://kf.example.org", "'ftp://kf.example.org' is no address of a server"),
        ("{server}/api/v2", "answers, but not like formrelay or KoboToolbox (at /api/v2/token/)"),
    ],
)
def test_a_wrong_address_is_told_in_one_line_and_nothing_kept(
    server: str,
    where: str,
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    profile.path().unlink()
    monkeypatch.setattr("sys.stdin", io.StringIO(PASSWORD + "\n"))
    assert main(["login", where.format(server=server), "ann"]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert said in line
    assert not profile.path().exists()


def test_a_server_that_is_none_of_ours_is_told(
    server: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("x\n"))
    with Receiver() as receiver:
        receiver.answer = Answer(200, b"<html>Welcome</html>", {"Content-Type": "text/html"})
        assert main(["login", receiver.url(), "ann"]) == 1
    assert "answers, but not like formrelay" in capsys.readouterr().err


def test_a_key_that_is_not_good_any_more_is_told_with_what_to_do(
    server: str, capsys: pytest.CaptureFixture[str]
) -> None:
    profile.save(server, "0" * 40)
    assert main(["projects"]) == 1
    said = capsys.readouterr().err
    assert "says 401 to GET /api/v2/assets/: Invalid token." in said
    assert "login URL USERNAME" in said


def test_what_is_not_allowed_is_told_by_the_server(
    server: str, app: App, capsys: pytest.CaptureFixture[str]
) -> None:
    app.add_user("bea")
    asset = app.deploy(FORM, user="bea")
    grant(asset, "ann", "view_asset")
    assert main(["hooks", asset]) == 1
    assert re.search(r"says 40[34] to GET /api/v2/assets/\w+/hooks/: ", capsys.readouterr().err)


def test_a_login_that_cannot_be_read_and_half_of_one_are_told(
    server: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    profile.path().write_text("{")
    assert main(["projects"]) == 1
    assert "sign in again" in capsys.readouterr().err
    monkeypatch.setenv("FORMRELAY_URL", server)
    assert main(["projects"]) == 1
    assert "go together" in capsys.readouterr().err


def test_without_a_login_it_says_how_to_get_one(server: str, capsys: pytest.CaptureFixture[str]) -> None:
    profile.path().unlink()
    assert main(["projects"]) == 1
    assert "login URL USERNAME" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("method", "busy", "made"),
    [
        ("GET", Answer(504), 2),
        ("POST", Answer(429), 2),
        ("POST", Answer(503, headers={"Retry-After": "5"}), 2),
        # Of a gateway's own: the request may be under way behind it, and would be done twice.
        ("POST", Answer(503), 1),
        ("POST", Answer(504), 1),
    ],
)
def test_a_request_is_made_again_only_where_that_does_no_harm(
    method: str, busy: Answer, made: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("infra.cli.client.time.sleep", lambda _seconds: None)
    with Receiver() as receiver:
        receiver.script.append(busy)
        with (
            contextlib.nullcontext() if made > 1 else pytest.raises(ServerError, match=f"says {busy.status}")
        ):
            Client(receiver.url(""), "k").request(method, "/api/v2/assets/")
        assert len(receiver.requests) == made


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


def test_a_folder_without_forms_is_no_success(
    server: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["submit", str(tmp_path / "nowhere")]) == 1
    assert "nowhere is no folder" in capsys.readouterr().err
    (tmp_path / "empty").mkdir()
    assert main(["submit", str(tmp_path / "empty")]) == 1
    assert "has no filled form in it" in capsys.readouterr().err


def test_a_form_with_faults_leaves_a_project_that_is_named(
    server: str, app: App, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "faulty.xlsx"
    file.write_bytes(workbook({"survey": [["type", "name", "label"], ["text", "a", "${b}"]]}))
    assert main(["deploy", str(file)]) == 1
    (made,) = app.get("/api/v2/assets/").json()["results"]
    said = capsys.readouterr()
    assert said.out == ""
    assert f"Project {made['uid']} is made, but not deployed: go on with --into {made['uid']}" in said.err
    assert main(["deploy", str(tmp_path / "nothing.xlsx")]) == 1
    assert "nothing.xlsx: No such file or directory" in capsys.readouterr().err


def test_an_export_that_fails_leaves_no_file(
    server: str, app: App, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asset = app.deploy(FORM)
    assert main(["export", asset, str(tmp_path / "out.csv"), "--lang", "Klingon"]) == 1
    assert "lang: " in capsys.readouterr().err
    assert main(["export", asset, str(tmp_path / "nowhere" / "out.csv")]) == 1
    assert list(tmp_path.glob("*.csv*")) == []


def test_the_settings_of_collect_are_what_its_qr_codes_hold(
    server: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def decoded() -> dict[str, Any]:
        packed = base64.b64decode(capsys.readouterr().out.strip(), validate=True)
        found: dict[str, Any] = json.loads(zlib.decompress(packed))
        return found

    assert main(["collect", "--username", "bea", "--name", "Équipe"]) == 0
    assert decoded() == {
        "general": {
            "server_url": server,
            "form_update_mode": "match_exactly",
            "autosend": "wifi_and_cellular",
            "username": "bea",
        },
        "admin": {},
        "project": {"name": "Équipe"},
    }
    monkeypatch.setattr("sys.stdin", io.StringIO("secret\n"))
    assert main(["collect", "--username", "bea", "--password"]) == 0
    assert decoded()["general"]["password"] == "secret"
    assert main(["collect", "--public", "ann"]) == 0
    assert decoded()["general"]["server_url"] == f"{server}/ann"


def test_following_ends_with_ctrl_c(server: str, app: App) -> None:
    with Receiver() as receiver:
        asset = app.deploy(FORM)
        hook = app.add_hook(asset, receiver.url())
        app.submit(app.filled(asset, {"name": "Ana"}))
        app.deliver()
        process = subprocess.Popen(
            [sys.executable, "-m", "infra.cli", "logs", asset, hook, "--follow"],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        assert "success" in process.stdout.readline()
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=30)
    assert (process.returncode, errors) == (0, "")


def test_work_for_the_network_is_done_in_order_and_left_when_its_reader_goes() -> None:
    begun: list[int] = []

    def work(number: int) -> int:
        begun.append(number)
        return number * number

    assert list(in_order(work, range(50))) == [(number, number**2) for number in range(50)]
    begun.clear()
    results = in_order(work, itertools.count())
    assert next(results) == (0, 0)
    del results
    assert len(begun) <= 10


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


# What decides what a hook is sent.
_CHOSEN: dict[str, Any] = {
    "export_type": "json",
    "subset_fields": ["name"],
    "payload_template": '{"record": %SUBMISSION%}',
    "events": ["submission.created", "submission.edited"],
    "filter": {"name": {"$ne": "Nobody"}},
    "concurrency": 3,
}


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
        **_CHOSEN,
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


def test_a_copy_has_the_form_that_is_filled_in_and_the_names_it_has_there(server: str, app: App) -> None:
    app.add_user("bea")
    rows = [{"type": "text", "label": "Who?"}, {"type": "select_one yn", "label": "Well?", "name": "well"}]
    content = {"survey": rows, "choices": [{"list_name": "yn", "label": "Yes sir"}]}
    asset = app.deploy(content, user="bea")
    path = f"/api/v2/assets/{asset}/"
    change = {"content": {"survey": rows[1:], "choices": content["choices"]}, "tag_string": "water"}
    assert app.send("PATCH", path, change, user="bea").status == 200
    assert main(["copy", server, asset, "--source-key", app.keys["bea"]]) == 0
    (row,) = app.get("/api/v2/assets/").json()["results"]
    copy = app.get(f"/api/v2/assets/{row['uid']}/").json()
    assert [question["name"] for question in copy["content"]["survey"]] == ["Who", "well"]
    assert [choice["name"] for choice in copy["content"]["choices"]] == ["Yes_sir"]
    assert (copy["tag_string"], copy["deployment_status"]) == ("water", "deployed")


def test_a_copied_hook_sends_nothing_until_it_is_switched_on(app: App, copied: tuple[str, str]) -> None:
    (hook,) = app.get(f"/api/v2/assets/{copied[1]}/hooks/").json()["results"]
    assert hook["active"] is False
    assert hook["settings"]["custom_headers"] == {"X-A": "1"}
    assert hook["settings"]["username"] == "u"


def test_a_copied_hook_is_sent_the_same_as_the_original(app: App, copied: tuple[str, str]) -> None:
    (hook,) = app.get(f"/api/v2/assets/{copied[1]}/hooks/").json()["results"]
    assert {name: hook[name] for name in _CHOSEN} == _CHOSEN


def test_a_copy_that_is_begun_again_goes_on(
    server: str, app: App, copied: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    assert main(["copy", server, copied[0], "--source-key", app.keys["bea"]]) == 0
    assert "0 new, 2 were there already, 0 failed" in capsys.readouterr().out
    assert app.get("/api/v2/assets/").json()["count"] == 1
    assert app.get(f"/api/v2/assets/{copied[1]}/hooks/").json()["count"] == 1


def _edited(app: App, asset: str, name: str, new: str, *, user: str = "bea") -> None:
    """Edits the record of that name, which gets a picture more than it had."""
    record = next(one for one in app.records(asset, user=user) if one["name"].startswith(name))
    values = {"name": f"{name} {new}", "photo": f"{new}.jpg"}
    xml = app.filled(asset, values, f"uuid:{new}", user=user)
    xml = xml.replace("</instanceID>", f"</instanceID><deprecatedID>uuid:{record['_uuid']}</deprecatedID>")
    assert app.submit(xml, {f"{new}.jpg": new.encode()}, user=user).status == 201


def _copied_again(server: str, app: App, asset: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    capsys.readouterr()
    code = main(["copy", server, asset, "--source-key", app.keys["bea"]])
    (counts,) = [line for line in capsys.readouterr().out.splitlines() if " were there already" in line]
    return code, counts


def _shown(app: App, copy: str) -> list[tuple[str, list[str]]]:
    return sorted(
        (record["name"], [file["media_file_basename"] for file in record["_attachments"]])
        for record in app.records(copy)
    )


def test_a_record_that_was_edited_is_copied_as_it_is_now(
    server: str, app: App, capsys: pytest.CaptureFixture[str]
) -> None:
    app.add_user("bea")
    asset = app.deploy(FORM, user="bea")
    app.submit(app.filled(asset, {"name": "Ana"}, user="bea"), user="bea")
    _edited(app, asset, "Ana", "2")
    _edited(app, asset, "Ana", "3")
    code, counts = _copied_again(server, app, asset, capsys)
    assert (code, "1 new, 0 were there already, 0 failed" in counts) == (0, True)
    (copy,) = [one["uid"] for one in app.get("/api/v2/assets/").json()["results"]]
    assert _shown(app, copy) == [("Ana 3", ["3.jpg"])]
    code, counts = _copied_again(server, app, asset, capsys)
    assert (code, "0 new, 1 were there already, 0 failed" in counts) == (0, True)


def test_a_record_that_was_edited_since_it_was_copied_replaces_its_copy(
    server: str, app: App, copied: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    asset, copy = copied
    _edited(app, asset, "Ana", "2")
    _edited(app, asset, "Ana", "3")
    _edited(app, asset, "Bo", "4")
    code, counts = _copied_again(server, app, asset, capsys)
    assert (code, "2 new, 0 were there already, 0 failed" in counts) == (0, True)
    assert _shown(app, copy) == [("Ana 3", ["3.jpg"]), ("Bo 4", ["4.jpg"])]
    _edited(app, asset, "Ana", "5")
    assert "1 new, 1 were there already" in _copied_again(server, app, asset, capsys)[1]
    assert _shown(app, copy) == [("Ana 5", ["5.jpg"]), ("Bo 4", ["4.jpg"])]


def test_a_file_that_an_edited_copy_lacks_is_added(
    server: str, app: App, copied: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    asset, copy = copied
    _edited(app, asset, "Ana", "2")
    _copied_again(server, app, asset, capsys)
    record = next(one for one in app.records(asset, user="bea") if one["_uuid"] == "2")
    xml = app.get(f"/api/v2/assets/{asset}/data/{record['_id']}.xml", user="bea").text
    assert app.submit(xml, {"audit.csv": b"a"}, user="bea").status == 201
    assert _copied_again(server, app, asset, capsys)[0] == 0
    assert ("Ana 2", ["2.jpg", "audit.csv"]) in _shown(app, copy)


def test_a_record_that_was_edited_on_both_sides_is_named_and_keeps_both_edits(
    server: str, app: App, copied: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    asset, copy = copied
    _edited(app, asset, "Ana", "2")
    _edited(app, copy, "Ana", "3", user="ann")
    code, counts = _copied_again(server, app, asset, capsys)
    assert (code, "0 new, 1 were there already, 1 failed" in counts) == (1, True)
    assert ("Ana 3", ["3.jpg"]) in _shown(app, copy)
    assert len(app.records(copy)) == 2


def test_a_copy_that_was_cut_off_before_its_form_was_deployed_is_completed(
    server: str, app: App, capsys: pytest.CaptureFixture[str]
) -> None:
    app.add_user("bea")
    asset = app.deploy(FORM, user="bea")
    for name in ("one.png", "two.png"):
        parts = {
            "file_type": "form_media",
            "description": name,
            "base64Encoded": "data:image/png;base64,eA==",
        }
        made = app.send(
            "POST",
            f"/api/v2/assets/{asset}/files/",
            {**parts, "metadata": json.dumps({"filename": name})},
            user="bea",
        )
        assert made.status == 201, made.text
    command = ["copy", server, asset, "--source-key", app.keys["bea"]]
    assert main(command) == 0
    copy = capsys.readouterr().out.splitlines()[0].removeprefix("project ")
    mark = app.get(f"/api/v2/assets/{copy}/").json()["settings"]["description"]
    assert app.call("DELETE", f"/api/v2/assets/{copy}/").status == 204
    # What a copy leaves that was cut off after its first call.
    fields = {"name": "Household", "asset_type": "survey", "content": FORM, "settings": {"description": mark}}
    begun = app.send("POST", "/api/v2/assets/", fields).json()["uid"]
    assert main(command) == 0
    assert f"project {begun}" in capsys.readouterr().out
    files = app.get(f"/api/v2/assets/{begun}/files/").json()["results"]
    assert sorted(file["metadata"]["filename"] for file in files) == ["one.png", "two.png"]
    assert app.get(f"/api/v2/assets/{begun}/").json()["has_deployment"] is True
    assert main(command) == 0
    assert app.get(f"/api/v2/assets/{begun}/files/").json()["count"] == 2


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


@pytest.mark.parametrize(
    ("replaced", "meta", "expected"),
    [
        (
            None,
            "<deprecatedID>uuid:1</deprecatedID><instanceID>uuid:2</instanceID>",
            "<instanceID>uuid:2</instanceID>",
        ),
        (None, "<instanceID>uuid:2</instanceID><deprecatedID/>", "<instanceID>uuid:2</instanceID>"),
        (
            "3",
            "<instanceID>uuid:2</instanceID>",
            "<instanceID>uuid:2</instanceID><deprecatedID>uuid:3</deprecatedID>",
        ),
        (
            "a:3",
            "<o:deprecatedID>uuid:1</o:deprecatedID><o:instanceID >uuid:2</o:instanceID >",
            "<o:instanceID >uuid:2</o:instanceID ><o:deprecatedID>a:3</o:deprecatedID>",
        ),
    ],
)
def test_an_instance_is_made_the_revision_that_replaces_the_one_of_the_copy(
    replaced: str | None, meta: str, expected: str
) -> None:
    answers = "<deprecatedID>an answer</deprecatedID><instanceID>another</instanceID>"
    whole = f'<a submissionDate="T" id="new">{answers}<meta>{{}}</meta></a>'
    assert copying.rewrite(whole.format(meta), "new", "f", "T", replaced) == whole.format(expected)
