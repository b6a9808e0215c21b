"""Every operation that the API describes, called over HTTP with what its description allows and what it does not.

Whatever is sent: no error of ours, no status, media type or shape that the description does not name. The examples
are the same at every run; ``FUZZ_EXAMPLES=500`` looks further.
"""

from __future__ import annotations

import base64
import json
import os
import socket
from collections.abc import Iterator
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.strategies import one_of, sampled_from
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi import checks

from formrelay.api.exports import EXAMPLE as EXPORT
from formrelay.api.main import ROUTES
from formrelay.api.openapi.document import document
from tests.support.app import BASE, App
from tests.support.gateway import gateway
from tests.support.receiver import Answer
from tests.support.world import World

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "10"))
PROMISES = [
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
]
# A copy: what it reads, schemathesis changes.
API = schemathesis.openapi.from_dict(json.loads(json.dumps(document(ROUTES, BASE))))
XLSFORM = base64.b64encode(b"type,name,label\ntext,q1,Q1\n").decode()


# What takes things away comes last, and of that what is part of something before the whole.
_ORDER = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")


def _groups() -> dict[str, list[Any]]:
    """The operations by their heading: those of one share a world."""
    groups: dict[str, list[Any]] = {}
    for found in API.get_all_operations():
        assert isinstance(found, Ok), found
        operation = found.ok()
        groups.setdefault((operation.tags or [""])[0], []).append(operation)
    for operations in groups.values():
        operations.sort(key=lambda one: (_ORDER.index(one.method.upper()), -one.path.count("/"), one.path))
    return groups


GROUPS = _groups()


@pytest.fixture(autouse=True)
def _no_names(monkeypatch: pytest.MonkeyPatch) -> None:
    """Host names that examples make up are looked up nowhere."""
    ask = socket.getaddrinfo

    def numbers_only(host: Any, *rest: Any, **more: Any) -> Any:
        more["flags"] = more.get("flags", 0) | socket.AI_NUMERICHOST
        return ask(host, *rest, **more)

    monkeypatch.setattr(socket, "getaddrinfo", numbers_only)


@pytest.fixture
def served(world: World) -> Iterator[str]:
    with gateway() as url:
        yield url


@pytest.fixture
def known(world: World) -> dict[str, str]:
    """Names of one thing of every kind; bob may see the project and its submissions."""
    app = world.app
    app.add_user("bob")
    rights = f"/api/v2/assets/{world.asset}/permission-assignments/"
    for right in ("view_asset", "view_submissions"):
        links = {"user": f"{BASE}/api/v2/users/bob/", "permission": f"{BASE}/api/v2/permissions/{right}/"}
        given = app.send("POST", rights, links)
        assert given.status == 201, given.text
    photo = app.filled(world.asset, {"name": "Ana", "photo": "me.jpg"})
    assert app.submit(photo, {"me.jpg": b"\xff\xd8"}).status == 201
    world.run(10)
    world.receiver.answer = Answer(503)
    world.submit(name="Bo")
    world.run(10)
    world.receiver.answer = Answer(200)
    hook = world.hook_path()
    job = app.send("POST", f"{hook}replay/", {"all": True})
    task = app.send("POST", "/api/v2/imports/", {"base64Encoded": XLSFORM, "name": "f.csv", "library": False})
    media = {"base64Encoded": XLSFORM, "metadata": {"filename": "places.csv"}}
    file = app.send("POST", f"/api/v2/assets/{world.asset}/files/", media)
    assert app.send("PATCH", f"/api/v2/assets/{world.asset}/deployment/").status == 200
    exported = app.send("POST", f"/api/v2/assets/{world.asset}/exports/", EXPORT).json()
    url = f"/api/v2/assets/{world.asset}/exports/{exported['uid']}/"
    saved = {"name": "All", "export_settings": EXPORT}
    setting = app.send("POST", f"/api/v2/assets/{world.asset}/export-settings/", saved)
    sid = world.sids()[-1]
    record = app.get(f"/api/v2/assets/{world.asset}/data/{sid}/").json()
    return {
        "assignment": given.json()["url"].split("/")[-2],
        "asset": world.asset,
        "attachment": record["_attachments"][0]["uid"],
        "export": exported["uid"],
        "file": file.json()["uid"],
        "hook": world.hook,
        "id": str(sid),
        "job": job.json()["uid"],
        "log": world.log(sid)["uid"],
        "name": f"{file.json()['uid']}.csv",
        "codename": "view_asset",
        "part": "api.js",
        "result": app.get(url).json()["result"].rpartition("/")[2],
        "setting": setting.json()["uid"],
        "size": "small",
        "task": task.json()["uid"],
        "username": "ann",
        "version": app.get(f"/api/v2/assets/{world.asset}/versions/").json()["results"][0]["uid"],
    }


@pytest.mark.parametrize("name", sorted(GROUPS))
def test_every_answer_is_one_that_the_description_names(
    name: str, app: App, served: str, known: dict[str, str]
) -> None:
    for operation in GROUPS[name]:
        ask(operation, served, known, [*[f"Token {app.keys['ann']}"] * 3, f"Token {app.keys['bob']}", None])


def ask(operation: Any, url: str, known: dict[str, str], callers: list[str | None]) -> None:
    """Calls with good and bad values, of things that are there and that are not."""
    names = [parameter.name for parameter in operation.path_parameters]
    there = {name: known[name] for name in names if name in known}
    good, bad = schemathesis.GenerationMode.POSITIVE, schemathesis.GenerationMode.NEGATIVE
    strategies = [
        operation.as_strategy(mode, path_parameters=path)
        for mode, path in ((good, there), (good, there), (good, None), (bad, there), (bad, None))
    ]

    @settings(
        max_examples=EXAMPLES,
        phases=[Phase.generate],
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(case=one_of(strategies), caller=sampled_from(callers))
    def called(case: Any, caller: str | None) -> None:
        if isinstance(case.body, dict) and "submission" in case.body:
            case.body["id"] = known["asset"]
        # None takes the header away that an example may have.
        with requests.Session() as session:
            case.call_and_validate(
                base_url=url, session=session, headers={"Authorization": caller}, checks=PROMISES
            )

    called()
