"""The deployment that all worlds begin with: one owner, one form; made once through the API, then copied."""

from __future__ import annotations

import random
from dataclasses import dataclass
from functools import cache
from typing import Any

from formrelay.settings import settings
from functions.compile import app as compile_
from tests.simulation.backend import Backend, installed
from tests.simulation.patches import patched
from tests.simulation.receivers import ALLOWED
from tests.simulation.seam import Seam
from tests.support.app import App

OWNER = "ann"
START = 1_785_658_205.0
_FORM: dict[str, Any] = {
    "survey": [
        {"type": "text", "name": "name", "label": "Name"},
        {"type": "image", "name": "photo", "label": "Photo"},
        {"type": "image", "name": "roof", "label": "Roof"},
    ]
}
# Small numbers, so that a short life of a small world has pauses, probes, drains and ends of both.
VARIABLES = {
    "FORMRELAY_ALLOW_NETWORKS": ALLOWED,
    "FORMRELAY_PAUSE_FAILURES": "3",
    "FORMRELAY_PAUSE_AFTER": "30",
    "FORMRELAY_PUBLIC_URL": "https://kf.example.org",
}


@dataclass(frozen=True)
class Deployment:
    """What was made: storage to copy, the owner's key, the form and a filled-in instance to vary."""

    backend: Backend
    keys: dict[str, str]
    asset: str
    instance: str


@cache
def deployment() -> Deployment:
    """The deployment of this process."""
    seam = Seam(random.Random(0))
    backend = Backend(seam, run=lambda _, payload: compile_.handler(payload, None))
    with installed(backend, VARIABLES), patched(seam, random.Random(0), None, START - 3600):
        app = App(settings(), None, {})  # type: ignore[arg-type]
        app.add_user(OWNER)
        asset = app.deploy(_FORM, user=OWNER)
        values = {"name": "@NAME@", "photo": "@PHOTO@", "roof": "@ROOF@"}
        return Deployment(backend, app.keys, asset, app.filled(asset, values, "uuid:@UUID@"))
