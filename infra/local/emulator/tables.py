"""Makes the emulator's DynamoDB durable: every write goes to the journal before it is answered.

All writes of items pass through two functions of its module; both are wrapped to note what they did, and the
request handler to append the notes. Rolled-back PartiQL transactions would be noted too: formrelay uses none.
"""

from __future__ import annotations

import asyncio
import logging
import os
import threading
from collections.abc import Iterator
from itertools import islice
from typing import Any

from infra.local.emulator.journal import Change, Journal, Snapshot

log = logging.getLogger("journal")

# Items written to a snapshot before other requests get their turn.
SLICE = 200

# What the emulator keeps per table beside the items; saved with the definitions.
_SETTINGS = {
    "tags": "_tags",
    "ttl_settings": "_ttl_settings",
    "pitr_settings": "_pitr_settings",
}


class DurableTables:
    """The emulator's ``dynamodb`` module with a journal underneath."""

    def __init__(self, module: Any, journal: Journal) -> None:
        self._module = module
        self._journal = journal
        self._set_item = module._set_item
        self._remove_item = module._remove_item
        self._handle = module.handle_request
        self._notes: list[Change] = []
        self._thread = threading.get_ident()
        self._snapshot: asyncio.Task[None] | None = None
        module.get_state = self.definitions

    def restore(self) -> int:
        """Read the journal into the tables, which must exist by now; returns the number of changes."""
        tables = {table["TableId"]: table for table in self._module._tables.all_values()}

        def apply(change: Change) -> None:
            table_id, pk, sk, item = change
            table = tables.get(table_id)
            if table is None:  # deleted since
                return
            if item is None:
                self._remove_item(table, pk, sk)
            else:
                self._set_item(table, pk, sk, item)

        return self._journal.replay(apply)

    def start(self) -> None:
        """Begin to note writes; call it on the event loop's thread, after ``restore``."""
        self._thread = threading.get_ident()
        self._journal.open()
        self._module._set_item = self._noting_set
        self._module._remove_item = self._noting_remove
        self._module.handle_request = self._handle_durably

    def definitions(self) -> dict[str, Any]:
        """The tables without their items, in the shape that the emulator's own restore reads."""
        module = self._module
        tables = type(module._tables)()
        for key, table in module._tables._data.items():
            bare = {name: value for name, value in table.items() if name != module._INDEX_MEMBERS}
            tables._data[key] = {**bare, "items": {}, "ItemCount": 0, "TableSizeBytes": 0}
        return {"tables": tables, **{name: getattr(module, store) for name, store in _SETTINGS.items()}}

    def _noting_set(self, table: dict[str, Any], pk: str, sk: str, item: dict[str, Any]) -> Any:
        if threading.get_ident() == self._thread:
            self._notes.append((table["TableId"], pk, sk, item))
        return self._set_item(table, pk, sk, item)

    def _noting_remove(self, table: dict[str, Any], pk: str, sk: str) -> Any:
        # The expiry thread's removals are not noted: it makes them again after a restart.
        if threading.get_ident() == self._thread:
            self._notes.append((table["TableId"], pk, sk, None))
        return self._remove_item(table, pk, sk)

    async def _handle_durably(self, *request: Any) -> Any:
        try:
            return await self._handle(*request)  # runs to its end without yielding: notes don't mix
        finally:
            if self._notes:
                self._flush()

    def _flush(self) -> None:
        notes, self._notes = self._notes, []
        try:
            self._journal.append(notes)
        except OSError as error:
            # What is in memory can no longer be promised: stop as a crash would, before the answer goes out.
            log.critical("the journal cannot be written: %s", error)
            os._exit(70)
        if self._journal.wants_snapshot and (self._snapshot is None or self._snapshot.done()):
            self._snapshot = asyncio.get_running_loop().create_task(self._take_snapshot())

    async def _take_snapshot(self) -> None:
        snapshot = self._journal.begin_snapshot()
        try:
            await self._copy_items(snapshot)
            snapshot.finish()
        except OSError as error:
            snapshot.abandon()
            log.error("no snapshot: %s", error)

    async def _copy_items(self, snapshot: Snapshot) -> None:
        for table in list(self._module._tables.all_values()):
            for pk in list(table["items"]):
                items = _items(table, pk)
                while piece := list(islice(items, SLICE)):
                    snapshot.write(piece)
                    await asyncio.sleep(0)


def _items(table: dict[str, Any], pk: str) -> Iterator[Change]:
    for sk, item in list(table["items"].get(pk, {}).items()):
        yield table["TableId"], pk, sk, item
