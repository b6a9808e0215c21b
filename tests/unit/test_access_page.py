"""docs/permissions.md shows the authorization matrix as it is."""

from __future__ import annotations

from infra.access import PAGE, renewed


def test_the_page_is_in_step_with_the_table() -> None:
    page = PAGE.read_text()
    assert "| `GET /api/v2/assets/{asset}/hooks` |" in page
    assert page == renewed(page), "run: python -m infra.access"
