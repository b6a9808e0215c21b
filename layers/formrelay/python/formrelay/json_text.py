"""JSON as it is stored and answered."""

from __future__ import annotations

import json
from typing import Any


def compact(value: Any) -> str:
    """JSON text without spaces, letters of any script as they are."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
