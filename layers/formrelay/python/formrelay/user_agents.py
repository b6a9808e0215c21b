"""What people can read out of a User-Agent header: ``Firefox (Windows)``, ``ODK Collect v2024.1.3 (Android 14)``."""

from __future__ import annotations

import re

UNKNOWN = "No information available"
_MAX = 100
# The first that is found counts: most browsers also name those that they descend from.
_CLIENTS = (
    ("Edge", re.compile(r"\bEdg(?:e|A|iOS)?/")),
    ("Opera", re.compile(r"\bOPR/|\bOpera\b")),
    ("Samsung Internet", re.compile(r"\bSamsungBrowser/")),
    ("Firefox", re.compile(r"\b(?:Firefox|FxiOS)/")),
    ("Chrome", re.compile(r"\b(?:Chrome|CriOS)/")),
    ("Safari", re.compile(r"\bSafari/")),
)
_COLLECT = re.compile(r"\borg\.(odk|koboc)\.collect\.android/(v?[\w.-]{1,30})")
_COLLECTS = {"odk": "ODK Collect", "koboc": "KoboCollect"}
_SYSTEMS = (
    (None, re.compile(r"\bAndroid(?: [\d.]{1,10})?")),
    ("iOS", re.compile(r"\b(?:iPhone|iPad|iPod)\b")),
    ("Windows", re.compile(r"\bWindows\b")),
    ("macOS", re.compile(r"\bMac OS X\b|\bMacintosh\b")),
    ("ChromeOS", re.compile(r"\bCrOS\b")),
    ("Linux", re.compile(r"\bLinux\b")),
)
_PRODUCT = re.compile(r"[A-Za-z][\w.+-]{0,60}")


def source(agent: str) -> str:
    """``<client> (<system>)`` as far as the header tells (contract permissions-and-activity §6)."""
    client = _client(agent)
    if not client:
        return UNKNOWN
    system = _system(agent)
    return f"{client} ({system})"[:_MAX] if system else client[:_MAX]


def _client(agent: str) -> str:
    collect = _COLLECT.search(agent)
    if collect:
        return f"{_COLLECTS[collect[1]]} {collect[2]}"
    for name, pattern in _CLIENTS:
        if pattern.search(agent):
            return name
    product = _PRODUCT.match(agent)
    return product[0] if product else ""


def _system(agent: str) -> str:
    for name, pattern in _SYSTEMS:
        found = pattern.search(agent)
        if found:
            return name or found[0]
    return ""
