"""Media files over many changes in any order, and when processes die in between."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from xml.etree import ElementTree as ET

import pytest

from tests.support.app import FORM, App
from tests.support.aws import objects
from tests.support.calls import crashing, failing

_SPACE = "{http://openrosa.org/xforms/xformsManifest}"


@dataclass
class Files:
    """A form, and what its files have to be: ``kept`` by its owner, ``told`` to devices; name → bytes."""

    app: App
    asset: str
    kept: dict[str, bytes] = field(default_factory=dict)
    told: dict[str, bytes] = field(default_factory=dict)

    @property
    def path(self) -> str:
        return f"/api/v2/assets/{self.asset}/files/"

    def add(self, name: str, data: bytes) -> int:
        return self.app.send_form("POST", self.path, [("content", (name, data, None))]).status

    def uids(self) -> dict[str, str]:
        results = self.app.get(self.path).json()["results"]
        return {file["metadata"]["filename"]: file["uid"] for file in results}

    def delete(self, uid: str) -> int:
        return self.app.call("DELETE", self.path + uid).status

    def deploy(self) -> int:
        return self.app.call("PATCH", f"/api/v2/assets/{self.asset}/deployment/").status

    def manifest(self) -> dict[str, bytes]:
        """Name → bytes, as a device gets them."""
        root = ET.fromstring(self.app.get(f"/xformsManifest/{self.asset}").body)  # noqa: S314 (our own answer)
        urls = {
            file.findtext(_SPACE + "filename", ""): file.findtext(_SPACE + "downloadUrl", "") for file in root
        }
        return {
            name: self.app.get(url.removeprefix("https://kf.example.org")).body for name, url in urls.items()
        }

    def contents(self) -> dict[str, bytes]:
        """Name → bytes, as the owner gets them."""
        return {name: self.app.get(f"{self.path}{uid}/content/").body for name, uid in self.uids().items()}

    def stored(self) -> int:
        return sum(key.startswith("media/") for key in objects(self.app.settings.bucket))


@pytest.fixture
def files(app: App) -> Files:
    return Files(app, app.deploy(FORM))


@pytest.mark.parametrize("seed", range(3))
def test_owner_and_devices_see_what_they_should_after_any_changes(files: Files, seed: int) -> None:
    rng = random.Random(seed)
    for _ in range(40):
        name = rng.choice(("a.csv", "b.csv", "c.jpg", "d.xml"))
        act = rng.choice(("add", "add", "delete", "deploy"))
        if act == "add":
            data = rng.randbytes(rng.randint(1, 9))
            assert files.add(name, data) == (400 if name in files.kept else 201)
            files.kept.setdefault(name, data)
        elif act == "delete" and name in files.kept:
            assert files.delete(files.uids()[name]) == 204
            del files.kept[name]
        elif act == "deploy":
            assert files.deploy() == 200
            files.told = dict(files.kept)
    assert files.contents() == files.kept
    assert files.manifest() == files.told
    replaced = sum(1 for name, data in files.told.items() if files.kept.get(name) != data)
    assert files.stored() == len(files.kept) + replaced


@pytest.mark.parametrize("operation", ["s3.PutObject", "dynamodb.Query", "dynamodb.TransactWriteItems"])
def test_an_upload_that_dies_is_not_there_and_can_be_made_again(files: Files, operation: str) -> None:
    # The first query finds the project.
    with crashing(operation, 2 if operation == "dynamodb.Query" else 1):
        files.add("a.csv", b"1")
    assert files.contents() == {}
    assert files.add("a.csv", b"1") == 201
    assert files.contents() == {"a.csv": b"1"}


def test_a_deletion_that_dies_behind_its_write_is_done(files: Files) -> None:
    files.add("a.csv", b"1")
    with crashing("s3.DeleteObject"):
        files.delete(files.uids()["a.csv"])
    assert files.contents() == {}
    assert files.add("a.csv", b"2") == 201


@pytest.mark.parametrize("operation", ["dynamodb.TransactWriteItems", "s3.DeleteObject"])
def test_a_deployment_that_dies_tells_devices_of_either_all_or_nothing(files: Files, operation: str) -> None:
    files.add("a.csv", b"1")
    assert files.deploy() == 200
    files.delete(files.uids()["a.csv"])
    files.add("b.csv", b"2")
    with crashing(operation):
        files.deploy()
    before, after = {"a.csv": b"1"}, {"b.csv": b"2"}
    assert files.manifest() == (before if operation == "dynamodb.TransactWriteItems" else after)
    assert files.deploy() == 200
    assert files.manifest() == after


def test_bytes_that_cannot_be_stored_make_no_file(files: Files) -> None:
    with failing("s3.PutObject", "SlowDown"):
        assert files.add("a.csv", b"1") >= 500
    assert files.contents() == {}
