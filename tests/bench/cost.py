"""What each operation costs on AWS: calls, units, seconds, and dollars for a million of them.

python -m tests.bench.cost [--repeat 20] [--rows 10000]

Requests and units are counted while the real functions run against the local emulator; seconds of Lambda are our own
CPU, stretched to the function's share of one, plus what the services take (tests/bench/prices.py has all
assumptions). SQS includes what Lambda itself asks of the queue: a receive and a delete for each batch.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from tests.bench import prices
from tests.bench.deployment import deployment, receiver
from tests.bench.operations import Bench, Cost
from tests.support.template import functions, resources

# What a submission to one hook consists of.
WHOLE = ("submission, 1 hook", "delivery that arrives")
# Items that it leaves: the submission, its guard, its delivery.
ITEMS = 3
STORED_MONTH = prices.TABLE_GB_MONTH + prices.BACKUP_GB_MONTH


def main() -> None:
    """Prints the table, then a million submissions with one hook beside a server."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repeat", type=int, default=20)
    parser.add_argument("--rows", type=int, default=10_000, help="of the export")
    options = parser.parse_args()
    with deployment() as app, receiver() as url, receiver(statuses=(503, 204)) as moody:
        costs = list(Bench(app, url, moody, repeat=options.repeat, rows=options.rows).costs())
    _table(costs)
    named = {cost.name: cost for cost in costs}
    pair = [named[name] for name in WHOLE]
    whole = sum(cost.dollars for cost in pair)
    print(f"a million submissions, each delivered to one hook: ${whole:.2f}; on top")
    _on_top(pair)
    idle = unused(named["sweep, nothing due"])
    print(f"a month without any submission: ${idle:.2f}")
    print(
        f"an always-on server at ${prices.SERVER_MONTH:.0f} a month is cheaper from"
        f" {(prices.SERVER_MONTH - idle) / whole:.1f} million submissions a month on"
    )


def _table(costs: Sequence[Cost]) -> None:
    columns = ("calls", "SQS", "S3", "HTTP", "write", "read", "CPU ms", "Lambda ms", "counted $", "timed $")
    print(f"{'operation, $ a million':<26}" + "".join(f"{name:>10}" for name in columns))
    for cost in costs:
        figures = (
            f"{cost.bill.calls.total()}", f"{cost.sqs:g}", f"{cost.bill.of('s3')}", f"{cost.requests + cost.posts}",
            f"{cost.bill.writes:g}", f"{cost.bill.reads:g}", f"{cost.cpu * 1000:.1f}", f"{cost.seconds * 1000:.0f}",
            f"{cost.counted:.2f}", f"{cost.timed:.2f}",
        )  # fmt: skip
        print(f"{cost.name:<26}" + "".join(f"{figure:>10}" for figure in figures))


def _on_top(pair: Sequence[Cost]) -> None:
    stored, logged, sent = on_top(pair)
    print(f"  stored: {stored:.1f} GB, ${stored * STORED_MONTH:.2f} a month, backups included")
    print(f"  logged: {logged:.1f} GB, ${logged * prices.LOG_GB:.2f}")
    print(f"  sent to the receiver: {sent:.1f} GB, ${sent * prices.TRANSFER_GB:.2f}")


def on_top(pair: Sequence[Cost]) -> tuple[float, float, float]:
    """GB that a million of them leave in the tables and in the logs, and send out; each a kilobyte of one."""
    stored = sum(cost.bill.stored for cost in pair) + ITEMS * prices.ITEM_OVERHEAD
    logged = sum(
        cost.logged + cost.share * prices.INVOCATION_LOG + cost.requests * prices.REQUEST_LOG for cost in pair
    )
    return stored / 1000, logged / 1000, sum(cost.posted for cost in pair) / 1000


def unused(sweep: Cost) -> float:
    """Dollars a month of a deployment that nobody uses: polls of its queues, the sweep, the key, the alarms."""
    queues = sum(
        event["Type"] == "SQS"
        for function in functions().values()
        for event in function.get("Events", {}).values()
    )
    polls: float = queues * prices.IDLE_RECEIVES_A_MINUTE * prices.MINUTES_MONTH
    return (
        polls * prices.SQS_REQUEST / 1e6
        + sweep.dollars * prices.MINUTES_MONTH / 1e6
        + len(resources("AWS::KMS::Key")) * prices.KEY_MONTH
        + len(resources("AWS::CloudWatch::Alarm")) * prices.ALARM_MONTH
    )


if __name__ == "__main__":
    main()
