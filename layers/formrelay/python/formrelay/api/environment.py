"""``/api/v2/environment/``: what clients may want to know of a deployment beforehand (contract accounts §5)."""

from __future__ import annotations

from formrelay import signups
from formrelay.api.about import SERVICE, About
from formrelay.api.http import Response, json_response
from formrelay.api.router import Context, Route
from formrelay.hooks.payload import PLACEHOLDER
from formrelay.settings import settings

_LANGUAGES = (("en", "English"), ("fr", "Français"), ("es", "Español"), ("ar", "العربية"))
_OF_PROJECTS = ("description", "sector", "country", "organization")
_OF_USERS = ("name", "organization", "website", "sector", "country", "city", "bio", "twitter", "linkedin")


def get_environment(ctx: Context) -> Response:
    """Public. What formrelay has none of is empty: it prescribes neither countries nor sectors, and needs no field."""
    return json_response(
        {
            "terms_of_service_url": "",
            "privacy_policy_url": "",
            "source_code_url": "",
            "support_email": "",
            "support_url": "",
            "community_url": "",
            "mfa_enabled": False,
            "registration_open": signups.is_open(),
            "open_rosa_server": settings().public_url or ctx.base_url,
            "submission_placeholder": PLACEHOLDER,
            "allow_self_account_deletion": False,
            "project_history_log_lifespan": settings().history_retention,
            "interface_languages": _LANGUAGES,
            "country_choices": [],
            "sector_choices": [],
            "project_metadata_fields": [{"name": name, "required": False} for name in _OF_PROJECTS],
            "user_metadata_fields": [{"name": name, "required": False} for name in _OF_USERS],
        }
    )


ROUTES = [
    Route(
        "GET",
        "/api/v2/environment",
        get_environment,
        about=About("Facts of the deployment", SERVICE, {200: "Environment"}, public=True),
    )
]
