"""Failures typed by whose fault they are; ``api.http`` and ``openrosa.replies`` turn them into answers.

The client's: :class:`ApiError` and its kin, with the body the contract names. Ours: any other exception,
answered 500 (503 where a retry helps) and logged.
"""

from __future__ import annotations

from typing import Any

# What a 401 asks for (RFC 7617).
CHALLENGE = 'Basic realm="formrelay"'


class ApiError(Exception):
    """The caller gets ``status`` with ``body`` as JSON (contract accounts §1, §6.5)."""

    def __init__(self, status: int, body: Any, headers: dict[str, str] | None = None) -> None:
        super().__init__(status, body)
        self.status = status
        self.body = body
        self.headers = headers or {}


def detail(status: int, text: str) -> ApiError:
    """``{"detail": text}`` with that status."""
    return ApiError(status, {"detail": text})


def not_found() -> ApiError:
    """404: missing, or not visible to the caller."""
    return detail(404, "Not found.")


def forbidden() -> ApiError:
    """403: the caller sees the object but may not do this."""
    return detail(403, "You do not have permission to perform this action.")


def unauthenticated(text: str = "Authentication credentials were not provided.") -> ApiError:
    """401; the HTTP layer adds the Basic challenge."""
    return detail(401, text)


def invalid(field: str, *messages: str) -> ApiError:
    """400 ``{field: [messages]}``."""
    return ApiError(400, {field: list(messages)})


class UnavailableError(Exception):
    """A service of ours is throttled or away for now: 503 with ``Retry-After``."""

    def __init__(self, retry_after: int = 5) -> None:
        super().__init__(retry_after)
        self.retry_after = retry_after
