"""What versions of a form are called (contract assets §7)."""

from __future__ import annotations

from collections.abc import Iterator

from formrelay.api.asset_shapes import version_numbers
from formrelay.storage.assets import Version


def version(number: int, *, deployed: bool) -> Version:
    return Version(f"v{number}", number, "", 0, 1 if deployed else None, "")


def test_deployed_ones_are_counted_and_drafts_behind_them() -> None:
    newest_first = [version(number, deployed=number in (2, 4)) for number in (5, 4, 3, 2, 1)]
    assert version_numbers(newest_first) == {"v1": "0.1", "v2": "1", "v3": "1.1", "v4": "2", "v5": "2.1"}


def test_each_version_is_looked_at_once() -> None:
    class Counted(list[Version]):
        looks = 0

        def __reversed__(self) -> Iterator[Version]:
            for one in super().__reversed__():
                self.looks += 1
                yield one

    versions = Counted(version(number, deployed=True) for number in range(500, 0, -1))
    assert len(version_numbers(versions)) == versions.looks == 500
