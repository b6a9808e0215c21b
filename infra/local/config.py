"""What can be set from outside, and the fixed facts of a local stack."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HOST = "127.0.0.1"
STACK = "formrelay"
REGION = "us-east-1"
ACCOUNT = "000000000000"

# The emulator knows these; of all but links to objects it accepts any.
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local"}

MAIL_FROM = "formrelay@localhost.example"


class ConfigError(Exception):
    """A variable cannot be used; the message is one line for whoever set it."""


@dataclass(frozen=True)
class Config:
    """Settings of one local stack. ``password`` is None where one is to be generated and kept."""

    port: int
    state: Path
    user: str
    password: str | None
    email: str
    retry_delays: str
    report_interval: str
    recovery_grace: str
    pause_failures: str
    pause_after: str
    probe_interval: str
    drain_rate: str
    root: Path = ROOT
    template: Path = ROOT / "template.yaml"
    emulator_python: Path = ROOT / ".venv-emulator" / "bin" / "python"
    verbose: bool = False
    demo: bool = True
    open_signup: bool = False

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"

    @property
    def parameters(self) -> dict[str, str]:
        """Template parameters that differ locally; operators have the same ones."""
        return {
            "MailFrom": MAIL_FROM,
            "RetryDelays": self.retry_delays,
            "ReportInterval": self.report_interval,
            "RecoveryGrace": self.recovery_grace,
            "PauseFailures": self.pause_failures,
            "PauseAfter": self.pause_after,
            "ProbeInterval": self.probe_interval,
            "DrainRate": self.drain_rate,
            "AllowNetworks": "127.0.0.0/8,::1/128",
            "HttpsOnly": "false",
            "OpenSignup": "true" if self.open_signup else "false",
        }


def read_config(env: Mapping[str, str] = os.environ) -> Config:
    """The settings in the environment. Raises ConfigError."""
    return Config(
        port=_integer(env, "PORT", 8000, 1, 65535),
        state=Path(env.get("FORMRELAY_STATE") or ".formrelay").absolute(),
        user=env.get("FORMRELAY_USER") or "demo",
        password=env.get("FORMRELAY_PASSWORD") or None,
        email=env.get("FORMRELAY_EMAIL") or "demo@example.org",
        retry_delays=_delays(env.get("FORMRELAY_RETRY_DELAYS") or "60,600,6000"),
        report_interval=str(_integer(env, "FORMRELAY_REPORT_INTERVAL", 3600, 0, 10**9)),
        recovery_grace=str(_integer(env, "FORMRELAY_RECOVERY_GRACE", 5, 0, 10**9)),
        pause_failures=str(_integer(env, "FORMRELAY_PAUSE_FAILURES", 20, 1, 10**9)),
        pause_after=str(_integer(env, "FORMRELAY_PAUSE_AFTER", 600, 0, 10**9)),
        probe_interval=str(_integer(env, "FORMRELAY_PROBE_INTERVAL", 60, 1, 3600)),
        drain_rate=str(_integer(env, "FORMRELAY_DRAIN_RATE", 25, 1, 100)),
        verbose=bool(env.get("FORMRELAY_VERBOSE")),
        demo=env.get("FORMRELAY_DEMO") != "0",
        open_signup=bool(env.get("FORMRELAY_OPEN_SIGNUP")),
    )


def kept_password(config: Config) -> str:
    """The account's password: the one that was set, or one generated once and kept in the state folder.

    A developer expects the stack to come up with the same password every time, so that file holds it in clear,
    readable by its owner only. A deployment stores hashes alone.
    """
    if config.password is not None:
        return config.password
    path = config.state / "password"
    if path.exists():
        return path.read_text().strip()
    password = secrets.token_urlsafe(9)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(password + "\n")
    return password


def _integer(env: Mapping[str, str], name: str, default: int, low: int, high: int) -> int:
    text = env.get(name) or str(default)
    try:
        value = int(text)
    except ValueError:
        value = low - 1
    if not low <= value <= high:
        raise ConfigError(f"{name} must be a whole number from {low} to {high}, not {text!r}")
    return value


def _delays(text: str) -> str:
    try:
        delays = [float(part) for part in text.split(",")]
    except ValueError:
        delays = []
    if not delays or any(not 0 <= delay < 10**9 for delay in delays):
        raise ConfigError(f"FORMRELAY_RETRY_DELAYS must be seconds separated by commas, not {text!r}")
    return text
