"""``reseal``: keys of accounts, credentials and signing secrets of hooks go from another KMS key to the stack's.

KMS re-encrypts: nothing is in the clear on the operator's machine. AWS turns over the material of one key by itself,
every year, without this; it is for a key that is to be given up. Links in mails that were sent before end with it.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

from infra.operate.command import Command, note, tell
from infra.operate.scanning import items

Item = dict[str, Any]


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--from-key", required=True, help="id or ARN of the KMS key that seals until now")


def run(options: argparse.Namespace) -> int:
    """May be run again: what the stack's key has sealed already is left as it is."""
    from formrelay.settings import settings

    names = settings()
    done = {"accounts": 0, "hooks": 0}
    for account in items(names.accounts_table, "U#"):
        if account.get("gone"):
            continue
        done["accounts"] += _settled(account, lambda found: _account(found, options.from_key))
    for hook in items(names.data_table, "A#", "H#"):
        done["hooks"] += _settled(hook, lambda found: _hook(found, options.from_key))
    tell({"resealed": done})
    return 0


def _settled(item: Item, change: Callable[[Item], bool]) -> int:
    from formrelay.storage import table

    try:
        return int(change(item))
    except table.ConditionError:
        note(f"{item['pk']} {item['sk']} was changed meanwhile: run the command again.")
        return 0


def _account(account: Item, old: str) -> bool:
    from formrelay.settings import settings
    from formrelay.storage import keys, table

    pieces = _moved(account.get("key_sealed") or [], account["uid"], old)
    if pieces is None:
        return False
    table.update(
        settings().accounts_table,
        keys.account(account["username"]),
        "SET #key_sealed = :sealed",
        {":sealed": pieces, ":hash": account["key_hash"]},
        condition="#key_hash = :hash",
        blind=True,
    )
    return True


def _hook(hook: Item, old: str) -> bool:
    from formrelay.settings import settings
    from formrelay.storage import keys, table

    sealed = _moved(hook["sealed"], hook["uid"], old)
    signing = [_moved(entry["sealed"], hook["uid"], old) for entry in hook.get("signing", ())]
    if sealed is None and not any(signing):
        return False
    secrets = [
        {**entry, "sealed": moved or entry["sealed"]}
        for entry, moved in zip(hook.get("signing", ()), signing, strict=True)
    ]
    table.update(
        settings().data_table,
        keys.of(hook),
        "SET #sealed = :sealed, #signing = :signing, #revision = :next",
        {
            ":sealed": sealed or hook["sealed"],
            ":signing": secrets,
            ":next": hook["revision"] + 1,
            ":seen": hook["revision"],
        },
        condition="#revision = :seen",
        blind=True,
    )
    return True


def _moved(pieces: list[bytes], owner_uid: str, old: str) -> list[bytes] | None:
    """The pieces under the stack's key; None where the old key has not sealed them, or they were damaged."""
    from formrelay.aws import kms
    from formrelay.settings import settings

    context = {"uid": owner_uid}
    client = kms()
    moved = []
    for piece in pieces:
        try:
            answer = client.re_encrypt(
                CiphertextBlob=piece,
                SourceKeyId=old,
                SourceEncryptionContext=context,
                DestinationKeyId=settings().kms_key,
                DestinationEncryptionContext=context,
            )
        except client.exceptions.IncorrectKeyException:
            return None
        except client.exceptions.InvalidCiphertextException:
            note(f"Something sealed for {owner_uid} is damaged: no key opens it.")
            return None
        if _bare(answer["SourceKeyId"]) != _bare(old):
            return None
        moved.append(answer["CiphertextBlob"])
    return moved or None


def _bare(key: str) -> str:
    """The id in an ARN."""
    return key.rpartition("/")[2]


COMMANDS = (Command("reseal", "move what is sealed from another KMS key to the stack's", _arguments, run),)
