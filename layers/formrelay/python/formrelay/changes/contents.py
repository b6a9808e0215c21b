"""Instance XML that stands in a record or is about to, read as it is when it comes in: what a record keeps of it."""

from __future__ import annotations

import hashlib
from typing import NamedTuple

from formrelay.json_text import compact
from formrelay.openrosa import instance as instances
from formrelay.storage import assets
from formrelay.storage.assets import Project
from formrelay.storage.submissions import Bodies


class Contents(NamedTuple):
    """``named``: the files that it names, with their paths; ``sha256`` of its XML."""

    instance: instances.Instance
    bodies: Bodies
    geo: list[float | None]
    named: dict[str, str]
    sha256: str


def read(project: Project, xml: bytes) -> Contents:
    """What is in a document, by the form that it was filled in with. Raises OpenRosaError."""
    instance = instances.read(xml)
    shape = assets.shape_for(project, instance.version_uid)
    repeats = frozenset(shape["repeats"])
    answers = instances.flatten(instance, repeats)
    return Contents(
        instance,
        Bodies(compact(answers), xml),
        instances.geolocation(answers, shape["geopoints"]),
        instances.xpaths(instance, repeats, frozenset(shape["media"])),
        hashlib.sha256(xml).hexdigest(),
    )
