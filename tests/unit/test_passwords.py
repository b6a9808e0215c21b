"""Password hashes (design §6)."""

from __future__ import annotations

import pytest

from formrelay import passwords


def test_a_password_is_verified_by_its_hash_alone() -> None:
    stored = passwords.hash_password("correct horse")
    assert passwords.verify("ann", "correct horse", stored)
    assert not passwords.verify("ann", "correct horse ", stored)
    assert not passwords.verify("ann", "", stored)
    assert "correct" not in stored


def test_two_hashes_of_one_password_differ() -> None:
    assert passwords.hash_password("x") != passwords.hash_password("x")


def test_the_hash_is_memory_hard() -> None:
    kind, n, r, _, _, _ = passwords.hash_password("x").split("$")
    assert kind == "scrypt"
    assert 128 * int(n) * int(r) >= 16 * 1024 * 1024


def test_only_what_has_passed_here_is_known() -> None:
    stored = passwords.hash_password("secret")
    assert not passwords.is_known("ann", "secret", stored)
    assert not passwords.verify("ann", "wrong", stored)
    assert not passwords.is_known("ann", "wrong", stored)
    assert passwords.verify("ann", "secret", stored)
    assert passwords.is_known("ann", "secret", stored)
    assert not passwords.is_known("bob", "secret", stored)
    assert not passwords.is_known("ann", "secret", passwords.hash_password("secret"))


def test_a_new_hash_ends_what_was_known_of_the_old_one() -> None:
    old, new = passwords.hash_password("old"), passwords.hash_password("new")
    assert passwords.verify("ann", "old", old)
    assert not passwords.verify("ann", "old", new)


def test_a_password_beyond_every_length_is_refused_before_hashing(monkeypatch: pytest.MonkeyPatch) -> None:
    stored = passwords.hash_password("x")
    monkeypatch.setattr("hashlib.scrypt", None)
    assert not passwords.verify("ann", "x" * (passwords.MAX_LENGTH + 1), stored)


@pytest.mark.parametrize("password", ["pass\0word", "пароль", "\N{PILE OF POO}", " ", "a:b"])
def test_any_text_is_a_password(password: str) -> None:
    assert passwords.verify("ann", password, passwords.hash_password(password))
