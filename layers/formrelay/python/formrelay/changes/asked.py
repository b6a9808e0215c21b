"""Who asked for a change of submissions, of which project, and at which address."""

from __future__ import annotations

from typing import NamedTuple

from formrelay.storage.assets import Project
from formrelay.storage.table import Item


class Asked(NamedTuple):
    """``by`` as :func:`formrelay.history.who` tells; ``origin`` the base URL that links in hooks' bodies start with."""

    project: Project
    by: Item
    origin: str

    @property
    def asset(self) -> str:
        return self.project.uid
