"""What the template promises, read from template.yaml itself."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from formrelay import settings as settings_module
from formrelay import unsubscribe
from formrelay.api import main
from formrelay.storage import keys
from infra.ops import COMMANDS
from tests.support.template import (
    ROOT,
    default,
    functions,
    most,
    properties,
    resources,
    rights,
    several,
    statements,
    template,
)

PARAMETERS = template()["Parameters"]
FUNCTIONS = functions()
TABLES = resources("AWS::DynamoDB::Table")
QUEUES = resources("AWS::SQS::Queue")
LANES = ("FirstQueue", "RetryQueue", "ReplayQueue", "ReportQueue")
_READS = {"dynamodb:GetItem", "dynamodb:BatchGetItem", "dynamodb:Query", "s3:GetObject"}
FILTERS = resources("AWS::Logs::MetricFilter")
OURS = {"Fn::Sub": "formrelay/${AWS::StackName}"}
HTTP = ("ingest", "openrosa", "api")


def events(kind: str) -> list[tuple[str, dict[str, Any]]]:
    """(function, properties) of every event of that kind."""
    return [
        (name, event["Properties"])
        for name, function in FUNCTIONS.items()
        for event in function.get("Events", {}).values()
        if event["Type"] == kind
    ]


# Functions


def test_every_function_has_its_folder_and_no_folder_is_without_function() -> None:
    folders = {
        path.name for path in (ROOT / "functions").iterdir() if path.is_dir() and path.name != "__pycache__"
    }
    assert {function["CodeUri"] for function in FUNCTIONS.values()} == {
        f"functions/{name}/" for name in folders
    }
    assert set(FUNCTIONS) == folders


@pytest.mark.parametrize("name", FUNCTIONS)
def test_runtime_and_processor_are_parameters(name: str) -> None:
    assert FUNCTIONS[name]["Runtime"] == {"Ref": "Runtime"}
    assert FUNCTIONS[name]["Architectures"] == [{"Ref": "Architecture"}]
    assert "python3.11" in PARAMETERS["Runtime"]["AllowedValues"]
    assert PARAMETERS["Runtime"]["Default"] in PARAMETERS["Runtime"]["AllowedValues"]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_function_has_a_log_group_that_forgets(name: str) -> None:
    group = FUNCTIONS[name]["LoggingConfig"]["LogGroup"]["Ref"]
    assert properties(group)["RetentionInDays"] == {"Ref": "LogRetentionDays"}
    assert properties(group)["LogGroupName"] == {"Fn::Sub": f"/aws/lambda/${{AWS::StackName}}-{name}"}


@pytest.mark.parametrize(("layer", "function"), [("HeavyLayer", "compile"), ("ImagingLayer", "image")])
def test_heavy_layers_have_one_function_each(layer: str, function: str) -> None:
    assert {name for name in FUNCTIONS if {"Ref": layer} in FUNCTIONS[name].get("Layers", [])} == {function}


def test_all_functions_have_the_package() -> None:
    assert template()["Globals"]["Function"]["Layers"] == [{"Ref": "FormrelayLayer"}]


@pytest.mark.parametrize("name", HTTP)
def test_what_answers_http_gives_up_before_the_gateway_does(name: str) -> None:
    assert FUNCTIONS[name]["Timeout"] < 30


def test_invoked_functions_bear_the_names_that_are_told_to_the_others() -> None:
    told = template()["Globals"]["Function"]["Environment"]["Variables"]
    assert told["FORMRELAY_COMPILE_FUNCTION"] == FUNCTIONS["compile"]["FunctionName"]
    assert told["FORMRELAY_DELIVER_FUNCTION"] == FUNCTIONS["deliver"]["FunctionName"]
    assert told["FORMRELAY_IMAGE_FUNCTION"] == FUNCTIONS["image"]["FunctionName"]
    assert told["FORMRELAY_EXPORT_FUNCTION"] == FUNCTIONS["export"]["FunctionName"]


# Settings


def read_by_settings() -> set[str]:
    source = Path(str(settings_module.__file__)).read_text("utf-8")
    return {f"FORMRELAY_{name}" for name in re.findall(r'\bget\("([A-Z_]+)"', source)}


def test_every_setting_is_set_by_the_template_and_every_variable_is_read() -> None:
    variables = template()["Globals"]["Function"]["Environment"]["Variables"]
    ours = {name for name in variables if name.startswith("FORMRELAY_")}
    assert ours == read_by_settings()
    assert len(ours) > 15


def test_every_variable_is_documented() -> None:
    documented = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    assert {name for name in read_by_settings() if f"`{name}`" not in documented} == set()


def test_every_module_of_the_package_is_told_of_in_the_architecture() -> None:
    told = set(re.findall(r"`([\w/]+)`", (ROOT / "docs" / "architecture.md").read_text("utf-8")))
    package = ROOT / "layers/formrelay/python/formrelay"
    modules = [path.relative_to(package) for path in package.rglob("*.py") if path.stem != "__init__"]
    # The nouns of storage stand in one line; a folder named with its slash stands for what is in it.
    wholes = {"storage/", *(name for name in told if name.endswith("/"))}
    assert {
        name
        for name in (path.with_suffix("").as_posix() for path in modules)
        if name not in told and not any(name.startswith(whole) for whole in wholes)
    } == set()


def test_template_and_settings_have_the_same_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    variables = template()["Globals"]["Function"]["Environment"]["Variables"]
    plain = {
        name: str(default(value))
        for name, value in variables.items()
        if isinstance(value, dict) and value.get("Ref") in PARAMETERS and name.startswith("FORMRELAY_")
    }
    for name in variables:
        monkeypatch.delenv(name, raising=False)
    without = settings_module.settings.__wrapped__()
    for name, value in plain.items():
        monkeypatch.setenv(name, value)
    assert settings_module.settings.__wrapped__() == without


def test_deliver_is_told_its_own_time_out() -> None:
    variables = template()["Globals"]["Function"]["Environment"]["Variables"]
    assert (
        variables["FORMRELAY_FUNCTION_TIMEOUT"]
        == FUNCTIONS["deliver"]["Timeout"]
        == {"Ref": "DeliverTimeout"}
    )


def test_a_lease_has_ended_before_recovery_looks_whatever_is_chosen() -> None:
    lease = PARAMETERS["DeliverTimeout"]["MaxValue"] + 10
    assert lease < PARAMETERS["RecoveryGrace"]["MinValue"] <= PARAMETERS["RecoveryGrace"]["Default"]


def test_an_attempt_ends_within_the_default_time_out_of_deliver() -> None:
    assert PARAMETERS["TotalTimeout"]["Default"] + 10 <= PARAMETERS["DeliverTimeout"]["Default"]


# Queues


@pytest.mark.parametrize(("name", "mapping"), events("SQS"))
def test_visibility_is_six_time_outs_of_the_reader(name: str, mapping: dict[str, Any]) -> None:
    queue = properties(mapping["Queue"]["Fn::GetAtt"][0])
    assert queue["VisibilityTimeout"] >= 6 * most(FUNCTIONS[name]["Timeout"])


@pytest.mark.parametrize(("name", "mapping"), events("SQS"))
def test_messages_fail_one_by_one(name: str, mapping: dict[str, Any]) -> None:
    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]


def test_each_lane_is_read_by_one_function() -> None:
    read = sorted((mapping["Queue"]["Fn::GetAtt"][0], name) for name, mapping in events("SQS"))
    assert read == [
        ("FirstQueue", "deliver"),
        ("ReplayQueue", "deliver"),
        ("ReportQueue", "report"),
        ("RetryQueue", "deliver"),
    ]


@pytest.mark.parametrize("name", LANES)
def test_each_lane_has_dead_letters_of_its_own_that_are_kept_longer_and_watched(name: str) -> None:
    dead = QUEUES[name]["Properties"]["RedrivePolicy"]["deadLetterTargetArn"]["Fn::GetAtt"][0]
    assert dead == name.replace("Queue", "DeadLetters")
    assert properties(dead)["MessageRetentionPeriod"] == 14 * 86400
    assert "RedrivePolicy" not in properties(dead)
    watched = [
        alarm["Properties"].get("Dimensions") for alarm in resources("AWS::CloudWatch::Alarm").values()
    ]
    assert [{"Name": "QueueName", "Value": {"Fn::GetAtt": [dead, "QueueName"]}}] in watched


@pytest.mark.parametrize("name", LANES)
def test_messages_of_each_lane_that_grow_old_are_noticed(name: str) -> None:
    watched = [
        alarm["Properties"]["Dimensions"]
        for alarm in resources("AWS::CloudWatch::Alarm").values()
        if alarm["Properties"]["MetricName"] == "ApproximateAgeOfOldestMessage"
    ]
    assert [{"Name": "QueueName", "Value": {"Fn::GetAtt": [name, "QueueName"]}}] in watched


@pytest.mark.parametrize("name", QUEUES)
def test_queues_are_encrypted(name: str) -> None:
    assert properties(name)["SqsManagedSseEnabled"] is True


# Storage


@pytest.mark.parametrize("name", TABLES)
def test_tables_expire_items_and_can_be_restored(name: str) -> None:
    table = TABLES[name]
    assert table["Properties"]["TimeToLiveSpecification"] == {"AttributeName": "expires", "Enabled": True}
    assert table["Properties"]["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"] is True
    assert table["Properties"]["SSESpecification"]["SSEEnabled"] is True
    assert table["Properties"]["BillingMode"] == "PAY_PER_REQUEST"


@pytest.mark.parametrize("name", [*TABLES, "Bucket", "SealingKey"])
def test_what_is_stored_outlives_the_stack(name: str) -> None:
    resource = template()["Resources"][name]
    assert resource["DeletionPolicy"] == resource["UpdateReplacePolicy"] == "Retain"


def test_indexes_are_those_that_the_package_names_and_hold_keys_only() -> None:
    indexes = {index["IndexName"]: index for index in properties("DataTable")["GlobalSecondaryIndexes"]}
    assert set(indexes) == {keys.SWEEP_INDEX, keys.TROUBLE_INDEX}
    assert {index["Projection"]["ProjectionType"] for index in indexes.values()} == {"KEYS_ONLY"}


def test_bucket_is_private_encrypted_and_forgets_what_is_temporary() -> None:
    bucket = properties("Bucket")
    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
    assert bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    rules = {rule.get("Prefix"): rule for rule in bucket["LifecycleConfiguration"]["Rules"]}
    assert rules["tmp/"]["ExpirationInDays"] == 1
    assert rules[None]["AbortIncompleteMultipartUpload"]
    assert "ExpirationInDays" not in rules[None]


def test_deleted_files_can_be_had_back_for_as_long_as_the_tables_but_what_can_be_made_again() -> None:
    bucket = properties("Bucket")
    assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}
    kept = {
        rule.get("Prefix"): rule["NoncurrentVersionExpiration"]["NoncurrentDays"]
        for rule in bucket["LifecycleConfiguration"]["Rules"]
    }
    # Point-in-time recovery reaches back 35 days.
    assert kept == {None: 35, "tmp/": 1, "pictures/": 1, "log-exports/": 1, "exports/": 1}


def test_key_that_seals_credentials_is_rotated() -> None:
    assert properties("SealingKey")["EnableKeyRotation"] is True


# HTTP


def test_routes_are_few_and_one_of_them_takes_the_rest() -> None:
    routes = [(name, route.get("Path")) for name, route in events("HttpApi")]
    assert len(routes) <= 13
    assert [name for name, path in routes if path is None] == ["api"]
    assert {name for name, _ in routes} == set(HTTP)


def test_every_route_takes_every_method() -> None:
    assert {route.get("Method", "ANY") for _, route in events("HttpApi")} == {"ANY"}


def test_access_logs_hold_no_query_strings_and_no_credentials() -> None:
    logged = set(re.findall(r"\$context\.([\w.]+)", properties("HttpApi")["AccessLogSettings"]["Format"]))
    assert {"path", "status", "requestId"} <= logged
    assert not {
        name for name in logged if "query" in name.lower() or "authorizer" in name or "header" in name
    }


def test_no_path_holds_a_secret_for_paths_stand_in_access_logs() -> None:
    named = {name for route in main.ROUTES for name in re.findall(r"{(\w+)}", route.pattern)}
    assert "hook" in named
    assert not {name for name in named if re.search("token|secret|key|password|confirm", name)}


def test_requests_are_throttled_as_the_operator_says() -> None:
    assert properties("HttpApi")["DefaultRouteSettings"] == {
        "ThrottlingRateLimit": {"Ref": "ThrottleRate"},
        "ThrottlingBurstLimit": {"Ref": "ThrottleBurst"},
    }


# Rights


@pytest.mark.parametrize("name", FUNCTIONS)
def test_no_right_is_given_by_wildcard(name: str) -> None:
    for statement in statements(name):
        assert statement["Effect"] == "Allow"
        assert not [action for action in several(statement["Action"]) if "*" in action]
        assert "*" not in several(statement["Resource"])


@pytest.mark.parametrize("name", ["deliver", "recover", "compile", "image", "export"])
def test_what_meets_foreign_input_has_no_right_on_accounts(name: str) -> None:
    assert rights(name, "AccountsTable") == set()


@pytest.mark.parametrize("name", ["ingest", "openrosa"])
def test_form_clients_are_known_by_reading_and_their_failures_counted(name: str) -> None:
    reading = {"dynamodb:GetItem", "dynamodb:BatchGetItem"}
    assert rights(name, "AccountsTable") - reading == {"dynamodb:UpdateItem"}


def test_report_only_reads_addresses() -> None:
    assert rights("report", "AccountsTable") == {"dynamodb:GetItem"}


def test_bounce_marks_addresses_of_accounts_and_sees_and_changes_nothing_else() -> None:
    assert rights("bounce", "DataTable") == set()
    (statement,) = statements("bounce")
    assert statement["Action"] == "dynamodb:UpdateItem"
    assert statement["Condition"] == {
        "ForAllValues:StringLike": {"dynamodb:LeadingKeys": [keys.account("*")["pk"]]},
        "ForAllValues:StringEquals": {"dynamodb:Attributes": ["pk", "sk", "email", "email_bad"]},
        "StringEqualsIfExists": {"dynamodb:ReturnValues": "NONE"},
    }


def test_compile_has_no_right_at_all() -> None:
    assert statements("compile") == []


def test_image_reads_attachments_writes_pictures_and_nothing_else() -> None:
    assert [(s["Action"], s["Resource"]) for s in statements("image")] == [
        ("s3:GetObject", {"Fn::Sub": "${Bucket.Arn}/attachments/*"}),
        ("s3:PutObject", {"Fn::Sub": "${Bucket.Arn}/pictures/*"}),
    ]


def test_export_changes_nothing_but_its_tasks_their_segments_and_results() -> None:
    writes = [part for part in statements("export") if not set(several(part["Action"])) <= _READS]
    targets = {str(target): part for part in writes for target in several(part["Resource"])}
    table = targets.pop(str({"Fn::GetAtt": ["DataTable", "Arn"]}))
    leading = table["Condition"]["ForAllValues:StringLike"]["dynamodb:LeadingKeys"]
    assert leading == [keys.exports_pk("*")]
    assert set(targets) == {str({"Fn::Sub": f"${{Bucket.Arn}}/{folder}/*"}) for folder in ("tmp", "exports")}


def test_openrosa_changes_no_data() -> None:
    assert rights("openrosa", "DataTable") == {"dynamodb:GetItem", "dynamodb:BatchGetItem", "dynamodb:Query"}


def test_credentials_are_sealed_by_api_and_opened_by_deliver_alone() -> None:
    """The function that mails may seal as well, but nothing with the uid of what credentials belong to."""
    sealing = {name: rights(name, "SealingKey") for name in FUNCTIONS}
    assert {name: actions for name, actions in sealing.items() if actions} == {
        "api": {"kms:Encrypt", "kms:Decrypt"},
        "deliver": {"kms:Decrypt"},
        "report": {"kms:Encrypt"},
    }
    (sealed,) = [part for part in statements("report") if part["Action"] == "kms:Encrypt"]
    assert sealed["Condition"] == {"StringEquals": {"kms:EncryptionContext:uid": unsubscribe.PURPOSE}}


def test_only_api_and_for_exports_recover_calls_functions_and_only_report_sends_mail() -> None:
    def having(action: str) -> set[str]:
        return {name for name in FUNCTIONS for part in statements(name) if action in several(part["Action"])}

    assert having("lambda:InvokeFunction") == {"api", "recover"}
    assert rights("recover", "ExportFunction") == {"lambda:InvokeFunction"}
    assert rights("recover", "DeliverFunction") == rights("recover", "CompileFunction") == set()
    assert having("ses:SendEmail") == {"report"}


def test_ses_alone_tells_of_our_mails_and_only_what_makes_an_address_bad() -> None:
    (statement,) = properties("MailEventsPolicy")["PolicyDocument"]["Statement"]
    assert (statement["Principal"], statement["Action"]) == ({"Service": "ses.amazonaws.com"}, "sns:Publish")
    source = statement["Condition"]["StringEquals"]
    assert source["AWS:SourceAccount"] == {"Ref": "AWS::AccountId"}
    assert source["AWS:SourceArn"]["Fn::Sub"].endswith(":configuration-set/${MailConfiguration}")
    destination = properties("MailEventDestination")["EventDestination"]
    assert destination["MatchingEventTypes"] == ["bounce", "complaint"]
    assert destination["SnsDestination"] == {"TopicARN": {"Ref": "MailEvents"}}
    assert events("SNS") == [("bounce", {"Topic": {"Ref": "MailEvents"}})]
    assert set(properties("MailConfiguration")["SuppressionOptions"]["SuppressedReasons"]) == {
        "BOUNCE",
        "COMPLAINT",
    }


def test_nothing_is_read_or_written_unencrypted_in_the_bucket() -> None:
    (statement,) = properties("BucketPolicy")["PolicyDocument"]["Statement"]
    assert statement["Effect"] == "Deny"
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


# Operation


def test_recovery_runs_every_minute_and_a_stop_of_it_is_noticed() -> None:
    assert events("Schedule") == [("recover", {"Schedule": "rate(1 minute)"})]
    heartbeat = properties("RecoverHeartbeatAlarm")
    assert (heartbeat["MetricName"], heartbeat["TreatMissingData"]) == ("Invocations", "breaching")


@pytest.mark.parametrize("name", resources("AWS::Serverless::Function"))
def test_errors_of_every_function_are_noticed(name: str) -> None:
    watched = [alarm["Properties"] for alarm in resources("AWS::CloudWatch::Alarm").values()]
    errors = [alarm["Dimensions"] for alarm in watched if alarm["MetricName"] == "Errors"]
    assert [{"Name": "FunctionName", "Value": {"Ref": name}}] in errors


def test_alarms_tell_the_topic_if_there_is_one() -> None:
    told = [alarm["Properties"]["AlarmActions"] for alarm in resources("AWS::CloudWatch::Alarm").values()]
    topic = {"Fn::If": ["HasAlarmTopic", [{"Ref": "AlarmTopic"}], {"Ref": "AWS::NoValue"}]}
    assert told == [topic] * len(told)
    assert PARAMETERS["AlarmTopic"]["Default"] == ""


@pytest.mark.parametrize(
    ("namespace", "metric"),
    [
        ("AWS/ApiGateway", "5xx"),
        ("AWS/Lambda", "Throttles"),
        ("AWS/SES", "Reputation.BounceRate"),
        ("AWS/SES", "Reputation.ComplaintRate"),
        (OURS, "MailsRefused"),
        (OURS, "Overdue"),
        (OURS, "NotRecovered"),
    ],
)
def test_what_a_person_has_to_see_to_is_noticed(namespace: object, metric: str) -> None:
    watched = [alarm["Properties"] for alarm in resources("AWS::CloudWatch::Alarm").values()]
    assert (namespace, metric) in [(alarm["Namespace"], alarm["MetricName"]) for alarm in watched]


def test_alarms_on_metrics_of_ours_watch_some_that_there_are() -> None:
    made = [transformation(name)["MetricName"] for name in FILTERS]
    alarms = [alarm["Properties"] for alarm in resources("AWS::CloudWatch::Alarm").values()]
    watched = [alarm["MetricName"] for alarm in alarms if alarm["Namespace"] == OURS]
    assert watched
    assert set(watched) <= set(made)


def transformation(name: str) -> dict[str, Any]:
    """What a metric filter makes of a line."""
    (found,) = FILTERS[name]["Properties"]["MetricTransformations"]
    return dict(found)


@pytest.mark.parametrize("name", FILTERS)
def test_metrics_stand_under_the_stack_and_never_count_by_project_or_hook(name: str) -> None:
    made = transformation(name)
    assert made["MetricNamespace"] == OURS
    # One metric for each outcome of an attempt, of which there are twelve, is the most.
    assert made.get("Dimensions", []) in ([], [{"Key": "outcome", "Value": "$.outcome"}])


def test_no_function_is_traced() -> None:
    assert [name for name, function in FUNCTIONS.items() if "Tracing" in function] == []


def test_pages_of_other_origins_may_call_unless_the_operator_names_some_or_none() -> None:
    chosen, configured, otherwise = properties("HttpApi")["CorsConfiguration"]["Fn::If"]
    assert template()["Conditions"][chosen] == {"Fn::Not": [{"Fn::Equals": [{"Ref": "CorsOrigins"}, ""]}]}
    assert configured["AllowOrigins"] == {"Fn::Split": [",", {"Ref": "CorsOrigins"}]}
    # Pages bring a key of their own: with credentials, a browser would lend them those it remembers.
    assert "AllowCredentials" not in configured
    assert otherwise == {"Ref": "AWS::NoValue"}
    (rule,) = properties("Bucket")["CorsConfiguration"]["CorsRules"]
    assert set(rule["AllowedMethods"]) == {"GET", "HEAD"}


@pytest.mark.parametrize(
    ("value", "taken"),
    [
        ("", True),
        ("*", True),
        ("https://a.example", True),
        ("https://a.example:8443,http://localhost:3000", True),
        ("https://a.example/", False),
        ("a.example", False),
        ("https://a.example, https://b.example", False),
        ("*,https://a.example", False),
    ],
)
def test_origins_are_written_as_browsers_send_them(value: str, taken: bool) -> None:
    assert bool(re.fullmatch(PARAMETERS["CorsOrigins"]["AllowedPattern"], value)) is taken


# The runbook

RUNBOOK = (ROOT / "docs" / "runbook.md").read_text()


def test_every_alarm_has_its_section_in_the_runbook() -> None:
    titles = re.findall(r"^### (.+)$", RUNBOOK, re.MULTILINE)
    assert sorted(titles) == sorted(resources("AWS::CloudWatch::Alarm"))


def test_every_section_says_what_it_means_where_to_look_and_what_to_type() -> None:
    for section in RUNBOOK.split("\n### ")[1:]:
        name = section.partition("\n")[0]
        for part in ("**Means**", "**Look**", "**Do**"):
            assert part in section, f"{name} lacks {part}"


def test_what_the_runbook_has_typed_are_commands_and_functions_that_there_are() -> None:
    commands = {command.name for command in COMMANDS}
    typed = re.findall(r"infra\.ops (?:--\S+ )*([a-z-]+)", RUNBOOK)
    assert typed
    assert set(typed) <= commands
    functions = {name.removesuffix("Function").lower() for name in resources("AWS::Serverless::Function")}
    assert set(re.findall(r"/aws/lambda/formrelay-(\w+)", RUNBOOK)) <= functions


def test_the_settings_have_every_parameter_with_its_default() -> None:
    told: dict[str, str] = {}
    for names, defaults in re.findall(
        r"^\| ((?:`[A-Z]\w+`(?:, )?)+) \| (.*?) \|",
        (ROOT / "docs/settings.md").read_text("utf-8"),
        re.MULTILINE,
    ):
        listed = names.replace("`", "").split(", ")
        values = [value.strip("`").replace("–", "") for value in defaults.split(", ")]
        told |= dict(zip(listed, values * (len(listed) if values == [""] else 1), strict=True))
    assert told == {name: str(parameter["Default"]) for name, parameter in PARAMETERS.items()}
