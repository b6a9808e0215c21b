"""The built functions and layers, with nothing else on the path, answer one event each (tests/events)."""

from __future__ import annotations

import io
import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.support.template import ROOT, functions
from tests.template.conftest import RUNNABLE, Account, Target

EVENTS = ROOT / "tests" / "events"
USERNAME, PASSWORD = "demo", "correct-horse"  # of the Authorization header in the events
Builder = Callable[[Target], Path]

# Arguments: logical folder of the function, then those of its layers; the event comes on standard input.
INVOKE = """
import json, sys
sys.path[:0] = sys.argv[1:]
from app import handler

class Context:
    aws_request_id = "c6af9ac6-7b61-11e6-9a41-93e8deadbeef"
    def get_remaining_time_in_millis(self):
        return 30000

answer = handler(json.load(sys.stdin), Context())
foreign = [name for name, module in sys.modules.items()
           if "site-packages" in (getattr(module, "__file__", None) or "")]
print(json.dumps({"answer": answer, "foreign": foreign}))
"""

CREATE = """
import sys
sys.path[:0] = sys.argv[1:3]
from formrelay.accounts import create_account
from formrelay.storage import blobs
create_account(sys.argv[3], sys.argv[4], "demo@example.org")
blobs.put(sys.argv[5], bytes.fromhex(sys.stdin.read()))
"""


def clean_run(target: Target, code: str, words: list[str], text: str, environment: dict[str, str]) -> str:
    """Runs code isolated from this environment's packages; returns what it prints last."""
    done = subprocess.run(
        [str(target.interpreter), "-I", "-S", "-B", "-c", code, *words],
        input=text,
        env={"PATH": os.environ["PATH"], "HOME": "/nonexistent", **environment},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout.splitlines()[-1] if done.stdout else ""


LAYERS_OF = {"compile": ["HeavyLayer"], "image": ["ImagingLayer"]}


def invoke(target: Target, folder: Path, name: str, account: Account) -> Any:
    """The answer of a built function to its event."""
    layers = ["FormrelayLayer", *LAYERS_OF.get(name, ())]
    path = [
        str(folder / f"{name.capitalize()}Function"),
        *(str(folder / layer / "python") for layer in layers),
    ]
    event = (EVENTS / f"{name}.json").read_text("utf-8")
    said = json.loads(clean_run(target, INVOKE, path, event, account.variables(name) | account.environment))
    assert said["foreign"] == []
    return said["answer"]


@pytest.fixture(scope="session")
def with_account(deployed: Account, built: Builder) -> Account:
    """The deployment, with the account that the events sign in with, and the picture that one is about."""
    target = RUNNABLE[0]
    path = [str(built(target) / "ApiFunction"), str(built(target) / "FormrelayLayer" / "python")]
    environment = deployed.variables("api") | deployed.environment
    source = json.loads((EVENTS / "image.json").read_text("utf-8"))["source"]
    picture = io.BytesIO()
    Image.new("RGB", (300, 200)).save(picture, "JPEG")
    words = [*path, USERNAME, PASSWORD, source]
    clean_run(target, CREATE, words, picture.getvalue().hex(), environment)
    return deployed


def ingest(answer: Any) -> None:
    assert answer["statusCode"] == 204
    headers = {name.lower(): value for name, value in answer["headers"].items()}
    assert headers["x-openrosa-accept-content-length"] == "4000000"


def openrosa(answer: Any) -> None:
    assert answer["statusCode"] == 200
    assert "http://openrosa.org/xforms/xformsList" in answer["body"]


def api(answer: Any) -> None:
    assert answer["statusCode"] == 200
    assert json.loads(answer["body"])["count"] == 0


def sqs_batch(answer: Any) -> None:
    assert answer == {"batchItemFailures": []}


def bounce(answer: Any) -> None:
    assert answer == {"marked": 1}


def recover(answer: Any) -> None:
    assert answer == {}


def compile_(answer: Any) -> None:
    assert "<h:html" in answer["xform"]
    assert answer["shape"] == {"repeats": ["member"], "geopoints": ["place"], "media": []}


def image(answer: Any) -> None:
    assert answer == {"made": True}


def export(answer: Any) -> None:
    assert answer == {"ended": "nothing to do"}


EXPECTED: dict[str, Callable[[Any], None]] = {
    "ingest": ingest,
    "openrosa": openrosa,
    "api": api,
    "deliver": sqs_batch,
    "report": sqs_batch,
    "bounce": bounce,
    "recover": recover,
    "compile": compile_,
    "image": image,
    "export": export,
}


def test_there_is_an_event_for_every_function() -> None:
    assert {path.stem for path in EVENTS.glob("*.json")} == set(functions()) == set(EXPECTED)


@pytest.mark.parametrize("target", RUNNABLE, ids=str)
@pytest.mark.parametrize("name", functions())
def test_built_function_answers_its_event(
    name: str, target: Target, built: Builder, with_account: Account
) -> None:
    EXPECTED[name](invoke(target, built(target), name, with_account))
