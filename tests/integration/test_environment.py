"""``/api/v2/environment/``: public, and true to the deployment (contract accounts §5)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from formrelay.settings import settings
from tests.support.app import BASE, App

if TYPE_CHECKING:
    import pytest


def test_anybody_learns_what_the_deployment_is_like(app: App) -> None:
    body = app.get("/api/v2/environment/", user=None).json()
    assert body["open_rosa_server"] == BASE
    assert body["submission_placeholder"] == "%SUBMISSION%"
    assert body["project_history_log_lifespan"] == 744
    assert (body["mfa_enabled"], body["registration_open"], body["allow_self_account_deletion"]) == (
        False,
    ) * 3
    assert ["ar", "العربية"] in body["interface_languages"]
    assert {"name": "organization", "required": False} in body["user_metadata_fields"]


def test_it_follows_the_settings(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORMRELAY_HISTORY_RETENTION", "30")
    monkeypatch.setenv("FORMRELAY_OPEN_SIGNUP", "true")
    monkeypatch.setenv("FORMRELAY_PUBLIC_URL", "https://kobo.example.net/relay/")
    settings.cache_clear()
    body = app.get("/api/v2/environment").json()
    assert body["project_history_log_lifespan"] == 30
    assert body["registration_open"] is True
    assert body["open_rosa_server"] == "https://kobo.example.net/relay"
