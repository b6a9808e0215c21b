"""The journal of table writes: what is read back after every way of ending."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from infra.local.emulator.journal import Change, Journal, JournalError


def item(number: int) -> dict[str, Any]:
    return {"pk": {"S": "a"}, "sk": {"S": str(number)}, "text": {"S": "línea\nzwei\u2028 \ud800"}}


def change(number: int) -> Change:
    return ("table", "a", str(number), item(number))


def opened(folder: Path, rotate_bytes: int = 10**9) -> Journal:
    journal = Journal(folder, rotate_bytes)
    journal.replay(lambda _: None)
    journal.open()
    return journal


def read(folder: Path) -> list[Change]:
    changes: list[Change] = []
    Journal(folder, 10**9).replay(changes.append)
    return changes


def test_a_change_is_read_back_as_it_was_written_and_in_order(tmp_path: Path) -> None:
    journal = opened(tmp_path)
    journal.append([change(1), change(2)])
    journal.append([("table", "a", "1", None)])
    assert read(tmp_path) == [change(1), change(2), ("table", "a", "1", None)]


def test_journals_of_several_starts_are_read_in_their_order(tmp_path: Path) -> None:
    for number in range(12):
        journal = opened(tmp_path)
        journal.append([change(number)])
        journal.close()
    assert [sk for _, _, sk, _ in read(tmp_path)] == [str(number) for number in range(12)]


@pytest.mark.parametrize("cut", [1, 2, 40])
def test_a_line_that_a_kill_cut_off_is_dropped_whole_and_later_writes_are_kept(
    tmp_path: Path, cut: int
) -> None:
    journal = opened(tmp_path)
    journal.append([change(1)])
    journal.append([change(2), change(3)])
    journal.close()
    path = next(tmp_path.glob("journal-*"))
    path.write_bytes(path.read_bytes()[:-cut])
    again = opened(tmp_path)
    again.append([change(4)])
    assert read(tmp_path) == [change(1), change(4)]


def test_a_damaged_line_amid_others_is_refused_with_its_place(tmp_path: Path) -> None:
    journal = opened(tmp_path)
    for number in range(3):
        journal.append([change(number)])
    path = next(tmp_path.glob("journal-*"))
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(lines[0] + b"[[garbage\n" + lines[2])
    with pytest.raises(JournalError, match=r"journal-\d+\.jsonl, line 2"):
        read(tmp_path)


def test_a_snapshot_replaces_the_journals_before_it(tmp_path: Path) -> None:
    journal = opened(tmp_path)
    for number in range(100):
        journal.append([change(0)] * (number + 1))
    before = sum(path.stat().st_size for path in tmp_path.iterdir())
    snapshot = journal.begin_snapshot()
    snapshot.write([change(0)])
    snapshot.finish()
    journal.append([change(1)])
    assert read(tmp_path) == [change(0), change(1)]
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) < before / 100


def test_what_is_written_while_a_snapshot_is_taken_wins_over_it(tmp_path: Path) -> None:
    journal = opened(tmp_path)
    journal.append([change(1)])
    snapshot = journal.begin_snapshot()
    journal.append([("table", "a", "1", {"newer": {"BOOL": True}})])
    snapshot.write([change(1)])
    snapshot.finish()
    assert read(tmp_path)[-1] == ("table", "a", "1", {"newer": {"BOOL": True}})


def test_a_snapshot_that_a_kill_interrupted_does_not_count(tmp_path: Path) -> None:
    journal = opened(tmp_path)
    journal.append([change(1)])
    journal.begin_snapshot().write([change(9)])
    journal.append([change(2)])
    journal.close()
    assert read(tmp_path) == [change(1), change(2)]
    opened(tmp_path)
    assert not list(tmp_path.glob("*.part"))


def test_a_snapshot_is_wanted_once_the_journal_has_grown(tmp_path: Path) -> None:
    journal = opened(tmp_path, rotate_bytes=1000)
    assert not journal.wants_snapshot
    while not journal.wants_snapshot:
        journal.append([change(1)])
    journal.close()
    again = opened(tmp_path, rotate_bytes=1000)
    assert again.wants_snapshot
    again.begin_snapshot().finish()
    assert not again.wants_snapshot
