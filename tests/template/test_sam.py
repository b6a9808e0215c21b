"""SAM's own opinion of the template; its two checks find different mistakes."""

from __future__ import annotations

from tests.template.conftest import make


def test_template_is_valid_for_sam_and_for_its_linter() -> None:
    done = make("validate")
    assert done.stdout.count("is a valid SAM Template") == 2
