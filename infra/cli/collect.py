"""Settings of ODK Collect as its QR codes hold them: JSON, compressed by zlib, in base64."""

from __future__ import annotations

import base64
import json
import zlib


def settings(server: str, name: str, username: str = "", password: str = "") -> str:
    """The text of a QR code that makes a project in Collect; without a password, Collect asks for it.

    Forms are kept as the server has them, and sent as soon as there is a network.
    """
    general = {"server_url": server, "form_update_mode": "match_exactly", "autosend": "wifi_and_cellular"}
    general |= {key: value for key, value in (("username", username), ("password", password)) if value}
    document = {"general": general, "admin": {}, "project": {"name": name}}
    packed = zlib.compress(json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode(), 9)
    return base64.b64encode(packed).decode()
