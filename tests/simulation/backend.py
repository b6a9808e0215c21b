"""The fakes of all services together, put in the place of AWS's clients."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from formrelay import aws
from formrelay.settings import settings
from tests.simulation import stack
from tests.simulation.dynamodb import DynamoDB, Table
from tests.simulation.seam import Seam
from tests.simulation.services import KMS, S3, SES, SQS, Lambda


class Backend:
    """AWS, as far as a deployment of formrelay sees it; starts from the state of ``like`` where that is given."""

    dynamodb: DynamoDB
    s3: S3

    def __init__(
        self,
        seam: Seam,
        run: Callable[[str, Any], Any],
        like: Backend | None = None,
        lag: Callable[[], float] = lambda: 0.0,
        page: int | None = None,
    ) -> None:
        made: dict[str, Table] = (
            {name: table.copy() for name, table in like.dynamodb.tables.items()} if like else stack.tables()
        )
        self.dynamodb = DynamoDB(seam, made, lag, page)
        self.sqs = SQS(seam, stack.lanes())
        objects: dict[str, tuple[bytes, str]] = dict(like.s3.objects) if like else {}
        self.s3 = S3(seam, objects)
        self.kms = KMS(seam)
        self.sesv2 = SES(seam, stack.MAIL_FROM)
        self.lambda_ = Lambda(run)

    def client(self, service: str, *_: Any, **__: Any) -> Any:
        """The client of a service, in the place of :func:`formrelay.aws._client`."""
        return self.lambda_ if service == "lambda" else getattr(self, service)


def forget_clients() -> None:
    """Drops the clients and settings that this process has made."""
    for made in (aws.dynamodb, aws.sqs, aws.s3, aws.kms, aws.sesv2, aws.lambda_):
        made.cache_clear()
    settings.cache_clear()


@contextmanager
def installed(backend: Backend, variables: dict[str, str] | None = None) -> Iterator[None]:
    """Makes the package call these fakes, under the environment of the deployment and ``variables``."""
    before = {name: value for name, value in os.environ.items() if name.startswith("FORMRELAY_")}
    original = aws._client
    forget_clients()
    aws._client = backend.client
    os.environ.update(stack.environment() | (variables or {}))
    try:
        yield
    finally:
        aws._client = original
        for name in [name for name in os.environ if name.startswith("FORMRELAY_")]:
            del os.environ[name]
        os.environ.update(before)
        forget_clients()
