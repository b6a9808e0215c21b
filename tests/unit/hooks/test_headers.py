from __future__ import annotations

import base64
import datetime
from functools import cache
from typing import Any

import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from formrelay import __version__
from formrelay.hooks import headers
from formrelay.hooks.payload import Body, UnusableError

BODY = Body("application/json", b'{"a": 1}')


@cache
def now() -> int:
    """When the first of these tests ran: verifying takes no timestamp that is five minutes old."""
    return int(datetime.datetime.now(datetime.UTC).timestamp())


OLD, NEW = ("whsec_" + base64.b64encode(bytes([n]) * 32).decode() for n in (1, 2))


def _build(hook: dict[str, Any], **more: Any) -> dict[str, str]:
    built = headers.build(
        {"uid": "hABC", **hook}, BODY, delivery_uid="hlXYZ", attempt=2, timestamp=now(), **more
    )
    return {k: v.decode("latin-1") if isinstance(v, bytes) else v for k, v in built.items()}


def test_a_plain_hook_sends_type_sender_and_what_identifies_the_attempt() -> None:
    assert _build({}) == {
        "Accept": "*/*",
        "Accept-Encoding": "identity",
        "Content-Type": "application/json",
        "User-Agent": f"formrelay/{__version__} #hABC",
        "Idempotency-Key": "hlXYZ",
        "webhook-id": "hlXYZ",
        "webhook-timestamp": str(now()),
        "formrelay-event": "submission.created",
        "formrelay-attempt": "2",
    }


def test_the_event_is_told_and_cannot_be_set() -> None:
    assert _build({}, event="submission.edited")["formrelay-event"] == "submission.edited"
    assert headers.faults({"Formrelay-Event": "x"}) == ['The header "Formrelay-Event" cannot be set.']


def test_basic_credentials_are_utf8_and_may_hold_anything() -> None:
    hook = {"auth_level": "basic_auth", "settings": {"username": "bjørn", "password": "p:@$ä"}}
    value = _build(hook)["Authorization"]
    assert base64.b64decode(value.removeprefix("Basic ")).decode() == "bjørn:p:@$ä"


def test_basic_authentication_wins_over_a_custom_header_in_any_case() -> None:
    hook = {
        "auth_level": "basic_auth",
        "settings": {"username": "u", "password": "p", "custom_headers": {"authorization": "Bearer x"}},
    }
    sent = _build(hook)
    assert sent["Authorization"] == "Basic dTpw"
    assert "authorization" not in sent


def test_no_authorization_is_sent_without_basic_auth() -> None:
    assert "Authorization" not in _build({"settings": {"username": "u", "password": "p"}})


def test_a_custom_header_overrides_the_content_type_but_not_the_user_agent() -> None:
    sent = _build({"settings": {"custom_headers": {"content-type": "text/x", "user-agent": "me"}}})
    assert sent["content-type"] == "text/x"
    assert "Content-Type" not in sent
    assert sent["User-Agent"].startswith("formrelay/")
    assert "user-agent" not in sent


@pytest.mark.parametrize(
    ("value", "wire"), [("é", b"\xe9"), ("Žofie", "Žofie".encode()), (" x\t", b"x"), ("", b"")]
)
def test_a_custom_value_goes_out_as_latin1_or_else_utf8(value: str, wire: bytes) -> None:
    built = headers.build(
        {"uid": "h", "settings": {"custom_headers": {"X-A": value}}},
        BODY,
        delivery_uid="hl",
        attempt=1,
        timestamp=now(),
    )
    assert built["X-A"] == wire


@pytest.mark.parametrize("custom", ["x", ["x"], {"A B": "x"}, {"Host": "x"}, {"X": "a\r\nb"}, {"X": 1}])
def test_custom_headers_that_cannot_be_sent_are_unusable(custom: Any) -> None:
    with pytest.raises(UnusableError):
        _build({"settings": {"custom_headers": custom}})


@pytest.mark.parametrize("settings", [None, {}, {"custom_headers": None}])
def test_settings_without_headers_are_fine(settings: Any) -> None:
    assert _build({"settings": settings})["webhook-id"] == "hlXYZ"


@pytest.mark.parametrize(
    "name",
    [
        "Host",
        "content-length",
        "Transfer-Encoding",
        "Connection",
        "TE",
        "Upgrade",
        "Expect",
        "Proxy-Authorization",
        "Idempotency-Key",
        "Webhook-Id",
        "webhook-signature",
        "formrelay-attempt",
        "Formrelay-Test",
        "FORMRELAY-ANYTHING",
        "keep-alive",
        "Trailer",
        "Proxy-Connection",
        "Content-Encoding",
    ],
)
def test_framing_and_our_own_names_are_no_custom_headers(name: str) -> None:
    assert headers.faults({name: "x"}) == [f'The header "{name}" cannot be set.']


@pytest.mark.parametrize("name", ["", "a b", "a:b", "ü", "a\n", "x" * 9 + "\0", "(c)"])
def test_a_name_that_is_no_token_is_a_fault(name: str) -> None:
    assert headers.faults({name: "x"}) == [f'"{name}" is not a valid header name.']


def test_every_fault_of_the_custom_headers_is_named() -> None:
    assert headers.faults({"A": 1, "B": "x\0", "C": None, "Good": "tab\tand ü"}) == [
        'The value of the header "A" must be a string.',
        'The value of the header "B" has characters that cannot be sent.',
        'The value of the header "C" must be a string.',
    ]


def test_a_signature_is_verified_by_the_standard_library_of_receivers() -> None:
    sent = _build({}, secrets=[NEW])
    assert Webhook(NEW).verify(BODY.data, sent) == {"a": 1}
    with pytest.raises(WebhookVerificationError):
        Webhook(NEW).verify(BODY.data + b" ", sent)


def test_two_secrets_sign_side_by_side_so_that_receivers_can_change_over() -> None:
    sent = _build({}, secrets=[NEW, OLD])
    assert len(sent["webhook-signature"].split()) == 2
    assert Webhook(OLD).verify(BODY.data, sent) == Webhook(NEW).verify(BODY.data, sent)


def test_a_secret_that_is_not_base64_is_unusable() -> None:
    with pytest.raises(UnusableError):
        _build({}, secrets=["whsec_???"])


def test_a_test_is_marked() -> None:
    assert "formrelay-test" not in _build({})
    assert _build({}, test=True)["formrelay-test"] == "1"


def test_a_replay_is_numbered() -> None:
    assert _build({}, replay=3)["formrelay-replay"] == "3"
