"""Identifiers (contract accounts §6.7, submissions §11, design §3)."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from formrelay import clock, ids

SIDS = st.integers(0, ids.MAX_SUBMISSION_ID)
HOOK = "hWNZNwhXK6HDYVkZJSn9jy"


@pytest.mark.parametrize("prefix", ["a", "v", "att", "hl"])
def test_a_uid_is_its_prefix_and_21_characters_without_look_alikes(prefix: str) -> None:
    uid = ids.uid(prefix)
    assert re.fullmatch(prefix + "[2-9A-HJ-NP-Za-km-z]{21}", uid)
    assert ids.is_uid(uid, prefix)
    assert len(ids.ALPHABET) == 57


def test_uids_differ() -> None:
    assert len({ids.uid("a") for _ in range(1_000)}) == 1_000


@pytest.mark.parametrize(
    "text", [None, "", "a", "b" + "2" * 21, "a" + "2" * 20, "a" + "2" * 22, "a" + "0" * 21, "a" + "é" * 21]
)
def test_what_has_another_form_is_no_uid(text: str | None) -> None:
    assert not ids.is_uid(text, "a")


def test_submission_ids_have_at_most_15_digits_for_decades_and_sort_by_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    drawn = []
    for year in range(30):
        monkeypatch.setattr(clock, "now", lambda year=year: 1_767_225_600 + year * 31_557_600)
        drawn += [ids.submission_id() for _ in range(3)]
    assert [sid // 1024 for sid in drawn] == sorted(sid // 1024 for sid in drawn)
    assert all(0 <= sid <= ids.MAX_SUBMISSION_ID for sid in drawn)
    assert ids.MAX_SUBMISSION_ID == 999_999_999_999_999


@given(st.integers(clock.EPOCH_2026_MS, clock.EPOCH_2026_MS + 10**12))
def test_the_smallest_id_of_a_moment_is_not_above_any_drawn_then(ms: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(clock, "now", lambda: ms / 1000)
        assert ids.id_at(clock.now_ms()) <= ids.submission_id() < ids.id_at(clock.now_ms() + 1)


def test_there_is_no_id_before_the_epoch() -> None:
    assert ids.id_at(0) == 0


def test_an_api_key_is_40_hexadecimal_characters_and_is_not_its_hash() -> None:
    key = ids.api_key()
    assert re.fullmatch(r"[0-9a-f]{40}", key)
    assert key not in ids.key_hash(key)
    assert ids.key_hash(key) != ids.key_hash(ids.api_key())


@given(SIDS)
def test_a_delivery_uid_leads_back_to_its_submission(sid: int) -> None:
    uid = ids.delivery_uid(HOOK, sid)
    assert ids.is_uid(uid, "hl")
    assert ids.delivery_sid(HOOK, uid) == sid


@given(SIDS)
def test_the_delivery_uid_of_another_hook_is_unknown(sid: int) -> None:
    assert ids.delivery_sid("h" + "2" * 21, ids.delivery_uid(HOOK, sid)) is None


@given(st.text(alphabet=ids.ALPHABET, min_size=21, max_size=21))
def test_made_up_delivery_uids_are_unknown(text: str) -> None:
    assert ids.delivery_sid(HOOK, "hl" + text) is None


@pytest.mark.parametrize(
    "text", ["", "hl", "hl" + "0" * 21, "hl" + "2" * 22, "xx" + "2" * 21, "hl" + "\N{SNOWMAN}" * 21]
)
def test_what_has_another_form_is_no_delivery_uid(text: str) -> None:
    assert ids.delivery_sid(HOOK, text) is None
