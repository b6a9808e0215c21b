"""Reading the template: what is found in it, what its expressions come to, and what the emulator is given."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from infra.local.config import ROOT, read_config
from infra.local.cors import Cors
from infra.local.deploy import STORED_TYPES, storage_document
from infra.local.expressions import Expressions
from infra.local.template import Template, TemplateError, read_document, read_template

SMALL = """
Transform: AWS::Serverless-2016-10-31
Parameters:
  Delay: {Type: String, Default: "60"}
  Topic: {Type: String, Default: ""}
Conditions:
  HasTopic: !Not [!Equals [!Ref Topic, ""]]
Globals:
  Function:
    Handler: app.handler
    Timeout: 29
    Layers: [!Ref Shared]
    Environment:
      Variables: {TABLE: !Ref Table, DELAY: !Ref Delay, KEY: !GetAtt Key.Arn}
Resources:
  One:
    Type: AWS::Serverless::Function
    Properties:
      FunctionName: !Sub ${AWS::StackName}-one
      CodeUri: functions/one/
      Timeout: !If [HasTopic, 5, 40]
      Layers: [!Ref Heavy]
      Environment: {Variables: {EXTRA: !Join ["-", [a, !Ref Delay]]}}
      Events:
        Exact: {Type: HttpApi, Properties: {Method: post, Path: /one}}
        Rest: {Type: HttpApi, Properties: {}}
        Lane:
          Type: SQS
          Properties:
            Queue: !GetAtt Lane.Arn
            BatchSize: 10
            FunctionResponseTypes: [ReportBatchItemFailures]
            ScalingConfig: {MaximumConcurrency: 3}
        Often: {Type: Schedule, Properties: {Schedule: rate(5 minutes)}}
  Shared: {Type: AWS::Serverless::LayerVersion, Properties: {ContentUri: layers/shared}}
  Heavy: {Type: AWS::Serverless::LayerVersion, Properties: {ContentUri: layers/heavy}}
  Table: {Type: AWS::DynamoDB::Table, Properties: {}}
  Key: {Type: AWS::KMS::Key, Properties: {}}
  Lane: {Type: AWS::SQS::Queue, Properties: {VisibilityTimeout: 240}}
  Alarm: {Type: AWS::CloudWatch::Alarm, Properties: {}}
"""


def read(folder: Path, text: str = SMALL, parameters: dict[str, str] | None = None) -> Template:
    path = folder / "template.yaml"
    path.write_text(text)
    return read_template(path, lambda document: Expressions(document, parameters or {}))


def test_a_function_has_its_own_settings_over_the_shared_ones(tmp_path: Path) -> None:
    one = read(tmp_path).functions["One"]
    assert (one.name, one.handler, one.timeout) == ("formrelay-one", "app.handler", 40)
    assert one.code == tmp_path / "functions/one"
    assert one.layers == (tmp_path / "layers/shared/python", tmp_path / "layers/heavy/python")
    assert set(one.environment) == {"TABLE", "DELAY", "KEY", "EXTRA"}


def test_parameters_decide_conditions_and_values(tmp_path: Path) -> None:
    assert read(tmp_path, parameters={"Topic": "arn"}).functions["One"].timeout == 5


def test_routes_mappings_and_schedules_are_found(tmp_path: Path) -> None:
    template = read(tmp_path)
    assert [(route.key, route.function) for route in template.routes] == [
        ("POST /one", "One"),
        ("$default", "One"),
    ]
    (mapping,) = template.mappings
    assert (mapping.queue, mapping.batch_size, mapping.partial_failures, mapping.concurrency) == (
        "Lane",
        10,
        True,
        3,
    )
    (schedule,) = template.schedules
    assert (schedule.function, schedule.seconds) == ("One", 300)


API = """
  Api:
    Type: AWS::Serverless::HttpApi
    Properties:
      CorsConfiguration: !If
        - HasTopic
        - AllowOrigins: !Split [",", !Ref Topic]
          AllowMethods: [GET]
          AllowHeaders: [authorization]
          ExposeHeaders: ["*"]
          MaxAge: 60
        - !Ref AWS::NoValue
"""


def test_origins_whose_pages_may_call_are_read_from_the_http_api(tmp_path: Path) -> None:
    origins = {"Topic": "https://a.example,https://b.example"}
    assert read(tmp_path, SMALL + API, origins).cors == Cors(
        ("https://a.example", "https://b.example"), ("GET",), ("authorization",), ("*",), 60
    )
    assert read(tmp_path, SMALL + API).cors == read(tmp_path).cors == Cors()


def test_expressions_are_resolved_with_what_was_deployed(tmp_path: Path) -> None:
    template = read(tmp_path)

    def lookup(name: str, attribute: str | None) -> str:
        return f"<{name} {attribute}>"

    values = Expressions(template.document, {"Delay": "1"}, lookup)
    assert values(dict(template.functions["One"].environment)) == {
        "TABLE": "<Table None>",
        "DELAY": "1",
        "KEY": "<Key Arn>",
        "EXTRA": "a-1",
    }
    assert (
        values({"Fn::Sub": "${Table.Arn}/${AWS::Region}/${!Literal}"}) == "<Table Arn>/us-east-1/${Literal}"
    )


def test_the_emulator_gets_what_is_stored_and_an_output_for_all_that_is_looked_up(tmp_path: Path) -> None:
    document = storage_document(read(tmp_path))
    assert set(document["Resources"]) == {"Table", "Key", "Lane"}
    assert set(document["Outputs"]) == {"TableRef", "KeyArn", "LaneRef", "LaneArn"}
    assert "Transform" not in document


def test_the_emulator_keeps_no_old_versions_of_files_which_nothing_would_remove(tmp_path: Path) -> None:
    bucket = (
        "  Files: {Type: AWS::S3::Bucket, Properties: {VersioningConfiguration: {Status: Enabled}, X: 1}}\n"
    )
    document = storage_document(read(tmp_path, SMALL + bucket))
    assert document["Resources"]["Files"] == {"Type": "AWS::S3::Bucket", "Properties": {"X": 1}}


@pytest.mark.parametrize(
    ("wrong", "right", "message"),
    [
        ("Type: Schedule", "Type: S3", "event Often of type S3"),
        ("rate(5 minutes)", "cron(0)", "schedule cron"),
        ("!Ref Heavy", "!Ref Nowhere", "layer Nowhere"),
        ("Method: post", "Method: brew", "method BREW"),
        ("[HasTopic", "[Unheard", "condition Unheard"),
    ],
)
def test_what_cannot_be_run_locally_is_refused_by_name(
    tmp_path: Path, wrong: str, right: str, message: str
) -> None:
    kind = "Type: Schedule" if right == "Type: S3" else wrong
    with pytest.raises(TemplateError, match=message):
        read(tmp_path, SMALL.replace(kind, right, 1))


def test_a_file_that_is_no_template_is_refused(tmp_path: Path) -> None:
    for text in ("Resources: [", "[]", "Resources: 1"):
        with pytest.raises(TemplateError):
            read(tmp_path, text)


def test_the_projects_template_can_be_run_and_every_variable_of_its_functions_resolved() -> None:
    config = read_config({})
    template = read_template(ROOT / "template.yaml", lambda d: Expressions(d, config.parameters))
    stored = {name for name, r in template.document["Resources"].items() if r["Type"] in STORED_TYPES}
    asked: set[str] = set()

    def lookup(name: str, attribute: str | None) -> str:
        asked.add(name)
        return f"{name}.{attribute}"

    values = Expressions(template.document, config.parameters, lookup)
    for function in template.functions.values():
        environment: dict[str, Any] = values(dict(function.environment))
        assert environment["FORMRELAY_RETRY_DELAYS"] == "60,600,6000"
        assert environment["FORMRELAY_RECOVERY_GRACE"] == "5"
        assert environment["FORMRELAY_ALLOW_NETWORKS"] == "127.0.0.0/8,::1/128"
        assert all(layer.is_dir() or layer.parent.is_dir() for layer in function.layers)
    assert asked <= stored
    assert set(config.parameters) <= set(read_document(ROOT / "template.yaml")["Parameters"])
