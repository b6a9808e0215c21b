"""Deliberate faults in the package: each breaks one promise, and the simulation has to notice.

One that does not break anything any more, because what it replaces was renamed, is not noticed either, and counts as
a failure: the list cannot rot unseen.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from importlib import import_module
from itertools import count, islice
from typing import Any, cast

from formrelay import hook_filters, hook_requests, ingest, recovery
from formrelay import settings as configuration
from formrelay.api import hook_retries
from formrelay.changes import edits
from formrelay.hooks import guard, ladder
from formrelay.isolation import drains
from formrelay.reports import run as reporting
from formrelay.storage import (
    changes,
    conclusions,
    deliveries,
    keys,
    marks,
    parking,
    reports,
    submissions,
    sweep,
    table,
)
from formrelay.storage.table import Item
from functions.deliver import app as deliver
from tests.simulation import runner
from tests.simulation.expressions import placeholders
from tests.simulation.life import Plan, plan
from tests.simulation.patches import replaced

Applied = AbstractContextManager[None]

# Functions of the package have the names of their modules.
concluding = import_module("formrelay.delivery.conclude")


def swap(owner: Any, name: str, make: Callable[[Any], Any]) -> Applied:
    """Puts something made of a function in its place."""
    return replaced([(owner, name, make(getattr(owner, name)))])


@contextmanager
def rewritten(old: str, new: str) -> Iterator[None]:
    """Replaces a piece of every expression that is sent to DynamoDB; values that nothing uses any more are left out."""
    original = table._expression

    def expression(request: Item, values: Any, **expressions: str | None) -> Item:
        changed = {name: text.replace(old, new) if text else text for name, text in expressions.items()}
        if changed == expressions:
            return original(request, values, **expressions)
        used = placeholders(*changed.values())
        return original(request, {k: v for k, v in (values or {}).items() if k in used}, **changed)

    with replaced([(table, "_expression", expression)]):
        yield


def without_sweep(name: str, owner: Any) -> Applied:
    """Lets a function write items that recovery never looks at."""

    def made(original: Callable[..., Item]) -> Callable[..., Item]:
        def write(*args: Any, **options: Any) -> Item:
            item = original(*args, **options)
            return {key: value for key, value in item.items() if key not in ("sweep", "sweep_at")}

        return write

    return swap(owner, name, made)


# The faults


def _deletions_forget_the_instance_id() -> Applied:
    """A client that repeats itself brings back what was deleted."""

    def made(original: Callable[..., None]) -> Callable[..., None]:
        def remove(asset: str, items: list[Item], *rest: Any) -> None:
            original(asset, items, *rest)
            for item in items:
                table.delete(configuration.settings().data_table, keys.guard(asset, item["root"]))

        return remove

    return swap(changes, "remove", made)


def _deletions_are_told_outside_the_transaction() -> Applied:
    def made(original: Callable[..., None]) -> Callable[..., None]:
        def remove(asset: str, items: list[Item], rows: list[Item], also: list[Item]) -> None:
            original(asset, items, [], also)
            for row in rows:
                table.put(configuration.settings().data_table, row)

        return remove

    return swap(changes, "remove", made)


def _deletions_do_not_look_what_they_delete() -> Applied:
    return replaced([(changes, "_as_read", lambda _item: ("attribute_not_exists(#nothing)", {}))])


def _deletions_are_not_counted() -> Applied:
    return replaced([(marks, "removal_ops", lambda *_: [])])


def _edits_change_json_alone() -> Applied:
    def made(original: Callable[..., Any]) -> Callable[..., Any]:
        def revised(asset: str, old: Item, *, bodies: Any, **rest: Any) -> Item:
            xml = submissions.unpack(old).xml
            return cast("Item", original(asset, old, bodies=bodies._replace(xml=xml), **rest))

        return revised

    return swap(edits, "revised", made)


def _claims_anything() -> Applied:
    return rewritten("#seq = :seq AND #status = :pending AND #due_at <= :now", "attribute_exists(#pk)")


def _retries_early() -> Applied:
    def made(original: Callable[..., ladder.Next]) -> Callable[..., ladder.Next]:
        def decide(*args: Any) -> ladder.Next:
            following = original(*args)
            due = following.due_at
            return following._replace(due_at=due - 5_000) if due is not None else following

        return decide

    return swap(ladder, "decide", made)


def _retries_once_more() -> Applied:
    def made(original: Callable[..., ladder.Next]) -> Callable[..., ladder.Next]:
        def decide(rung: int, outcome: Any, now: int, delays: Any) -> ladder.Next:
            return original(rung, outcome, now, (*delays, delays[-1]))

        return decide

    return swap(ladder, "decide", made)


def _forgets_the_lease() -> Applied:
    return replaced([(configuration.Settings, "lease", property(lambda _: 5))])


def _does_not_look_at_the_lease() -> Applied:
    def made(original: Callable[..., str]) -> Callable[..., str]:
        def look(item: Item, now: int, outbox: Any) -> str:
            if item["status"] == deliveries.PROCESSING:
                item = {**item, "lease": min(now, item["lease"])} | {"lease": item["lease"]}
                return original(item, 2**53, outbox)
            return original(item, now, outbox)

        return look

    return swap(recovery, "_delivery", made)


def _new_deliveries_are_not_swept() -> Applied:
    return without_sweep("new", deliveries)


def _postponed_deliveries_are_not_swept() -> Applied:
    return rewritten(
        "#due_at = :due, #sweep = :shard, #sweep_at = :sweep, #trouble = :trouble REMOVE",
        "#due_at = :due, #trouble = :trouble REMOVE #sweep, #sweep_at,",
    )


def _claimed_deliveries_are_not_swept() -> Applied:
    return rewritten(
        "SET #status = :processing, #lease = :lease, #modified = :now",
        "SET #status = :processing, #lease = :lease, #modified = :now REMOVE #sweep, #sweep_at",
    )


def _deliveries_stand_outside_the_transaction() -> Applied:
    def made(original: Callable[..., Any]) -> Callable[..., Any]:
        def create(asset: str, item: Item, sha256: str, rows: list[Item], *rest: Any) -> Any:
            twin = original(asset, item, sha256, [], *rest)
            if twin is None:
                for row in rows:
                    table.put(configuration.settings().data_table, row)
            return twin

        return create

    return swap(submissions, "create", made)


def _guards_stand_outside_the_transaction() -> Applied:
    def made(original: Callable[..., Any]) -> Callable[..., Any]:
        def create(asset: str, item: Item, *rest: Any) -> Any:
            return submissions.get_guard(asset, item["root"]) or original(asset, item, *rest)

        return create

    def unguarded(original: Callable[..., Item]) -> Callable[..., Item]:
        def put_op(name: str, item: Item, **options: Any) -> Item:
            return original(name, item, **({} if item["pk"].startswith("G#") else options))

        return put_op

    @contextmanager
    def applied() -> Iterator[None]:
        with swap(submissions, "create", made), swap(table, "put_op", unguarded):
            yield

    return applied()


def _takes_a_twin_for_stored() -> Applied:
    """Answers 202 while the first one is still being written."""

    def made(original: Callable[..., Any]) -> Callable[..., Any]:
        def take(self: Any) -> Any:
            try:
                return original(self)
            except table.ConflictError:
                return self._accepted({"time": self.now}, created=False)

        return take

    @contextmanager
    def applied() -> Iterator[None]:
        with replaced([(table, "settle", lambda call: call())]), swap(ingest._Submission, "take", made):
            yield

    return applied()


def _clears_mail_before_sending() -> Applied:
    def made(original: Callable[..., Any]) -> Callable[..., Any]:
        def report(owner: str, lines: list[Item], more: bool) -> Any:
            for line in lines:
                reports.clear(line)
            return original(owner, lines, more)

        return report

    return swap(reporting, "_report", made)


def _forgets_failures_that_came_meanwhile() -> Applied:
    """A failure that comes while a mail is being sent is left to a look that never happens."""
    return rewritten(" AND #generation = :generation", "")


def _mails_failures_outside_the_transaction() -> Applied:
    def made(original: Callable[..., Any]) -> Callable[..., Any]:
        def give_up(*args: Any, report: list[Item], **options: Any) -> None:
            original(*args, report=[], **options)
            if report:
                table.transact(report)

        return give_up

    return swap(conclusions, "give_up", made)


def _mails_without_end() -> Applied:
    """What was mailed is not taken off the list."""
    return replaced([(reports, "clear", lambda _: None)])


def _drains_look_once() -> Applied:
    """The end of a pause sends what the index shows at that moment."""
    return replaced([(drains, "_EMPTY_LOOKS", 0)])


def _parks_where_nobody_looks() -> Applied:
    return replaced([(parking, "waiting", lambda _: iter(()))])


def _does_not_mark_the_interrupted() -> Applied:
    def made(original: Callable[..., Any]) -> Callable[..., Any]:
        def facts(item: Item, hook: Item, outcome: Any, body: Any) -> Any:
            if outcome.kind == "interrupted":
                outcome = replace(outcome, kind="broken")
            return original(item, hook, outcome, body)

        return facts

    return swap(concluding, "_facts", made)


def _sends_what_was_edited() -> Applied:
    return replaced([(hook_requests, "as_of", lambda submission, *_, **__: {**submission, "status": {}})])


def _retries_by_hand_what_runs() -> Applied:
    @contextmanager
    def applied() -> Iterator[None]:
        anything = rewritten("#seq = :seq AND #status <> :processing", "attribute_exists(#pk)")
        with anything, replaced([(hook_retries, "_may_send", lambda *_: True)]):
            yield

    return applied()


def _forgets_that_clocks_differ() -> Applied:
    return replaced([(recovery, "_SKEW_MS", 0)])


def _calls_any_address() -> Applied:
    return replaced([(guard, "allowed", lambda *_: True)])


def _returns_before_its_threads() -> Applied:
    class Hasty(deliver.ThreadPoolExecutor):  # type: ignore[misc, name-defined]
        def __exit__(self, *_: object) -> None:
            return None

        def map(self, call: Any, *iterables: Any, **_: Any) -> Any:
            futures = [self.submit(call, *args) for args in zip(*iterables, strict=True)]
            return (False for _ in futures)

    return replaced([(deliver, "ThreadPoolExecutor", Hasty)])


def _moves_the_sweep_and_sends_nothing() -> Applied:
    def made(_: Callable[..., str]) -> Callable[..., str]:
        def look(item: Item, now: int, _outbox: Any) -> str:
            sweep.push(item, item["sweep_at"], now + 2**40, 0)
            return "sent"

        return look

    return swap(recovery, "_delivery", made)


def _filters_hold_back_nothing() -> Applied:
    return replaced([(hook_filters, "meets", lambda *_: True)])


def _filters_hold_back_everything() -> Applied:
    return replaced([(hook_filters, "meets", lambda *_: False)])


def _changed_filters_do_not_count() -> Applied:
    return rewritten(", #filter = :filter", "")


def _filters_judge_edits_by_what_was_before() -> Applied:
    """What an edit made of the record is judged as the record that it replaced."""

    def made(original: Callable[..., Any]) -> Callable[..., Any]:
        def replace_(project: Any, old: Item, new: Item, *rest: Any, **options: Any) -> Any:
            def chosen(found: Any, uids: Any, item: Item, *_: Any) -> list[str]:
                return choose(found, uids, old if item is new else item)

            choose = hook_filters.chosen
            with replaced([(hook_filters, "chosen", chosen)]):
                return original(project, old, new, *rest, **options)

        return replace_

    return swap(edits, "replace", made)


@dataclass(frozen=True)
class Verdict:
    """Whether the simulation noticed a mutation: the first seed that broke, and what; None where none did."""

    name: str
    seed: int | None
    broken: str
    tried: int


@dataclass(frozen=True)
class Mutation:
    """A deliberate fault: its name, and what puts it in place."""

    name: str
    applied: Callable[[], Applied]
    suited: Callable[[Plan], bool] = lambda _: True
    """Which lives may show it: what is rare in all of them is looked for where it is not."""

    def verdict(self, seeds: int, seconds: float) -> Verdict:
        """Tries one seed after another until one breaks, so many at most and for so long."""
        ends = time.monotonic() + seconds
        tried = 0
        for tried, made in enumerate(islice(filter(self.suited, map(plan, count())), seeds), 1):
            result = runner.run(made, self.applied)
            if result.broken:
                return Verdict(self.name, made.seed, result.broken[0], tried)
            if time.monotonic() > ends:
                break
        return Verdict(self.name, None, "", tried)


# Shows only when a failure becomes final in the very second in which others are mailed.
_AMONG_FAILURES = (_forgets_failures_that_came_meanwhile,)


def _mutation(function: Callable[[], Applied]) -> Mutation:
    name = function.__name__.strip("_").replace("_", " ")
    return Mutation(name, function, _all_fails) if function in _AMONG_FAILURES else Mutation(name, function)


def _all_fails(made: Plan) -> bool:
    return made.hopeless


MUTATIONS = [
    _mutation(function)
    for function in (
        _deletions_forget_the_instance_id,
        _deletions_are_told_outside_the_transaction,
        _deletions_do_not_look_what_they_delete,
        _deletions_are_not_counted,
        _edits_change_json_alone,
        _claims_anything,
        _retries_early,
        _retries_once_more,
        _forgets_the_lease,
        _does_not_look_at_the_lease,
        _new_deliveries_are_not_swept,
        _postponed_deliveries_are_not_swept,
        _claimed_deliveries_are_not_swept,
        _moves_the_sweep_and_sends_nothing,
        _deliveries_stand_outside_the_transaction,
        _guards_stand_outside_the_transaction,
        _takes_a_twin_for_stored,
        _clears_mail_before_sending,
        _forgets_failures_that_came_meanwhile,
        _mails_failures_outside_the_transaction,
        _mails_without_end,
        _drains_look_once,
        _parks_where_nobody_looks,
        _does_not_mark_the_interrupted,
        _sends_what_was_edited,
        _retries_by_hand_what_runs,
        _forgets_that_clocks_differ,
        _calls_any_address,
        _returns_before_its_threads,
        _filters_hold_back_nothing,
        _filters_hold_back_everything,
        _changed_filters_do_not_count,
        _filters_judge_edits_by_what_was_before,
    )
]
