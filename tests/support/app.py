"""The functions, called as API Gateway, SQS and Lambda call them, on moto's storage.

Nothing of formrelay is replaced: only Lambda Invoke, which moto cannot do without Docker, calls the handlers here.
"""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode

import requests
from botocore.exceptions import ClientError

from formrelay import aws as clients
from formrelay import clock, passwords
from formrelay.accounts import create_account
from formrelay.settings import Settings
from functions.api import app as api
from functions.compile import app as compile_
from functions.deliver import app as deliver
from functions.export import app as export
from functions.image import app as image
from functions.ingest import app as ingest
from functions.openrosa import app as openrosa
from functions.recover import app as recover
from functions.report import app as report
from tests.support.aws import messages
from tests.support.forms import fill

BASE = "https://kf.example.org"
PASSWORD = "correct horse"
# Fields of a form: several with one name are several parts.
Parts = list[tuple[str, tuple[str | None, bytes | str, str | None]]]


# What Lambda takes of a message, and of its answer.
MAX_MESSAGE = 6 * 1024 * 1024


class LambdaContext:
    """As much of Lambda's context as handlers use."""

    def __init__(self, seconds: float = 40) -> None:
        self._milliseconds = int(seconds * 1000)

    def get_remaining_time_in_millis(self) -> int:
        return self._milliseconds


class LambdaClient:
    """Invoke, answered by the handlers in this process; ``down`` names functions that cannot be reached.

    Who does not wait for an answer gets none; with ``held`` as a list such calls are kept there instead of made.
    """

    def __init__(self, names: Settings) -> None:
        self.down: set[str] = set()
        self.seconds = 900.0
        self.held: list[dict[str, Any]] | None = None
        self._handlers: dict[str, Callable[[Any, Any], Any]] = {
            names.compile_function: compile_.handler,
            names.deliver_function: deliver.handler,
            names.image_function: image.handler,
            names.export_function: export.handler,
        }

    def invoke(
        self,
        FunctionName: str,  # noqa: N803 - AWS's names
        Payload: bytes,  # noqa: N803
        InvocationType: str = "RequestResponse",  # noqa: N803
    ) -> dict[str, Any]:
        if FunctionName in self.down:
            return {"FunctionError": "Unhandled", "Payload": io.BytesIO(b'{"errorMessage":"timed out"}')}
        if InvocationType == "Event" and self.held is not None:
            self.held.append(json.loads(Payload))
            return {"StatusCode": 202}
        if InvocationType == "Event":
            with suppress(Exception):  # nobody waits for it
                self._handlers[FunctionName](json.loads(Payload), LambdaContext(self.seconds))
            return {"StatusCode": 202}
        if len(Payload) > MAX_MESSAGE:
            raise ClientError({"Error": {"Code": "RequestEntityTooLargeException"}}, "Invoke")
        answer = json.dumps(self._handlers[FunctionName](json.loads(Payload), LambdaContext())).encode()
        if len(answer) > MAX_MESSAGE:
            too_large = {"errorType": "Function.ResponseSizeTooLarge"}
            return {"FunctionError": "Unhandled", "Payload": io.BytesIO(json.dumps(too_large).encode())}
        return {"Payload": io.BytesIO(answer)}


@dataclass
class Answer:
    """An HTTP answer as the client gets it."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class App:
    """One deployment with users; ``user`` names who calls, None for nobody."""

    settings: Settings
    lambdas: LambdaClient
    keys: dict[str, str] = field(default_factory=dict)

    def add_user(self, name: str, *, superuser: bool = False) -> str:
        key = create_account(name, PASSWORD, f"{name}@example.org", superuser=superuser)
        assert key is not None
        self.keys[name] = key
        return key

    def call(
        self,
        method: str,
        path: str,
        *,
        user: str | None = "ann",
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
        query: str = "",
        address: str = "203.0.113.9",
    ) -> Answer:
        """One request through the function that the gateway would choose."""
        sent = {"host": "kf.example.org", "x-forwarded-proto": "https", **(headers or {})}
        if user and "authorization" not in sent:
            sent["authorization"] = f"Token {self.keys[user]}"
        event = {
            "version": "2.0",
            "rawPath": path,
            "rawQueryString": query,
            "headers": sent,
            "requestContext": {
                "stage": "$default",
                "domainName": "kf.example.org",
                "http": {"method": method, "path": path, "sourceIp": address},
            },
            "body": base64.b64encode(body).decode(),
            "isBase64Encoded": True,
        }
        answer = _function(path)(event, LambdaContext(29))
        raw = answer["body"]
        content = base64.b64decode(raw) if answer.get("isBase64Encoded") else raw.encode()
        return Answer(answer["statusCode"], answer["headers"], content)

    def get(self, path: str, *, user: str | None = "ann", **parameters: str) -> Answer:
        return self.call("GET", path, user=user, query=urlencode(parameters, quote_via=quote))

    def send(self, method: str, path: str, data: Any = None, *, user: str | None = "ann") -> Answer:
        """A request with a JSON body."""
        body = b"" if data is None else json.dumps(data).encode()
        return self.call(method, path, user=user, body=body, headers={"content-type": "application/json"})

    def send_form(
        self,
        method: str,
        path: str,
        parts: Parts,
        *,
        user: str | None = "ann",
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """A multipart request, as ``requests`` encodes it."""
        prepared = requests.Request(method, BASE + path, files=parts).prepare()
        assert isinstance(prepared.body, bytes)
        sent = {"content-type": prepared.headers["Content-Type"], **(headers or {})}
        return self.call(method, path, user=user, body=prepared.body, headers=sent)

    # What tests need again and again

    def deploy(self, content: Mapping[str, Any], *, user: str = "ann", name: str = "Households") -> str:
        """A deployed project with that form; its uid."""
        data = {"name": name, "asset_type": "survey", "content": content}
        made = self.send("POST", "/api/v2/assets/", data, user=user)
        assert made.status == 201, made.text
        uid: str = made.json()["uid"]
        deployed = self.send("POST", f"/api/v2/assets/{uid}/deployment/", {"active": True}, user=user)
        assert deployed.status == 200, deployed.text
        return uid

    def add_hook(self, asset: str, endpoint: str, *, user: str = "ann", **fields: Any) -> str:
        data = {"name": "ERP", "endpoint": endpoint, **fields}
        made = self.send("POST", f"/api/v2/assets/{asset}/hooks/", data, user=user)
        assert made.status == 201, made.text
        uid: str = made.json()["uid"]
        return uid

    def filled(
        self, asset: str, values: Mapping[str, Any], instance_id: str | None = None, *, user: str = "ann"
    ) -> str:
        """An instance of a deployed form, as ODK Collect makes it."""
        form = self.get(f"/forms/{asset}/form.xml", user=user)
        assert form.status == 200, form.text
        return fill(form.text, values, instance_id)

    def submit(
        self,
        xml: str,
        files: Mapping[str, bytes] | None = None,
        *,
        user: str | None = "ann",
        path: str = "/submission",
        incomplete: bool = False,
    ) -> Answer:
        """A submission as ODK Collect posts it."""
        parts: Parts = [("xml_submission_file", ("instance.xml", xml, "text/xml"))]
        parts += [(name, (name, data, "image/jpeg")) for name, data in (files or {}).items()]
        if incomplete:
            parts.append(("*isIncomplete*", (None, "yes", None)))
        return self.send_form("POST", path, parts, user=user, headers={"x-openrosa-version": "1.0"})

    def records(self, asset: str, *, user: str = "ann") -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.get(f"/api/v2/assets/{asset}/data/", user=user).json()["results"]
        return found

    def logs(self, asset: str, hook: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.get(f"/api/v2/assets/{asset}/hooks/{hook}/logs/").json()["results"]
        return found

    # The functions behind queues and timers

    def deliver(self) -> list[dict[str, Any]]:
        """Delivers everything that is queued, ten messages at a time; returns the messages, delays included."""
        names = self.settings
        taken = [m for q in (names.first_queue, names.retry_queue, names.replay_queue) for m in messages(q)]
        for i in range(0, len(taken), 10):
            records = [
                {"messageId": str(j), "body": json.dumps(m.body)} for j, m in enumerate(taken[i : i + 10])
            ]
            answer = deliver.handler({"Records": records}, LambdaContext())
            assert answer == {"batchItemFailures": []}
        return [{**m.body, "delay": m.delay, "group": m.group} for m in taken]

    def export(self) -> list[str]:
        """Makes the calls to export that were held, and says how they ended."""
        held = self.lambdas.held or []
        self.lambdas.held = []
        return [self._export(call) for call in held]

    def _export(self, call: dict[str, Any]) -> str:
        try:
            return export.handler(call, LambdaContext(self.lambdas.seconds))["ended"]
        except Exception:
            return "failed"

    def recover(self) -> dict[str, Any]:
        return recover.handler({}, LambdaContext(60))

    def report(self) -> None:
        """Runs the report function on everything that is queued for it."""
        records = [
            {"messageId": str(i), "body": json.dumps(m.body)}
            for i, m in enumerate(messages(self.settings.report_queue))
        ]
        assert report.handler({"Records": records}, LambdaContext()) == {"batchItemFailures": []}


def _function(path: str) -> Any:
    last = path.rstrip("/").rpartition("/")[2]
    if last == "submission" or path == "/api/v1/submissions":
        return ingest.handler
    if not path.startswith("/api/") and any(
        name in path for name in ("/formList", "/forms/", "/xformsManifest/", "/xformsMedia/")
    ):
        return openrosa.handler
    return api.handler


class Clock:
    """A clock that tests move; sleeping moves it too."""

    def __init__(self, monkeypatch: Any, start: float = 1_785_658_205.0) -> None:
        self.time = start
        monkeypatch.setattr(clock, "now", lambda: self.time)
        monkeypatch.setattr(clock, "sleep", self.forward)

    def forward(self, seconds: float) -> None:
        self.time += max(0.0, seconds)


def install(settings: Settings, monkeypatch: Any) -> App:
    """The deployment of a test, with the user ``ann``."""
    # Hashing a password slowly is a matter of production; every test makes an account.
    monkeypatch.setattr(passwords, "_N", 2)
    lambdas = LambdaClient(settings)
    monkeypatch.setattr(clients, "lambda_", lambda: lambdas)
    monkeypatch.setattr("formrelay.functions.lambda_", lambda: lambdas)
    app = App(settings, lambdas)
    app.add_user("ann")
    return app


FORM: dict[str, Any] = {
    "survey": [
        {"type": "text", "name": "name", "label": "Name"},
        {"type": "integer", "name": "age", "label": "Age"},
        {"type": "begin_repeat", "name": "member", "label": "Member"},
        {"type": "text", "name": "who", "label": "Who"},
        {"type": "end_repeat"},
        {"type": "geopoint", "name": "gps", "label": "Where"},
        {"type": "image", "name": "photo", "label": "Photo"},
    ],
}
