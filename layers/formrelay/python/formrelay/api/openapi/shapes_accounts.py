"""Shapes of accounts, errors and the service itself (contract accounts §1–§6)."""

from __future__ import annotations

from formrelay.api.openapi.schema import (
    COUNT,
    FLAG,
    MOMENT,
    OBJECT,
    TEXT,
    URL,
    WHOLE,
    Schema,
    items,
    optional,
    record,
    text,
)

_ACCOUNT: dict[str, Schema] = {
    "email": text(254),
    "is_active": FLAG,
    "is_superuser": FLAG,
    "extra_details": OBJECT,
}
_FIELD = record({"name": TEXT, "required": FLAG})
SHAPES: dict[str, Schema] = {
    "Error": record({"detail": TEXT}, examples=[{"detail": "Not found."}]),
    "Fault": {
        "description": "What is wrong: by field a list of texts or one text, or a list of texts.",
        "type": ["object", "array"],
        "examples": [{"name": ["This field is required."]}, {"detail": "JSON parse error - …"}],
    },
    "Token": record({"token": {"type": "string", "pattern": "^[0-9a-f]{40}$"}}),
    "Me": record(
        {
            "username": TEXT,
            "first_name": TEXT,
            "last_name": TEXT,
            "email": TEXT,
            "is_superuser": FLAG,
            "server_time": MOMENT,
            "date_joined": MOMENT,
            "projects_url": URL,
            "gravatar": URL,
            "last_login": MOMENT,
            "extra_details": OBJECT,
            "git_rev": FLAG,
            "social_accounts": items(OBJECT),
            "validated_password": FLAG,
            "accepted_tos": FLAG,
            "organization": OBJECT,
            "extra_details__uid": TEXT,
        }
    ),
    "User": record(
        {
            "url": URL,
            "username": TEXT,
            "date_joined": optional(MOMENT),
            "public_collection_subscribers_count": WHOLE,
            "public_collections_count": WHOLE,
        }
    ),
    "MeChange": record(
        {},
        {
            "extra_details": OBJECT,
            "first_name": text(150),
            "last_name": text(150),
            "current_password": TEXT,
            "new_password": text(1024, minLength=8),
        },
    ),
    "Account": record(
        {
            "id": WHOLE,
            "username": TEXT,
            "is_superuser": FLAG,
            "date_joined": MOMENT,
            "last_login": optional(MOMENT),
            "is_active": FLAG,
            "email": TEXT,
            "asset_count": COUNT,
            "metadata": OBJECT,
        }
    ),
    "NewAccount": record(
        {
            "username": {"type": "string", "pattern": "^[a-z][a-z0-9_]{1,29}$"},
            "password": text(1024, minLength=8),
        },
        _ACCOUNT,
    ),
    "NewSignup": record(
        {
            "username": {"type": "string", "pattern": "^[a-z][a-z0-9_]{1,29}$"},
            "email": text(254),
            "password": text(1024, minLength=8),
        },
        {"extra_details": OBJECT},
    ),
    "AccountChange": record({}, {**_ACCOUNT, "password": text(1024, minLength=8)}),
    "Environment": record(
        {
            "terms_of_service_url": TEXT,
            "privacy_policy_url": TEXT,
            "source_code_url": TEXT,
            "support_email": TEXT,
            "support_url": TEXT,
            "community_url": TEXT,
            "mfa_enabled": FLAG,
            "registration_open": FLAG,
            "open_rosa_server": URL,
            "submission_placeholder": TEXT,
            "allow_self_account_deletion": FLAG,
            "project_history_log_lifespan": WHOLE,
            "interface_languages": items(items(TEXT)),
            "country_choices": items(items(TEXT)),
            "sector_choices": items(items(TEXT)),
            "project_metadata_fields": items(_FIELD),
            "user_metadata_fields": items(_FIELD),
        }
    ),
    "Collections": {
        "description": "The lists of the API by name.",
        "type": "object",
        "additionalProperties": URL,
    },
    "Description": {"description": "This document.", "type": "object", "required": ["openapi"]},
}
