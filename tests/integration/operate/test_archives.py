"""``export`` and ``restore``: a project leaves one deployment and arrives in another as it was."""

from __future__ import annotations

import io
import json
import os
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from formrelay import aws
from formrelay.settings import settings
from formrelay.storage import keys, table
from tests.integration.operate.conftest import Run
from tests.support.app import App
from tests.support.aws import _empty, messages, objects, stored
from tests.support.grants import grant
from tests.support.template import properties
from tests.support.world import World

HEADERS = {"settings": {"custom_headers": {"X-Token": "tell nobody"}}}
FILTER = {"name": {"$ne": "Dan"}}


@pytest.fixture
def project(world: World) -> World:
    """With an edited submission, a file, a big body, media, rights and a hook with credentials."""
    app = world.app
    app.add_user("bob")
    grant(world.asset, "bob", "view_asset", "view_submissions")
    photo = app.filled(world.asset, {"name": "Ana", "photo": "me.jpg"}, "uuid:one")
    assert app.submit(photo, {"me.jpg": b"\xff\xd8photo"}).status == 201
    edited = photo.replace(
        "uuid:one</instanceID>", "uuid:two</instanceID><deprecatedID>uuid:one</deprecatedID>"
    )
    assert app.submit(edited.replace("Ana", "Ann")).status == 201
    world.submit(name="".join(map(chr, range(0x4E00, 0x4E00 + 20_000))) * 8)
    media = {"base64Encoded": "bmFtZQ==", "metadata": {"filename": "places.csv"}}
    assert app.send("POST", f"/api/v2/assets/{world.asset}/files/", media).status == 201
    assert app.send("PATCH", f"/api/v2/assets/{world.asset}/deployment/").status == 200
    world.change_hook(**HEADERS, filter=FILTER)
    assert app.send("POST", world.hook_path("secret/")).status == 201
    return world


def seen(app: App, asset: str) -> dict[str, Any]:
    """What its owner sees of a project, but for what is said of hooks."""
    base = f"/api/v2/assets/{asset}/"
    paths = ("", "data/", "versions/", "files/", "permission-assignments/", "history/")
    found = {path: app.get(base + path) for path in paths}
    return {path: answer.json() for path, answer in found.items() if answer.status == 200} | {
        "form": app.get(f"/forms/{asset}/form.xml").text,
        "xml": app.get(base + "data.xml").text,
        "listed": app.get("/api/v2/assets/", user="bob").json(),
    }


@pytest.fixture
def elsewhere(project: World, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Makes of the storage another deployment: empty but for the accounts of these users."""

    def moved(*users: str) -> None:
        names = project.app.settings
        _empty(
            {
                "FORMRELAY_DATA_TABLE": names.data_table,
                "FORMRELAY_ACCOUNTS_TABLE": names.accounts_table,
                "FORMRELAY_BUCKET": names.bucket,
            }
        )
        for user in users:
            project.app.add_user(user)

    return moved


def test_a_project_arrives_as_it_was(
    project: World, run: Run, elsewhere: Callable[..., None], tmp_path: Path
) -> None:
    before = seen(project.app, project.asset)
    assert before["data/"]["count"] == 2
    file = tmp_path / "project.tar.gz"
    (exported,) = run("export", project.asset, str(file)).lines
    assert (exported["submissions"], exported["files"]) == (2, 3)
    elsewhere("ann", "bob")
    assert project.app.get(f"/api/v2/assets/{project.asset}/").status == 404
    assert run("restore", str(file)).code == 0
    assert seen(project.app, project.asset) == before
    (photo,) = [file["download_url"] for row in before["data/"]["results"] for file in row["_attachments"]]
    assert project.app.get(photo.partition("example.org")[2]).body == b"\xff\xd8photo"


@pytest.fixture
def restored(project: World) -> Iterator[str]:
    """The name of a table with what there is now."""
    aws.dynamodb().restore_table_to_point_in_time(
        SourceTableName=project.app.settings.data_table,
        TargetTableName="restored",
        UseLatestRestorableTime=True,
    )
    yield "restored"
    aws.dynamodb().delete_table(TableName="restored")


def test_a_project_is_taken_out_of_a_table_that_was_restored_to_an_earlier_time(
    project: World, restored: str, run: Run, tmp_path: Path
) -> None:
    assert project.app.call("DELETE", f"/api/v2/assets/{project.asset}/").status == 204
    (exported,) = run("export", project.asset, str(tmp_path / "p.tar.gz"), "--table", restored).lines
    assert (exported["submissions"], exported["files"]) == (2, 3)


@pytest.fixture
def versioned(world: World) -> Iterator[None]:
    """The bucket as the template has it, which moto's CloudFormation overlooks."""
    bucket = world.app.settings.bucket
    wanted = properties("Bucket")["VersioningConfiguration"]
    aws.s3().put_bucket_versioning(Bucket=bucket, VersioningConfiguration=wanted)
    yield
    aws.s3().put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Suspended"})


def test_a_project_that_was_deleted_by_mistake_comes_back_with_its_files(
    versioned: None, project: World, restored: str, run: Run, tmp_path: Path
) -> None:
    app, file = project.app, tmp_path / "project.tar.gz"
    before = seen(app, project.asset)
    assert app.call("DELETE", f"/api/v2/assets/{project.asset}/").status == 204
    project.run(3600)
    assert objects(app.settings.bucket) == []
    undelete(app.settings.bucket)
    assert run("export", project.asset, str(file), "--table", restored).code == 0
    read_from_the_stack_again(app)
    assert run("restore", str(file)).code == 0
    assert seen(app, project.asset) == before


def undelete(bucket: str) -> None:
    """Takes away the marks that hide what was deleted, as docs/guides.md does with the aws command."""
    for mark in aws.s3().list_object_versions(Bucket=bucket).get("DeleteMarkers", []):
        aws.s3().delete_object(Bucket=bucket, Key=mark["Key"], VersionId=mark["VersionId"])


def read_from_the_stack_again(app: App) -> None:
    """The next command is a process of its own."""
    os.environ["FORMRELAY_DATA_TABLE"] = app.settings.data_table
    settings.cache_clear()


def test_nothing_is_sent_and_hooks_are_off_and_know_no_secret(
    project: World, run: Run, elsewhere: Callable[..., None], tmp_path: Path
) -> None:
    file = tmp_path / "project.tar.gz"
    run("export", project.asset, str(file))
    elsewhere("ann")
    project.lose_queues()
    sent = len(project.requests)
    restored = run("restore", str(file))
    assert "Switched off until their credentials are set again: 1 hooks." in restored.remarks
    hook = project.app.get(project.hook_path()).json()
    assert (hook["active"], hook["settings"], hook["signed"], hook["uid"]) == (False, {}, False, project.hook)
    project.run(7200)
    assert len(project.requests) == sent
    assert messages(project.app.settings.first_queue) == []
    assert [item for item in stored(project.app.settings.data_table) if "sweep_at" in item] == []


def test_a_restored_project_lives_on(
    project: World, run: Run, elsewhere: Callable[..., None], tmp_path: Path
) -> None:
    file = tmp_path / "project.tar.gz"
    run("export", project.asset, str(file))
    elsewhere("ann")
    run("restore", str(file))
    again = project.app.filled(project.asset, {"name": "Ana", "photo": "me.jpg"}, "uuid:one")
    assert project.app.submit(again).status == 202
    assert project.app.get(project.hook_path()).json()["filter"] == FILTER
    project.change_hook(active=True)
    project.submit(name="Cleo")
    project.submit(name="Dan")
    project.run(10)
    assert project.requests[-1].json()["name"] == "Cleo"


def test_restoring_again_changes_nothing(
    project: World, run: Run, elsewhere: Callable[..., None], tmp_path: Path
) -> None:
    file = tmp_path / "project.tar.gz"
    run("export", project.asset, str(file))
    elsewhere("ann", "bob")
    run("restore", str(file))
    project.change_hook(name="Renamed")
    before = stored(project.app.settings.data_table)
    again = run("restore", str(file))
    assert (again.code, "Switched off" in again.remarks) == (0, False)
    assert stored(project.app.settings.data_table) == before


def test_rights_of_users_that_are_not_there_are_left_out(
    project: World, run: Run, elsewhere: Callable[..., None], tmp_path: Path
) -> None:
    file = tmp_path / "project.tar.gz"
    run("export", project.asset, str(file))
    elsewhere("ann")
    assert "without their rights: bob." in run("restore", str(file)).remarks
    project.app.add_user("bob")
    assert project.app.get(f"/api/v2/assets/{project.asset}/", user="bob").status == 404


def test_the_owner_has_to_be_there(
    project: World, run: Run, elsewhere: Callable[..., None], tmp_path: Path
) -> None:
    file = tmp_path / "project.tar.gz"
    run("export", project.asset, str(file))
    elsewhere("bob")
    refused = run("restore", str(file))
    assert (refused.code, stored(project.app.settings.data_table)) == (1, [])
    assert "make the account ann first" in refused.remarks


def test_no_credential_is_in_the_file(project: World, run: Run, tmp_path: Path) -> None:
    file = tmp_path / "project.tar.gz"
    run("export", project.asset, str(file))
    sealed = table.get(project.app.settings.data_table, keys.hook(project.asset, project.hook)) or {}
    assert sealed["sealed"]
    with tarfile.open(file) as archive:
        for entry in archive:
            content = archive.extractfile(entry)
            assert content is not None
            if entry.name.startswith("project/"):
                for item in map(json.loads, content):
                    assert not item["item"].get("sealed", {}).get("L"), item
                    assert not item["item"].get("signing", {}).get("L"), item


def test_neither_a_file_is_overwritten_nor_a_missing_project_exported(
    project: World, run: Run, tmp_path: Path
) -> None:
    file = tmp_path / "project.tar.gz"
    file.write_bytes(b"mine")
    assert run("export", project.asset, str(file)).code == 1
    assert file.read_bytes() == b"mine"
    assert run("export", "a" + "2" * 21, str(tmp_path / "other")).code == 1
    assert [path.name for path in tmp_path.iterdir()] == ["project.tar.gz"]


def archive(*members: tuple[str, bytes]) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as made:
        for name, data in members:
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            made.addfile(entry, io.BytesIO(data))
    return file.getvalue()


ASSET = "a" + "2" * 21
MANIFEST = ("manifest.json", json.dumps({"version": 1, "asset": ASSET, "owner": "ann"}).encode())
OTHER = json.dumps({"item": {"pk": {"S": "A#a" + "3" * 21}, "sk": {"S": "S"}}}).encode()
SUPERUSER = json.dumps(
    {"item": {"pk": {"S": "U#ann"}, "sk": {"S": "U"}, "superuser": {"BOOL": True}}}
).encode()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no archive",
        archive(),
        archive(("manifest.json", b"{}")),
        archive(("manifest.json", b'{"version": 2}')),
        archive(MANIFEST, ("project/000001.jsonl", b"{\n")),
        archive(MANIFEST, ("project/000001.jsonl", b"[]\n")),
        archive(MANIFEST, ("project/000001.jsonl", OTHER)),
        archive(MANIFEST, ("project/000001.jsonl", SUPERUSER)),
        archive(MANIFEST, ("objects/attachments/other/x/y", b"")),
        archive(MANIFEST, (f"objects/attachments/{ASSET}/../../x", b"")),
        archive(MANIFEST, ("somewhere/else", b"")),
        archive(MANIFEST),
        archive(MANIFEST, ("end.json", b"{}"))[:100],
    ],
    # Not the bytes, which have the time in them: processes that share tests out have to agree on their names.
    ids=[
        "nothing", "no archive", "empty", "no version", "other version", "no line", "no row", "other project",
        "account", "other attachment", "out of its folder", "somewhere else", "no end", "cut off",
    ],
)  # fmt: skip
def test_a_file_that_is_no_archive_or_reaches_beyond_its_project_is_refused(
    app: App, run: Run, tmp_path: Path, content: bytes
) -> None:
    file = tmp_path / "bad"
    file.write_bytes(content)
    refused = run("restore", str(file))
    assert (refused.code, refused.output) == (1, "")
    assert refused.remarks.startswith(str(file))
    assert stored(app.settings.data_table) == []
