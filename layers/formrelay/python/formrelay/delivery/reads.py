"""What the attempts of a batch read, in as few calls as their threads allow."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from formrelay.settings import settings
from formrelay.storage import table
from formrelay.storage.keys import Key
from formrelay.storage.table import Item


class _Ask:
    """One thread's keys, and what it waits for: its items, an error, or its turn to read."""

    def __init__(self, keys: Sequence[Key]) -> None:
        self.keys = keys
        self.found: list[Item | None] | None = None
        self.error: BaseException | None = None
        self.turn = threading.Semaphore(0)


class Reads:
    """Consistent reads of threads that run at the same time: who asks while one runs shares the next one.

    Nobody waits for anything but a read that is running, and none began before it was asked for. Attempts of one hook
    share what they read of it.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running = False
        self._asked: list[_Ask] = []

    def get(self, keys: Sequence[Key]) -> list[Item | None]:
        """Items in the order of their keys, as :func:`~formrelay.storage.table.batch_get`; not to be changed."""
        ask = _Ask(keys)
        with self._lock:
            self._asked.append(ask)
            first, self._running = not self._running, True
        if not first:
            ask.turn.acquire()
        if ask.found is None and ask.error is None:
            self._read()
        if ask.found is None:
            raise ask.error or RuntimeError("read without an answer")
        return ask.found

    def _read(self) -> None:
        """Reads for all that have asked by now, then gives the turn to the first of those that came since."""
        with self._lock:
            group = self._taken()
        try:
            wanted = {(key["pk"], key["sk"]): key for ask in group for key in ask.keys}
            items = table.batch_get(settings().data_table, list(wanted.values()))
            found = dict(zip(wanted, items, strict=True))
            for ask in group:
                ask.found = [found[key["pk"], key["sk"]] for key in ask.keys]
        except BaseException as error:
            # Whatever it is, nobody may wait for ever.
            for ask in group:
                ask.error = error
        with self._lock:
            following = self._asked[:1]
            self._running = bool(following)
        for ask in group + following:
            ask.turn.release()

    def _taken(self) -> list[_Ask]:
        group: list[_Ask] = []
        size = 0
        while self._asked and size + len(self._asked[0].keys) <= table.MAX_BATCH_GET:
            size += len(self._asked[0].keys)
            group.append(self._asked.pop(0))
        return group
