"""Two projects, a private and a public one, with something of every kind in each, and everybody who could ask for it.

For tests that go through all routes: requests have real objects in their paths, so that only rights decide.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import pytest

from formrelay.api.access import CALLERS
from formrelay.settings import Settings, settings
from formrelay.storage import signups
from formrelay.unsubscribe import hook_token
from tests.support.app import FORM, Answer, App, Parts, install
from tests.support.aws import restored
from tests.support.exports import SETTINGS
from tests.support.sharing import row_of, share, url_path

OWNER = "owner"
CONFIRMATION = "c" * 40
# Nothing listens there.
_NOWHERE = "http://127.0.0.1:9/"
_DATA = "/api/v2/assets/{asset}/data"
_ROWS = [{"_submitted_by": OWNER}]
_RIGHTS: Mapping[str, Mapping[str, Any]] = {
    "form viewer": {"view_asset": {}},
    "viewer": {"view_submissions": {}},
    "row viewer": {"partial_submissions": {"view": _ROWS}},
    "editor": {"change_asset": {}, "change_submissions": {}},
    "manager": {"manage_asset": {}},
}


def username(caller: str) -> str:
    return caller.replace(" ", "_")


@dataclass
class Project:
    """What stands in the paths of requests about one project, and an instance to send to it.

    ``tokens`` has those that links of mails carry, by their paths.
    """

    parameters: dict[str, str]
    tokens: dict[str, str]
    instance: str


@dataclass
class Scene:
    app: App
    private: Project
    public: Project
    former_key: str
    """That its user revoked."""

    def call(self, operation: str, caller: str, *, key: str | None = None) -> Answer:
        """A request of that caller, or with that key; whatever it changes is undone."""
        method, _, pattern = operation.partition(" ")
        project = self.public if caller == "public" else self.private
        user = None if caller in ("anonymous", "public") else username(caller)
        headers = {"authorization": f"Token {key}"} if key else {}
        path = pattern.format_map(project.parameters)
        query = urlencode({"token": self.private.tokens[path]}) if path in self.private.tokens else ""
        body = _body(operation, project.parameters)
        if body is not None:
            headers["content-type"] = "application/json"
        sent = b"" if body is None else json.dumps(body).encode()
        if key or method in ("GET", "HEAD"):
            return self.app.call(method, path, query=query, user=user, headers=headers)
        with restored(self.app.settings):
            if pattern.rpartition("/")[2] in ("submission", "submissions"):
                parts: Parts = [("xml_submission_file", ("instance.xml", project.instance, "text/xml"))]
                return self.app.send_form(method, path, parts, user=user, headers=headers)
            return self.app.call(method, path, query=query, user=user, body=sent, headers=headers)


@contextmanager
def scene(aws: Settings) -> Iterator[Scene]:
    """The scene on empty storage; nothing of it is changed by the calls of tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FORMRELAY_ALLOW_NETWORKS", "127.0.0.0/8")
        patch.setenv("FORMRELAY_OPEN_SIGNUP", "true")
        settings.cache_clear()
        app = install(settings(), patch)
        for caller in CALLERS:
            if caller not in ("anonymous", "public"):
                app.add_user(username(caller), superuser=caller == "superuser")
        app.add_user("recipient")
        former_key = app.add_user("former")
        assert app.call("DELETE", "/token/", user="former").status == 204
        private, public = _project(app), _project(app)
        for caller, rights in _RIGHTS.items():
            for codename, filters in rights.items():
                asset = private.parameters["asset"]
                made = share(app, asset, username(caller), codename, user=OWNER, **filters)
                assert made.status == 201, made.text
        for codename in ("view_submissions", "add_submissions"):
            asset = public.parameters["asset"]
            assert share(app, asset, "AnonymousUser", codename, user=OWNER).status == 201
        yield Scene(app, private, public, former_key)


def _body(operation: str, parameters: Mapping[str, str]) -> Any:
    """The body of operations that say nothing about rights without one."""
    if operation in (f"PATCH {_DATA}/bulk", f"DELETE {_DATA}/bulk"):
        return {"payload": {"submission_ids": [int(parameters["id"])], "data": {"name": "Bea"}}}
    if operation in (f"PATCH {_DATA}/validation_statuses", f"DELETE {_DATA}/validation_statuses"):
        approved = None if operation.startswith("DELETE") else "validation_status_approved"
        chosen = [int(parameters["id"])]
        return {"payload": {"submission_ids": chosen, "validation_status.uid": approved}}
    if operation == f"PATCH {_DATA}/{{id}}/validation_status":
        return {"validation_status.uid": "validation_status_approved"}
    if operation == "POST /api/v2/assets/bulk":
        return {"payload": {"asset_uids": [parameters["asset"]], "action": "archive"}}
    if operation == "DELETE /api/v2/assets/{asset}/permission-assignments/bulk":
        return {"username": "manager"}
    return None


def _project(app: App) -> Project:
    asset = app.deploy(FORM, user=OWNER)
    root = f"/api/v2/assets/{asset}"
    media = {"base64Encoded": "base64:MQ==", "metadata": {"filename": "villages.csv"}}
    file = app.send("POST", f"{root}/files/", media, user=OWNER).json()["uid"]
    assert app.send("PATCH", f"{root}/deployment/", user=OWNER).status == 200
    hook = app.add_hook(asset, _NOWHERE, user=OWNER)
    filled = app.filled(asset, {"name": "Ana", "photo": "p.jpg"}, user=OWNER)
    assert app.submit(filled, {"p.jpg": b"photo"}, user=OWNER).status == 201
    app.deliver()
    (record,) = app.records(asset, user=OWNER)
    (log,) = app.get(f"{root}/hooks/{hook}/logs/", user=OWNER).json()["results"]
    job = app.send("POST", f"{root}/hooks/{hook}/replay/", {"all": True}, user=OWNER).json()["url"]
    task = app.send("POST", "/api/v2/imports/", {"base64Encoded": "MQ=="}, user=OWNER).json()
    export = app.send("POST", f"{root}/exports/", SETTINGS, user=OWNER).json()["uid"]
    saved = {"name": "Power BI", "export_settings": SETTINGS}
    setting = app.send("POST", f"{root}/export-settings/", saved, user=OWNER).json()["uid"]
    result = app.get(f"{root}/exports/{export}/", user=OWNER).json()["result"]
    signup = {"username": "newcomer", "email": "x@example.org", "password": "", "details": {}}
    signups.put(CONFIRMATION, {**signup, "expires": int(time.time()) + 86_400})
    offer = {"recipient": "users/recipient", "assets": [asset]}
    invite = app.send("POST", "/api/v2/project-ownership/invites/", offer, user=OWNER).json()
    parameters = {
        "access_csv": _exported(app, "/api/v2/access-logs/me"),
        "history_csv": _exported(app, f"{root}/history"),
        "asset": asset,
        "export": export,
        "result": result.rpartition("/")[2],
        "setting": setting,
        "assignment": url_path(row_of(app, asset, OWNER, "view_asset", user=OWNER)).split("/")[-2],
        "attachment": record["_attachments"][0]["uid"],
        "codename": "view_asset",
        "file": file,
        "digest": "today",
        "part": "app.js",
        "hook": hook,
        "id": str(record["_id"]),
        "invite": invite["url"].split("/")[-2],
        "job": job.split("/")[-2],
        "log": log["uid"],
        "name": f"{file}.csv",
        "size": "small",
        "task": task["uid"],
        "transfer": invite["transfers"][0]["url"].split("/")[-2],
        "username": OWNER,
        "version": app.get(f"{root}/", user=OWNER).json()["version_id"],
    }
    tokens = {"/signup/confirm": CONFIRMATION, "/unsubscribe": hook_token(OWNER, hook)}
    return Project(parameters, tokens, app.filled(asset, {"name": "Bo"}, user=OWNER))


def _exported(app: App, log: str) -> str:
    assert app.send("POST", f"{log}/export/", user=OWNER).status == 202
    uid: str = app.get(f"{log}/export/", user=OWNER).json()[0]["uid"]
    return uid
