"""``make deploy`` rehearsed: the emulated account has what the template says."""

from __future__ import annotations

from tests.support.template import default, functions, resources, template
from tests.template.conftest import Account


def test_stack_is_complete(deployed: Account) -> None:
    cloudformation = deployed.client("cloudformation")
    (stack,) = cloudformation.describe_stacks(StackName="formrelay")["Stacks"]
    assert stack["StackStatus"] == "CREATE_COMPLETE"
    pages = cloudformation.get_paginator("list_stack_resources").paginate(StackName="formrelay")
    made = [resource for page in pages for resource in page["StackResourceSummaries"]]
    assert {resource["ResourceStatus"] for resource in made} == {"CREATE_COMPLETE"}
    kinds = [resource["ResourceType"] for resource in made]
    sources = [source for function in functions().values() for source in function.get("Events", {}).values()]
    mappings = [source for source in sources if source["Type"] == "SQS"]
    for kind, count in (
        ("AWS::Lambda::Function", len(functions())),
        ("AWS::Lambda::EventSourceMapping", len(mappings)),
        ("AWS::DynamoDB::Table", 2),
        ("AWS::SQS::Queue", len(resources("AWS::SQS::Queue"))),
        ("AWS::IAM::Role", len(functions())),
        ("AWS::Events::Rule", 1),
        ("AWS::ApiGatewayV2::Api", 1),
        ("AWS::SES::ConfigurationSetEventDestination", 1),
        ("AWS::SNS::Subscription", 1),
        ("AWS::Logs::MetricFilter", len(resources("AWS::Logs::MetricFilter"))),
    ):
        assert (kind, kinds.count(kind)) == (kind, count)


def test_functions_run_the_package_with_their_layers(deployed: Account) -> None:
    client = deployed.client("lambda")
    for name, function in functions().items():
        found = client.get_function_configuration(FunctionName=f"formrelay-{name}")
        assert found["Handler"] == "app.handler"
        assert len(found["Layers"]) == (2 if name in ("compile", "image") else 1)
        assert int(found["Timeout"]) == default(function["Timeout"])


def test_functions_are_told_the_names_of_what_was_made(deployed: Account) -> None:
    variables = deployed.variables("deliver")
    assert set(variables) == set(template()["Globals"]["Function"]["Environment"]["Variables"])
    tables = {variables["FORMRELAY_DATA_TABLE"], variables["FORMRELAY_ACCOUNTS_TABLE"]}
    assert tables == set(deployed.client("dynamodb").list_tables()["TableNames"])
    queue = deployed.client("sqs").get_queue_attributes(
        QueueUrl=variables["FORMRELAY_FIRST_QUEUE_URL"], AttributeNames=["RedrivePolicy"]
    )
    assert "FirstDeadLetters" in queue["Attributes"]["RedrivePolicy"]
    key = deployed.client("kms").describe_key(KeyId=variables["FORMRELAY_KMS_KEY"])["KeyMetadata"]
    assert key["Enabled"]
    assert deployed.client("s3").head_bucket(Bucket=variables["FORMRELAY_BUCKET"])
    assert variables["FORMRELAY_DELIVER_FUNCTION"] == "formrelay-deliver"
    assert variables["FORMRELAY_RETRY_DELAYS"] == "60,600,6000"
