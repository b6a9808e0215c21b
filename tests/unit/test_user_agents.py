"""What people read of the programs that call."""

from __future__ import annotations

import pytest

from formrelay.user_agents import UNKNOWN, source

_WEBKIT = "AppleWebKit/537.36 (KHTML, like Gecko)"


@pytest.mark.parametrize(
    ("agent", "told"),
    [
        ("Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:128.0) Gecko/20100101 Firefox/128.0", "Firefox (Windows)"),
        (f"Mozilla/5.0 (X11; Linux x86_64) {_WEBKIT} Chrome/126.0.0.0 Safari/537.36", "Chrome (Linux)"),
        (f"Mozilla/5.0 (Windows NT 10.0) {_WEBKIT} Chrome/126 Safari/537.36 Edg/126.0", "Edge (Windows)"),
        (
            "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605 Version/17.5 Safari/605.1.15",
            "Safari (macOS)",
        ),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) CriOS/126 Mobile Safari/604.1", "Chrome (iOS)"),
        (f"Mozilla/5.0 (Linux; Android 14) {_WEBKIT} SamsungBrowser/25 Chrome/121", "Samsung Internet (Android 14)"),
        (
            "org.odk.collect.android/v2024.1.3 Dalvik/2.1.0 (Linux; U; Android 14; Pixel 7 Build/AP1A)",
            "ODK Collect v2024.1.3 (Android 14)",
        ),
        ("org.koboc.collect.android/2024.2.4 Dalvik/2.1.0 (Linux; U; Android 9)", "KoboCollect 2024.2.4 (Android 9)"),
        ("curl/8.5.0", "curl"),
        ("python-requests/2.32.3", "python-requests"),
        ("", UNKNOWN),
        ("/", UNKNOWN),
        ("\N{SNOWMAN}", UNKNOWN),
    ],
)  # fmt: skip
def test_a_client_is_told_with_its_system(agent: str, told: str) -> None:
    assert source(agent) == told


def test_what_is_told_is_short_whatever_was_sent() -> None:
    assert len(source("org.odk.collect.android/" + "9" * 5_000 + " (Android 14)")) <= 100
    assert len(source("x" * 9_000)) <= 100
