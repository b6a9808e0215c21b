"""``reseal``: what one KMS key has sealed, another one opens afterwards."""

from __future__ import annotations

from typing import Any

import pytest

from formrelay import sealing
from formrelay.aws import kms
from formrelay.settings import settings
from formrelay.storage import keys, table
from tests.integration.operate.conftest import Run
from tests.support.world import World


@pytest.fixture
def old_key(world: World, run: Run, monkeypatch: pytest.MonkeyPatch) -> str:
    """The key that has sealed all that there is; the deployment has another one since."""
    world.app.add_user("bob")
    world.change_hook(auth_level="basic_auth", settings={"username": "u", "password": "p"})
    assert world.app.send("POST", world.hook_path("secret/")).status == 201
    mine, old = settings().kms_key, kms().create_key()["KeyMetadata"]["KeyId"]
    monkeypatch.setenv("FORMRELAY_KMS_KEY", old)
    settings.cache_clear()
    assert run("reseal", "--from-key", mine).code == 0
    monkeypatch.setenv("FORMRELAY_KMS_KEY", mine)
    settings.cache_clear()
    sealing._opened.clear()
    return old


def test_everything_opens_with_the_new_key_alone(world: World, old_key: str, run: Run) -> None:
    assert run("reseal", "--from-key", old_key).lines == [{"resealed": {"accounts": 2, "hooks": 1}}]
    kms().disable_key(KeyId=old_key)
    assert world.app.get("/token/").json() == {"token": world.app.keys["ann"]}
    world.submit()
    world.run(10)
    request = world.requests[-1]
    assert request.header("authorization") == "Basic dTpw"
    assert (request.header("webhook-signature") or "").startswith("v1,")


def test_a_second_run_finds_nothing_to_do(world: World, old_key: str, run: Run) -> None:
    run("reseal", "--from-key", old_key)
    assert run("reseal", "--from-key", old_key).lines == [{"resealed": {"accounts": 0, "hooks": 0}}]


def test_a_hook_that_is_changed_at_that_moment_is_left_for_the_next_run(
    world: World, old_key: str, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = kms()
    encrypt = client.re_encrypt

    def changed_meanwhile(**request: Any) -> Any:
        if request["SourceEncryptionContext"] == {"uid": world.hook}:
            monkeypatch.setattr(client, "re_encrypt", encrypt)
            hook = keys.hook(world.asset, world.hook)
            table.update(settings().data_table, hook, "ADD #revision :one", {":one": 1})
        return encrypt(**request)

    monkeypatch.setattr(client, "re_encrypt", changed_meanwhile)
    first = run("reseal", "--from-key", old_key)
    assert first.lines == [{"resealed": {"accounts": 2, "hooks": 0}}]
    assert "was changed meanwhile: run the command again." in first.remarks
    assert run("reseal", "--from-key", old_key).lines[0]["resealed"]["hooks"] == 1


def test_accounts_that_are_gone_have_nothing_to_reseal(world: World, old_key: str, run: Run) -> None:
    assert run("delete-account", "bob").code == 0
    assert run("reseal", "--from-key", old_key).lines == [{"resealed": {"accounts": 1, "hooks": 1}}]


def test_what_is_damaged_keeps_nothing_else_from_being_moved(world: World, old_key: str, run: Run) -> None:
    junk = {":junk": [b"junk"]}
    table.update(settings().accounts_table, keys.account("bob"), "SET #key_sealed = :junk", junk)
    table.update(settings().data_table, keys.hook(world.asset, world.hook), "SET #sealed = :junk", junk)
    done = run("reseal", "--from-key", old_key)
    assert done.lines == [{"resealed": {"accounts": 1, "hooks": 1}}]
    assert f"Something sealed for {world.hook} is damaged: no key opens it." in done.remarks
    kms().disable_key(KeyId=old_key)
    world.change_hook(settings={})
    world.submit()
    world.run(10)
    assert (world.requests[-1].header("webhook-signature") or "").startswith("v1,")
