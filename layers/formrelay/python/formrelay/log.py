"""One structured logger for all functions: JSON lines, no bodies, no credentials."""

from __future__ import annotations

from aws_lambda_powertools.logging import Logger

logger = Logger(service="formrelay", utc=True)
