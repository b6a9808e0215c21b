"""``itemsets.csv``: the choices of ``select_one_external`` questions, which devices look up in a file of their own.

pyxform leaves them out of the XForm; ODK Collect asks the file's columns for what the question's filter names.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from typing import Any, Final

NAME: Final = "itemsets.csv"


def external_choices(content: Mapping[str, Any]) -> bytes | None:
    """The file for content in normal form, one column for each of its sheet; None for a form without such choices."""
    rows = content.get("external_choices")
    if not rows:
        return None
    columns = list(dict.fromkeys(column for row in rows for column in row))
    out = io.StringIO()
    writer = csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([_text(row.get(column)) for column in columns] for row in rows)
    return out.getvalue().encode()


def _text(cell: Any) -> str:
    if isinstance(cell, bool):
        return str(cell).lower()
    return cell if isinstance(cell, str) else ""
