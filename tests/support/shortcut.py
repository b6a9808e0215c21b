"""A short way from the AWS clients of a test to moto's DynamoDB.

Most of what a call costs in moto is HTTP without a network: signing, routing, headers, and the coding of the answer by
models. Calls on items skip that: botocore checks and serialises the request as ever, moto's own handler answers it, and
its errors are coded the long way. Whatever else is called goes the long way altogether.
"""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any, Final

from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from botocore.endpoint import convert_to_response_dict
from moto.core.botocore_stubber import MockRawResponse
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.dynamodb.responses import DynamoHandler

if TYPE_CHECKING:
    from botocore.model import OperationModel
    from moto.core.common_types import TYPE_RESPONSE
    from moto.core.responses import ActionResult

_OPERATIONS: Final = frozenset(
    {
        "GetItem",
        "PutItem",
        "UpdateItem",
        "DeleteItem",
        "Query",
        "Scan",
        "BatchGetItem",
        "BatchWriteItem",
        "TransactGetItems",
        "TransactWriteItems",
    }
)
_JSON: Final = "application/x-amz-json-1.0"


def goes(model: OperationModel) -> bool:
    """Whether an operation has a short way."""
    return model.service_model.service_name == "dynamodb" and model.name in _OPERATIONS


def answered(
    endpoint: Any, model: OperationModel, request: dict[str, Any], region: str
) -> tuple[AWSResponse, dict[str, Any]]:
    """What ``Endpoint.make_request`` returns: the HTTP response, and what it means."""
    handler = _Handler(model.name, request["body"], region)
    status, headers, body = handler.call_action()
    response = AWSResponse(request["url"], status, HTTPHeaders.from_dict(headers), MockRawResponse(body))
    if handler.result is None:
        return response, _refused(endpoint, model, response)
    known = model.output_shape.members if model.output_shape else {}
    answer = {name: value for name, value in handler.result.items() if name in known and value is not None}
    return response, answer | {
        "ResponseMetadata": {"HTTPStatusCode": status, "HTTPHeaders": {}, "RetryAttempts": 0}
    }


class _Handler(DynamoHandler):
    """moto's handler as it is once it has taken a request apart; keeps a result instead of coding it."""

    def __init__(self, operation: str, body: bytes, region: str) -> None:
        super().__init__()
        self.result: dict[str, Any] | None = None
        self.params = _read(body)
        self.headers = {"x-amz-target": f"DynamoDB_20120810.{operation}", "Content-Type": _JSON}
        self.querystring: dict[str, Any] = {}
        self.response_headers: dict[str, str] = {}
        self.region = region
        self.current_account = DEFAULT_ACCOUNT_ID

    def serialized(self, action_result: ActionResult) -> TYPE_RESPONSE:
        if isinstance(action_result.result, dict):
            self.result = action_result.result
            return 200, {}, ""
        return super().serialized(action_result)

    @staticmethod
    def _enrich_response(headers: dict[str, str], body: Any) -> tuple[dict[str, str], Any]:
        return headers, body  # spares the numbers of requests, which moto throws dice for


def _read(body: bytes) -> dict[str, Any]:
    # Bodies without a name or type that begins with B are spared the hook.
    read: dict[str, Any] = json.loads(body, object_hook=_binary if b'"B' in body else None)
    return read


def _binary(value: dict[str, Any]) -> dict[str, Any]:
    match value:
        case {"B": str(encoded)} if len(value) == 1:
            return {"B": base64.b64decode(encoded)}
        case {"BS": [*encoded]} if len(value) == 1 and all(isinstance(part, str) for part in encoded):
            return {"BS": [base64.b64decode(part) for part in encoded]}
    return value


def _refused(endpoint: Any, model: OperationModel, response: AWSResponse) -> dict[str, Any]:
    found = convert_to_response_dict(response, model)
    parser = endpoint._response_parser_factory.create_parser(model.service_model.resolved_protocol)
    parsed: dict[str, Any] = parser.parse(found, model.output_shape)
    endpoint._add_modeled_error_fields(found, parsed, model, parser)
    parsed["ResponseMetadata"]["RetryAttempts"] = 0
    return parsed
