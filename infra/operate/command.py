"""What a command is made of."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any


class RefusedError(Exception):
    """The command cannot do what it was asked; the message is for the operator."""


@dataclass(frozen=True)
class Command:
    """``arguments`` adds them to the parser; ``run`` does it. ``remote`` commands need no deployment of ours."""

    name: str
    help: str
    arguments: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], int]
    remote: bool = False


def tell(facts: Mapping[str, Any]) -> None:
    """One line of JSON on standard output."""
    print(json.dumps(facts, ensure_ascii=False))


def note(text: str) -> None:
    """A remark for the operator, on standard error."""
    print(text, file=sys.stderr)


def moment(text: str) -> int:
    """ISO 8601, UTC unless it says otherwise, in milliseconds; for argparse."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no time such as 2026-08-01T09:00") from None
    if found.tzinfo is None:
        found = found.replace(tzinfo=UTC)
    return round(found.timestamp() * 1000)


def iso(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="seconds")
