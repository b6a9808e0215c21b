"""Which characters XML can hold."""

from __future__ import annotations

import re
from typing import Final

OUTSIDE_XML: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
"""A character that XML 1.0 cannot hold: the rest of production 2, Char, which takes ten times as long to compile."""
