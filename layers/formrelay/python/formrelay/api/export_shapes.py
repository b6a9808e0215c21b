"""Saved settings of exports as the API shows them, also within their project (contract exports §2)."""

from __future__ import annotations

import json
from typing import Any

from formrelay import clock
from formrelay.storage.table import Item


def shown(api: str, asset: str, item: Item) -> dict[str, Any]:
    """The object of a setting; ``api`` is the base of links."""
    url = f"{api}/assets/{asset}/export-settings/{item['uid']}/"
    return {
        "uid": item["uid"],
        "url": url,
        "data_url_csv": f"{url}data.csv",
        "data_url_xlsx": f"{url}data.xlsx",
        "name": item["name"],
        "date_modified": clock.iso_micro(item["modified"]),
        "export_settings": json.loads(item["settings"]),
    }
