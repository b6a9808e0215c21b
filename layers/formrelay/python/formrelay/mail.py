"""Mail through SES."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from formrelay.aws import sesv2
from formrelay.settings import settings


class MailRejectedError(Exception):
    """SES refuses this mail for good (sandbox, unverified sender, bad address)."""


_PERMANENT = (
    "AccountSuspendedException",
    "MessageRejected",
    "MailFromDomainNotVerifiedException",
    "BadRequestException",
    "NotFoundException",
)


def send(
    to: str, subject: str, text: str, html: str, *, headers: Mapping[str, str], tags: Mapping[str, str]
) -> None:
    """Sends one mail. ``tags`` come back in what SES tells of it later (bounces).

    Raises MailRejectedError for good refusals; botocore's errors may pass with time.
    """
    from botocore.exceptions import ClientError

    name = settings().mail_configuration
    chosen: dict[str, Any] = {"ConfigurationSetName": name} if name else {}
    body: Any = {"Text": {"Data": text, "Charset": "UTF-8"}, "Html": {"Data": html, "Charset": "UTF-8"}}
    try:
        sesv2().send_email(
            FromEmailAddress=settings().mail_from,
            **chosen,
            Destination={"ToAddresses": [to]},
            Content={
                "Simple": {
                    "Subject": {"Data": subject, "Charset": "UTF-8"},
                    "Body": body,
                    "Headers": _pairs(headers),
                }
            },
            EmailTags=_pairs(tags),
        )
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code", "")
        if code in _PERMANENT:
            raise MailRejectedError(code) from None
        raise


def _pairs(values: Mapping[str, str]) -> list[Any]:
    return [{"Name": name, "Value": value} for name, value in values.items()]
