"""What stands on the queues: bodies, groups, delays (docs/architecture.md, "Messages")."""

from __future__ import annotations

import pytest

from formrelay import queues
from formrelay.settings import Settings
from tests.support.aws import messages
from tests.support.calls import answering

MESSAGE = {"a": "aX", "h": "hX", "s": 17, "n": 2}


@pytest.mark.parametrize(
    ("milliseconds", "seconds"), [(-5, 0), (0, 0), (1, 1), (1000, 1), (59_999, 60), (900_000, 900)]
)
def test_delays_are_rounded_up_to_whole_seconds(aws: Settings, milliseconds: int, seconds: int) -> None:
    queues.send_retry(MESSAGE, milliseconds)
    queues.send_first([MESSAGE], milliseconds)
    for url in (aws.retry_queue, aws.first_queue):
        (message,) = messages(url)
        assert (message.body, message.delay, message.group) == (MESSAGE, seconds, "hX")


def test_a_delay_beyond_that_of_sqs_is_refused_before_it_is_sent(aws: Settings) -> None:
    with pytest.raises(ValueError, match="at most 900 s"):
        queues.send_retry(MESSAGE, 900_001)
    with pytest.raises(ValueError, match="at most 900 s"):
        queues.send_first([MESSAGE], 900_001)
    assert messages(aws.retry_queue) == messages(aws.first_queue) == []


def test_messages_that_sqs_refuses_are_counted(aws: Settings) -> None:
    refused = [{"Id": "0", "SenderFault": False, "Code": "InternalError"}]
    with answering("sqs.SendMessageBatch", {"Successful": [], "Failed": refused}):
        assert queues.send_first([MESSAGE]) == 1
    assert queues.send_first([MESSAGE]) == 0


def test_a_report_names_its_owner(aws: Settings) -> None:
    queues.send_report("ann")
    (message,) = messages(aws.report_queue)
    assert (message.body, message.delay) == ({"owner": "ann"}, 0)
