"""Settings of a deployment: one frozen object, read once from the environment that the template sets."""

from __future__ import annotations

import os
from functools import cache
from typing import NamedTuple

# SQS accepts no longer delay than this on a message.
MAX_QUEUE_DELAY = 900


class Settings(NamedTuple):
    """Every knob, in seconds and bytes where it is a number. Operators set them as template parameters."""

    data_table: str
    accounts_table: str
    bucket: str
    first_queue: str
    retry_queue: str
    replay_queue: str
    report_queue: str
    kms_key: str
    compile_function: str
    deliver_function: str
    image_function: str
    export_function: str
    public_url: str
    mail_from: str
    mail_configuration: str
    retry_delays: tuple[int, ...]
    report_interval: int
    recovery_grace: int
    replay_window: int
    attempt_retention: int  # days
    history_retention: int  # days
    access_log_retention: int  # days; 0: none is kept
    pause_failures: int
    pause_after: int
    probe_interval: int
    drain_rate: int
    deactivate_after: int
    connect_timeout: float
    total_timeout: float
    function_timeout: int
    allow_networks: tuple[str, ...]
    deny_networks: tuple[str, ...]
    https_only: bool
    secret_overlap: int
    superuser_submissions: bool
    open_signup: bool

    @property
    def lease(self) -> int:
        """Seconds after which an attempt without an outcome counts as vanished."""
        return self.function_timeout + 10


def _words(value: str) -> tuple[str, ...]:
    return tuple(value.replace(",", " ").split())


def _flag(value: str) -> bool:
    return value.lower() in ("1", "true", "yes")


def _delays(value: str) -> tuple[int, ...]:
    delays = tuple(int(float(part)) for part in _words(value))
    if not delays or any(delay < 0 for delay in delays):
        raise ValueError("FORMRELAY_RETRY_DELAYS must list at least one delay in seconds")
    return delays


@cache
def settings() -> Settings:
    """The settings of this process. Raises ValueError when one cannot be used."""
    env = os.environ

    def get(name: str, default: str = "") -> str:
        return env.get(f"FORMRELAY_{name}") or default

    return Settings(
        data_table=get("DATA_TABLE"),
        accounts_table=get("ACCOUNTS_TABLE"),
        bucket=get("BUCKET"),
        first_queue=get("FIRST_QUEUE_URL"),
        retry_queue=get("RETRY_QUEUE_URL"),
        replay_queue=get("REPLAY_QUEUE_URL"),
        report_queue=get("REPORT_QUEUE_URL"),
        kms_key=get("KMS_KEY"),
        compile_function=get("COMPILE_FUNCTION"),
        deliver_function=get("DELIVER_FUNCTION"),
        image_function=get("IMAGE_FUNCTION"),
        export_function=get("EXPORT_FUNCTION"),
        public_url=get("PUBLIC_URL").rstrip("/"),
        mail_from=get("MAIL_FROM"),
        mail_configuration=get("MAIL_CONFIGURATION"),
        retry_delays=_delays(get("RETRY_DELAYS", "60,600,6000")),
        report_interval=int(get("REPORT_INTERVAL", "3600")),
        recovery_grace=int(get("RECOVERY_GRACE", "120")),
        replay_window=int(get("REPLAY_WINDOW", "1000")),
        attempt_retention=int(get("ATTEMPT_RETENTION", "90")),
        history_retention=int(get("HISTORY_RETENTION", "744")),
        access_log_retention=int(get("ACCESS_LOG_RETENTION", "60")),
        pause_failures=int(get("PAUSE_FAILURES", "20")),
        pause_after=int(get("PAUSE_AFTER", "600")),
        probe_interval=int(get("PROBE_INTERVAL", "60")),
        drain_rate=int(get("DRAIN_RATE", "25")),
        deactivate_after=int(get("DEACTIVATE_AFTER", "432000")),
        connect_timeout=float(get("CONNECT_TIMEOUT", "3")),
        total_timeout=float(get("TOTAL_TIMEOUT", "20")),
        function_timeout=int(get("FUNCTION_TIMEOUT", "40")),
        allow_networks=_words(get("ALLOW_NETWORKS")),
        deny_networks=_words(get("DENY_NETWORKS")),
        https_only=_flag(get("HTTPS_ONLY")),
        secret_overlap=int(get("SECRET_OVERLAP", "86400")),
        superuser_submissions=_flag(get("SUPERUSER_SUBMISSIONS", "true")),
        open_signup=_flag(get("OPEN_SIGNUP")),
    )
