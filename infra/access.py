"""Renews the table of docs/permissions.md: ``python -m infra.access``, after a change of the authorization matrix."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "permissions.md"
_BEGIN, _END = "<!-- matrix -->\n", "<!-- end of matrix -->\n"


def main() -> None:
    """Writes the page anew."""
    PAGE.write_text(renewed(PAGE.read_text()))


def renewed(page: str) -> str:
    """The page with the matrix as it is now."""
    head, _, rest = page.partition(_BEGIN)
    _, _, tail = rest.partition(_END)
    return head + _BEGIN + "\n" + "\n".join(_lines()) + "\n\n" + _END + tail


def _lines() -> Iterator[str]:
    from formrelay.api.access import CALLERS, TABLE

    yield "| Caller | holds |"
    yield "|---|---|"
    for name, holds in CALLERS.items():
        yield f"| {name} | {holds} |"
    yield ""
    yield f"| Route | needs | {' | '.join(CALLERS)} |"
    yield "|---" * (2 + len(CALLERS)) + "|"
    for operation, rule in TABLE.items():
        cells = " | ".join(str(rule.refused.get(name, "✓")) for name in CALLERS)
        yield f"| `{operation}` | {rule.needs} | {cells} |"


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT / "layers" / "formrelay" / "python"))
    main()
