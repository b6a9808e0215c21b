"""Rights on projects, complete or not, written at once; states of accounts that no route of the API sets."""

from __future__ import annotations

from formrelay import ids
from formrelay.settings import settings
from formrelay.storage import accounts, keys, listings, table
from formrelay.usernames import ANONYMOUS

__all__ = ["ANONYMOUS", "grant", "switch_off"]


def grant(asset: str, username: str, *codenames: str) -> None:
    """Gives a user exactly these rights on a project, and lists it for them if they may view it."""
    data = settings().data_table
    uids = {codename: ids.uid("p") for codename in codenames}
    key = keys.permission(asset, username)
    is_new = table.get(data, key) is None
    table.put(data, {**key, "codenames": uids, "revision": 0})
    owner = (table.get(data, keys.asset_state(asset)) or {})["owner"]
    if username != ANONYMOUS and is_new:
        table.transact([listings.shared_op(owner, asset, 1)])
    if "view_asset" in codenames and username != ANONYMOUS:
        table.transact([listings.pointer_op(username, asset, owner)])


def switch_off(username: str) -> None:
    """Disables an account, as an operator would: the account and its key."""
    account = accounts.get_account(username)
    assert account is not None
    for key in (keys.account(username), keys.api_key(account["key_hash"])):
        table.update(settings().accounts_table, key, "SET #active = :no", {":no": False})
