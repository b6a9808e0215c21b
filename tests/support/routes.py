"""Every path that formrelay answers, with parameters that name nothing but the given project."""

from __future__ import annotations

from formrelay.api.main import ROUTES
from formrelay.api.router import Route

OPENROSA = [
    "/submission",
    "/ann/submission",
    "/nobody/submission",
    "/api/v1/submissions",
    "/formList",
    "/ann/formList",
    "/forms/{asset}/form.xml",
    "/ann/forms/{asset}/form.xml",
    "/xformsManifest/{asset}",
    "/xformsMedia/{asset}/afX.png",
]


class _Parameters(dict[str, str]):
    def __missing__(self, name: str) -> str:
        return "17" if name == "id" else f"{name}X"


def path_of(route: Route, asset: str) -> str:
    return route.pattern.format_map(_Parameters(asset=asset, username="ann", size="large"))


def paths(asset: str) -> list[str]:
    """Those of the API, then OpenRosa's."""
    api = dict.fromkeys(path_of(route, asset) for route in ROUTES)
    return [*api, *(path.format(asset=asset) for path in OPENROSA)]
