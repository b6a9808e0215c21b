"""The API function's front: everything that reaches the default route of the gateway."""

from __future__ import annotations

from importlib import import_module

from formrelay.api import openrosa, submission, v1
from formrelay.api.fitting import fitted
from formrelay.api.http import Request, Response
from formrelay.api.router import Route, Router

# One module a resource.
_RESOURCES = (
    "access_logs", "accounts", "asset_bulk", "asset_list", "assets", "attachments", "console", "data",
    "data_delete", "data_edit", "deployment", "description", "duplicate", "environment", "export_settings",
    "exports", "files", "form_downloads", "history", "hook_attempts", "hook_jobs", "hook_logs",
    "hook_preview", "hook_retries", "hook_secrets", "hook_stats", "hooks", "imports", "log_exports",
    "ownership", "permission_list", "sharing", "signup", "unsubscribe", "usage", "users", "v1",
    "validation", "versions",
)  # fmt: skip
ROUTES: list[Route] = [
    route for name in _RESOURCES for route in import_module(f"formrelay.api.{name}").ROUTES
]
ROUTER = Router(ROUTES)


def answer(request: Request) -> Response:
    """Any request. Submissions and form lists come here only under spellings the gateway does not route itself."""
    if submission.is_submission(request.path):
        return submission.answer(request)
    if openrosa.is_openrosa(request.path):
        return openrosa.answer(request)
    if v1.is_gone(request.path):
        return v1.gone(request)
    return fitted(request, ROUTER.answer(request))
