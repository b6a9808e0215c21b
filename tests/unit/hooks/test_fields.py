from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from formrelay.errors import ApiError
from formrelay.hooks import fields, guard, payload
from formrelay.hooks.resolve import addresses

MINIMAL = {"name": "ERP", "endpoint": "https://erp.example.org/kobo/in"}
NAMES = {"erp.example.org": ["93.184.215.14"], "mixed.example.org": ["93.184.215.14", "10.0.0.1"]}
PASSWORDS = {"hMine": "s3cret", "hEmpty": ""}


def _resolve(host: str) -> list[str]:
    if host.endswith(".example.org"):
        return NAMES.get(host, [])
    return addresses(host)


def _rules(**more: Any) -> fields.Rules:
    return fields.Rules(**{"resolve": _resolve, "password_of": PASSWORDS.get, **more})


def _create(rules: fields.Rules | None = None, **data: Any) -> dict[str, Any]:
    return fields.clean({**MINIMAL, **data}, None, partial=False, rules=rules or _rules())


def _patch(stored: dict[str, Any], **data: Any) -> dict[str, Any]:
    return fields.clean(data, {**fields.DEFAULTS, **MINIMAL, **stored}, partial=True, rules=_rules())


def _faults(rules: fields.Rules | None = None, **data: Any) -> Any:
    with pytest.raises(ApiError) as caught:
        _create(rules, **data)
    assert caught.value.status == 400
    return caught.value.body


def test_a_minimal_hook_gets_all_defaults() -> None:
    assert _create() == {
        **MINIMAL,
        "active": True,
        "export_type": "json",
        "auth_level": "no_auth",
        "settings": {},
        "email_notification": True,
        "subset_fields": [],
        "payload_template": None,
        "concurrency": None,
        "events": ["submission.created"],
        "filter": None,
    }


@pytest.mark.parametrize("value", [["submission.edited", "submission.created"], '["submission.edited"]'])
def test_events_are_chosen_as_list_or_as_its_text_and_kept_in_their_order(value: Any) -> None:
    assert _create(events=value)["events"] in (
        ["submission.created", "submission.edited"],
        ["submission.edited"],
    )


@pytest.mark.parametrize("value", ["", "submission.edited", "{}", 7, True])
def test_events_that_are_no_list_are_refused(value: Any) -> None:
    (fault,) = _faults(events=value)["events"]
    assert fault.startswith("Expected a list of items but got type ")


def test_only_so_many_unknown_events_are_named() -> None:
    assert len(_faults(events=[f"e{number}" for number in range(1000)])["events"]) == fields.MAX_FAULTS


def test_defaults_are_not_shared_between_hooks() -> None:
    _create()["settings"]["username"] = "x"
    assert _create()["settings"] == {}


def test_a_patch_gives_the_sent_fields_alone() -> None:
    assert _patch({}, name=" off ", active=False) == {"name": "off", "active": False}


def test_a_put_needs_name_and_endpoint_and_leaves_the_rest() -> None:
    stored = {**fields.DEFAULTS, **MINIMAL, "active": False}
    assert fields.clean(MINIMAL, stored, partial=False, rules=_rules()) == MINIMAL
    with pytest.raises(ApiError) as caught:
        fields.clean({}, stored, partial=False, rules=_rules())
    assert caught.value.body == {"name": [fields.REQUIRED], "endpoint": [fields.REQUIRED]}


def test_read_only_and_unknown_keys_are_ignored() -> None:
    sent: dict[str, Any] = {
        "asset": 412,
        "uid": "hX",
        "url": "x",
        "date_modified": 1,
        "failed_count": 9,
        "nonsense": [],
    }
    assert _create(**sent) == _create()


def test_the_faults_of_all_fields_come_together() -> None:
    body = _faults(name="", endpoint="ftp://x", active="maybe", subset_fields="x", payload_template="{")
    assert list(body) == ["name", "endpoint", "active", "subset_fields", "payload_template"]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("  ", "This field may not be blank."),
        (None, "This field may not be null."),
        ("x" * 256, "Ensure this field has no more than 255 characters."),
        ([], "Not a valid string."),
        ({}, "Not a valid string."),
        (True, "Not a valid string."),
        ("a\0b", "Null characters are not allowed."),
        ("a\ud800", "Surrogate characters are not allowed: U+D800."),
    ],
)
def test_a_bad_name_is_refused_in_the_usual_words(value: Any, text: str) -> None:
    assert _faults(name=value) == {"name": [text]}


def test_a_name_is_trimmed_and_a_number_becomes_text() -> None:
    assert _create(name=" x ")["name"] == "x"
    assert _create(name=17)["name"] == "17"


@pytest.mark.parametrize(
    "endpoint",
    [
        "ftp://erp.example.org/",
        "httpfoo",
        "httpfoo://erp.example.org",
        "http:erp.example.org",
        "http:/erp.example.org",
        "http://",
        "http:///in",
        "https://:443/",
        "//erp.example.org/",
        "erp.example.org",
        "http://erp.example.org:99999/",
        "http://erp.example.org:0/",
        "http://erp.example.org:x/",
        "http://[::1/",
        "http://[zz]/",
        "http://erp.example.org\\@127.0.0.1/",
        "http://erp.example.org/\r\nHost: x",
        "http://erp .example.org/",
        "http://..ü../",
    ],
)
def test_an_endpoint_that_is_no_absolute_web_address_has_an_invalid_scheme(endpoint: str) -> None:
    assert _faults(endpoint=endpoint) == {"endpoint": ["Invalid scheme"]}


@pytest.mark.parametrize(
    "endpoint",
    [
        "http://erp.example.org",
        "HTTPS://erp.example.org/in?a=%20b&c=ü#x",
        "https://erp.example.org:8443/a b",
        "http://8.8.8.8:81/",
        "http://[2606:4700::1111]/",
        "https://bücher.example.org/",
        "https://unknown.example.org/",
    ],
)
def test_a_web_address_is_kept_as_sent_also_when_its_name_does_not_resolve_now(endpoint: str) -> None:
    assert _create(endpoint=f" {endpoint} ")["endpoint"] == endpoint


def test_an_endpoint_has_at_most_500_characters() -> None:
    start = "https://erp.example.org/"
    assert _create(endpoint=start + "x" * (500 - len(start)))
    assert _faults(endpoint=start + "x" * (501 - len(start))) == {
        "endpoint": ["Ensure this field has no more than 500 characters."]
    }


@pytest.mark.parametrize("userinfo", ["u:p@", "u@", "@", ":@"])
def test_credentials_in_an_endpoint_are_refused(userinfo: str) -> None:
    [text] = _faults(endpoint=f"https://{userinfo}erp.example.org/")["endpoint"]
    assert "settings" in text


@pytest.mark.parametrize(
    "endpoint",
    [
        "http://127.0.0.1:8000/in",
        "http://2130706433/",
        "http://0x7f.1/",
        "http://0177.0.0.1/",
        "http://127.1/",
        "http://[::ffff:127.0.0.1]/",
        "http://[64:ff9b::7f00:1]/",
        "http://169.254.169.254/latest/meta-data/",
        "http://１２７.０.０.１/",
        "http://localhost/",
        "https://mixed.example.org/",
    ],
)
def test_an_endpoint_with_a_forbidden_address_is_not_allowed(endpoint: str) -> None:
    assert _faults(endpoint=endpoint) == {"endpoint": [f"{endpoint} is not allowed"]}


def test_an_operator_can_allow_loopback_hooks() -> None:
    rules = _rules(policy=guard.policy(["127.0.0.0/8"]))
    assert _create(rules, endpoint="http://127.0.0.1:8000/in")


def test_plain_http_is_refused_only_where_the_operator_wants_https() -> None:
    assert _create(endpoint="http://erp.example.org/")
    assert _faults(_rules(https_only=True), endpoint="http://erp.example.org/") == {
        "endpoint": ["Unsecured endpoint is not allowed"]
    }
    assert _create(_rules(https_only=True))


@pytest.mark.parametrize(
    ("value", "flag"), [(True, True), ("True", True), ("yes", True), (1, True), ("1", True)]
)
def test_a_true_flag_is_taken_in_any_spelling(value: Any, flag: bool) -> None:
    assert _create(active=value, email_notification=value) == _create(active=flag, email_notification=flag)


@pytest.mark.parametrize("value", [False, "False", "FALSE", "no", 0, "0", "off"])
def test_a_false_flag_is_taken_in_any_spelling(value: Any) -> None:
    assert _create(active=value)["active"] is False


@pytest.mark.parametrize("value", ["", "maybe", "null", 2, 1.5, [], {}])
def test_another_flag_is_no_boolean(value: Any) -> None:
    assert _faults(active=value) == {"active": ["Must be a valid boolean."]}


@pytest.mark.parametrize("name", ["active", "email_notification", "export_type", "auth_level", "settings"])
def test_null_is_refused_where_a_field_has_a_default(name: str) -> None:
    assert _faults(**{name: None}) == {name: ["This field may not be null."]}


@pytest.mark.parametrize(
    ("name", "value"), [("auth_level", "digest"), ("export_type", "csv"), ("export_type", "")]
)
def test_a_choice_outside_the_list_is_named(name: str, value: Any) -> None:
    assert _faults(**{name: value}) == {name: [f'"{value}" is not a valid choice.']}


def test_settings_come_back_exactly_as_sent() -> None:
    sent = {
        "username": "ü",
        "password": "p:@$",
        "custom_headers": {"X-Token": "1", "x-other": "", "Field.Map": "region=>col_1 é"},
    }
    assert _create(settings=sent)["settings"] == sent
    assert _create(settings=json.dumps(sent))["settings"] == sent


def test_null_settings_values_are_kept_and_unknown_ones_ignored() -> None:
    kept = {"username": None, "password": None, "custom_headers": None}
    assert _create(settings={**kept, "other": [[1.5]]})["settings"] == kept


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("{", "Unable to parse JSON"),
        ("[" * 100_000, "Unable to parse JSON"),
        ([], 'Expected a dictionary of items but got type "list".'),
        ("7", 'Expected a dictionary of items but got type "int".'),
        ({"username": 7}, '"username" must be a string.'),
        ({"password": ["x"]}, '"password" must be a string.'),
        ({"username": False}, '"username" must be a string.'),
        ({"username": "a:b"}, '"username" must not contain a colon.'),
        ({"username": "a\x00"}, '"username" must not contain control characters.'),
        ({"password": "pasted\n"}, '"password" must not contain control characters.'),
        ({"password": "p\x7f"}, '"password" must not contain control characters.'),
        ({"custom_headers": "X: y"}, '"custom_headers" must be an object.'),
        ({"custom_headers": {"Host": "x"}}, 'The header "Host" cannot be set.'),
        ({"custom_headers": {"X": 1}}, 'The value of the header "X" must be a string.'),
        ({"username": "\ud800"}, "The settings have characters that cannot be stored."),
        ({"password": "ä" * 8000}, "The settings have more than 16000 bytes."),
    ],
)
def test_settings_that_cannot_be_sent_are_refused(value: Any, text: str) -> None:
    assert _faults(settings=value) == {"settings": [text]}


def test_a_password_may_hold_any_other_character() -> None:
    settings = {"username": "bjørn", "password": "p:@$ \u00a0é😀"}
    assert _create(settings=settings)["settings"] == settings


def test_a_masked_password_means_the_password_of_the_hook_it_names() -> None:
    sent = {"username": "u", "password": fields.mask("hMine")}
    assert _create(settings=sent)["settings"] == {"username": "u", "password": "s3cret"}
    assert _patch({}, settings=sent)["settings"]["password"] == "s3cret"
    assert _create(settings={"password": fields.mask("hEmpty")})["settings"]["password"] == ""


@pytest.mark.parametrize("password", ["********:hOther", "********:", "********"])
def test_a_mask_that_names_no_hook_of_the_caller_is_refused(password: str) -> None:
    assert _faults(settings={"password": password}) == {
        "settings": ["The masked password names no hook you may edit."]
    }


def test_a_mask_is_told_from_a_password() -> None:
    assert fields.masked_hook(fields.mask("hABC")) == "hABC"
    assert fields.masked_hook("*********") is None
    assert fields.masked_hook("x********:h") is None
    assert fields.masked_hook("") is None


def test_subset_fields_take_a_list_or_the_same_as_json() -> None:
    assert _create(subset_fields=["region ", 7])["subset_fields"] == ["region", "7"]
    assert _create(subset_fields='["region"]')["subset_fields"] == ["region"]
    assert _create(subset_fields="")["subset_fields"] == []


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("region", 'Expected a list of items but got type "str".'),
        ("{}", 'Expected a list of items but got type "str".'),
        ("[" * 100_000, 'Expected a list of items but got type "str".'),
        ({"a": 1}, 'Expected a list of items but got type "dict".'),
        (None, "This field may not be null."),
        ([{}], "Not a valid string."),
        ([" "], "This field may not be blank."),
        (["x" * 501], "Ensure this field has no more than 500 characters."),
        (["x"] * 1001, "Ensure this field has no more than 1000 elements."),
    ],
)
def test_subset_fields_of_another_kind_are_refused(value: Any, text: str) -> None:
    assert _faults(subset_fields=value) == {"subset_fields": [text]}


@pytest.mark.parametrize("value", [None, "", "  "])
def test_no_template_is_null(value: Any) -> None:
    assert _create(payload_template=value)["payload_template"] is None
    assert _patch({"payload_template": "[%SUBMISSION%]"}, payload_template=value) == {
        "payload_template": None
    }


@pytest.mark.parametrize(
    "value", ['{"fields": %SUBMISSION%}', "[%SUBMISSION%, %SUBMISSION%]", "{}", "%SUBMISSION%"]
)
def test_a_template_that_gives_json_is_kept_as_sent(value: str) -> None:
    assert _create(payload_template=value)["payload_template"] == value


@pytest.mark.parametrize(
    "value", ['{"fields": "%SUBMISSION%"}', "{", "{%SUBMISSION%}", "[NaN]", "1e999", "[" * 9999]
)
def test_a_template_that_would_break_at_send_is_invalid(value: str) -> None:
    assert _faults(payload_template=value) == {"payload_template": ["Invalid JSON"]}


def test_a_template_that_is_kept_takes_the_deepest_submission() -> None:
    deepest = json.loads('[{"c":' * 50 + "1" + "}]" * 50)
    record = {"a": '\\ "%SUBMISSION%" \u2028 {', "b": deepest}
    kept = []
    for depth in range(1, 1200, 13):
        template = "[" * depth + "%SUBMISSION%" + "]" * depth
        try:
            _create(payload_template=template)
        except ApiError as error:
            assert error.body == {"payload_template": ["Invalid JSON"]}
            continue
        kept.append(depth)
        body = payload.render({"payload_template": template}, record, b"").data
        assert body.count(b"[") == depth + 50
    assert len(kept) > 10


def test_a_template_has_a_limit() -> None:
    assert _faults(payload_template="1" * 65_537) == {
        "payload_template": ["Ensure this field has no more than 65536 characters."]
    }


@pytest.mark.parametrize(
    ("stored", "sent"),
    [
        ({}, {"export_type": "xml", "payload_template": "[%SUBMISSION%]"}),
        ({"payload_template": "[%SUBMISSION%]"}, {"export_type": "xml"}),
        ({"export_type": "xml"}, {"payload_template": "[%SUBMISSION%]"}),
    ],
)
def test_a_template_and_xml_exclude_each_other_also_with_what_is_stored(
    stored: dict[str, Any], sent: dict[str, Any]
) -> None:
    with pytest.raises(ApiError) as caught:
        _patch(stored, **sent)
    assert caught.value.body == {"payload_template": ["Can be used only with JSON submission format"]}


def test_a_hook_with_a_template_becomes_xml_when_the_template_goes() -> None:
    sent = {"export_type": "xml", "payload_template": ""}
    assert _patch({"payload_template": "[%SUBMISSION%]"}, **sent) == {
        "export_type": "xml",
        "payload_template": None,
    }


_json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from([*fields.DEFAULTS, "name", "endpoint"]), _json_values))
def test_any_json_at_all_is_accepted_or_answered_by_field(data: dict[str, Any]) -> None:
    rules = _rules(resolve=lambda _: [])
    try:
        cleaned = fields.clean(data, None, partial=False, rules=rules)
    except ApiError as error:
        assert error.status == 400
        json.dumps(error.body, allow_nan=False)
    else:
        assert fields.clean(cleaned, None, partial=False, rules=rules) == cleaned
