"""AWS clients: low-level, created once and on first use. No other module creates one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any

from formrelay.errors import UnavailableError
from formrelay.log import logger

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_kms import KMSClient
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sesv2 import SESV2Client
    from mypy_boto3_sqs import SQSClient

# Threads of one deliver process, each of which may hold a connection.
MAX_POOL = 32
# What services say to those who ask too much, after all tries of a client.
_THROTTLED = frozenset(
    {
        *("Throttling", "ThrottlingException", "RequestThrottled", "TooManyRequestsException"),
        *("ProvisionedThroughputExceededException", "RequestLimitExceeded", "SlowDown"),
    }
)


@cache
def _session() -> Any:
    import boto3

    return boto3.session.Session()


def _client(service: str, read_timeout: float = 5, attempts: int = 3, **more: Any) -> Any:
    from botocore.config import Config

    config = Config(
        connect_timeout=2,
        read_timeout=read_timeout,
        retries={"mode": "standard", "total_max_attempts": attempts},
        tcp_keepalive=True,
        max_pool_connections=MAX_POOL,
        # Requests are built in one place each and tested; checking them again costs 8 % of a submission.
        parameter_validation=False,
        **more,
    )
    return _session().client(service, config=config)


@cache
def dynamodb() -> DynamoDBClient:
    """Client for both tables."""
    client: DynamoDBClient = _client("dynamodb")
    return client


@cache
def sqs() -> SQSClient:
    """Client for the queues."""
    client: SQSClient = _client("sqs")
    return client


@cache
def s3() -> S3Client:
    """Client for files and big bodies."""
    # Of links to objects: by itself botocore signs those in older regions as buckets made since 2020 refuse, and names
    # a host that leads elsewhere until a new bucket is known everywhere.
    client: S3Client = _client(
        "s3", read_timeout=10, signature_version="s3v4", s3={"addressing_style": "virtual"}
    )
    return client


@cache
def kms() -> KMSClient:
    """Client that seals and opens credentials."""
    client: KMSClient = _client("kms")
    return client


@cache
def sesv2() -> SESV2Client:
    """Client that sends mail."""
    client: SESV2Client = _client("sesv2", read_timeout=10)
    return client


@cache
def lambda_() -> LambdaClient:
    """Client that calls compile and deliver; one attempt: a call may not repeat what it does."""
    client: LambdaClient = _client("lambda", read_timeout=28, attempts=1)
    return client


@contextmanager
def unavailable_for_now() -> Iterator[None]:
    """Raises UnavailableError, and logs why, where a service was throttled or not reached: a retry may help."""
    from botocore.exceptions import ClientError, ConnectionError, HTTPClientError

    try:
        yield
    except ClientError as error:
        if not _may_pass(error.response):
            raise
        logger.warning("service throttled", exc_info=error)
        raise UnavailableError from error
    except (ConnectionError, HTTPClientError) as error:
        logger.warning("service not reached", exc_info=error)
        raise UnavailableError from error


def _may_pass(response: Any) -> bool:
    """Whether this answer of a service is about its load, and not about the request."""
    away = response.get("ResponseMetadata", {}).get("HTTPStatusCode") == 503
    return away or response.get("Error", {}).get("Code") in _THROTTLED
