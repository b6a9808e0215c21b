"""The invariants of a life, checked from the outside: what people were told and mailed, and what receivers got.

Nothing here reads storage or asks the code what it thinks: only the API, the receivers and the mail box are looked at.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

from tests.simulation.life import Life
from tests.simulation.people import Change, Hook, parsed
from tests.simulation.receivers import PRIVATE, Arrival

GAPS = (60.0, 600.0, 6000.0)
MAX_AUTOMATIC = 4
MAIL_INTERVAL = 3600.0
# A function that is under way when something changes goes on for so long at most, and clocks differ.
UNDER_WAY = 62.0
_FAILED, _SUCCESS = 0, 2
_PAGE = 100
# Heads the part of a mail that tells what had failed and arrived after all.
_ARRIVED = "Had failed, arrived since"

Log = dict[str, Any]


class Evidence:
    """What can be seen of a life once it has come to rest."""

    def __init__(self, life: Life) -> None:
        self.life = life
        self.world = life.world
        self.hooks = [hook for hook in life.owner.hooks if not hook.deleted]
        base = f"/api/v2/assets/{self.world.made.asset}"
        # (hook, _id) → log; and what the API says of each hook.
        self.logs: dict[str, list[Log]] = {}
        self.shown: dict[str, Log] = {}
        self.attempts: dict[str, list[Log]] = {}
        self.records: list[Log] = []
        self.count = 0
        self.xml: dict[int, str] = {}

        def look() -> None:
            self.records = self._all(f"{base}/data/")
            # Of a page that does not show all of them, the count comes from marks.
            self.count = self._one(f"{base}/data/", "limit=1")["count"]
            for record in self.records:
                answer = self.world.request("GET", f"{base}/data/{record['_id']}.xml")
                self.xml[record["_id"]] = answer.text if answer else ""
            for hook in self.hooks:
                self.shown[hook.uid] = self._one(f"{base}/hooks/{hook.uid}/")
                logs = self.logs[hook.uid] = self._all(f"{base}/hooks/{hook.uid}/logs/")
                for log in logs:
                    path = f"{base}/hooks/{hook.uid}/logs/{log['uid']}/attempts/"
                    self.attempts[log["uid"]] = self._all(path)

        self.world.act("judge", look)
        self.world.live(self.world.now + 3600)
        self.by_delivery: dict[str, list[Arrival]] = defaultdict(list)
        for arrival in self.world.network.arrivals:
            self.by_delivery[arrival.delivery].append(arrival)

    def _one(self, path: str, query: str = "") -> Log:
        answer = self.world.request("GET", path, query=query)
        assert answer is not None and answer.status == 200, (path, answer)
        found: Log = answer.json()
        return found

    def _all(self, path: str) -> list[Log]:
        answer = self.world.request("GET", path, query=f"limit={_PAGE}")
        assert answer is not None and answer.status == 200, (path, answer)
        found: list[Log] = answer.json()["results"]
        return found

    def hook_of(self, arrival: Arrival) -> Hook | None:
        """The hook that a request belongs to; each has a receiver of its own."""
        return next((hook for hook in self.life.owner.hooks if hook.host == arrival.host), None)

    def manual(self, hook: Hook, uid: str) -> list[Change]:
        """The retries by hand that may have moved a delivery."""
        return [change for change in hook.changes if change.fields.get("retry") in (uid, "all")]


def violations(life: Life) -> list[str]:
    """Everything that is not as it should be after a life."""
    seen = Evidence(life)
    found = list(life.world.violations)
    for check in _CHECKS:
        found += check(seen)
    return found


def _uuid(record: Log) -> str:
    return str(record["meta/rootUuid"]).removeprefix("uuid:")


def _created(logs: list[Log]) -> list[Log]:
    return [log for log in logs if log["event"] == "submission.created"]


def _of_creation(arrival: Arrival) -> bool:
    return arrival.headers["formrelay-event"] == "submission.created"


# I1, I2: submissions


def _accepted_is_stored_once(seen: Evidence) -> Iterator[str]:
    stored = Counter(map(_uuid, seen.records))
    for uuid, count in stored.items():
        if count > 1:
            yield f"I2: {uuid} is stored {count} times"
    keepers = seen.life.keepers
    deleted = {keepers.roots[sid] for sid in keepers.tried.deleted}
    for told in seen.life.clients.told:
        if told.status in (201, 202) and not stored[told.uuid] and told.uuid not in deleted:
            yield f"I1: {told.uuid} was answered {told.status} and is not stored"
        # Edits of what a keeper deleted or edited meanwhile.
        allowed = (201, 202, 409, 404, 410) if keepers.touched(told.uuid) else (201, 202, 409)
        if told.status not in allowed:
            yield f"I1: {told.uuid} was answered {told.status}"


def _deleted_stays_deleted(seen: Evidence) -> Iterator[str]:
    keepers = seen.life.keepers
    gone = {keepers.roots[sid] for sid in keepers.deleted}
    for record in seen.records:
        if _uuid(record) in gone:
            yield f"deleted: {_uuid(record)} is there again as {record['_id']}"


def _changes_are_told_once(seen: Evidence) -> Iterator[str]:
    tried = seen.life.keepers.tried
    for hook in seen.hooks:
        told = Counter((log["event"], log["submission_id"]) for log in seen.logs[hook.uid])
        for (event, sid), count in told.items():
            if event == "submission.deleted" and (count > 1 or sid not in tried.deleted):
                yield f"events: the deletion of {sid} is told {count} times to {hook.uid}"
            if event == "submission.validated" and count > tried.validated[sid]:
                yield f"events: {sid} was validated {tried.validated[sid]} times, told {count} times"
        wanted = "submission.deleted" in seen.shown[hook.uid]["events"]
        filters = hook.filters(hook.created, seen.world.now)
        for sid in tried.deleted - {record["_id"] for record in seen.records}:
            meets = {filter_.lasting and filter_.meets(seen.life.keepers.names[sid]) for filter_ in filters}
            times = told["submission.deleted", sid]
            if wanted and meets == {True} and not hook.did("active") and not times:
                yield f"events: the deletion of {sid} is not told to {hook.uid}"
            if times and meets == {False} and all(filter_.lasting for filter_ in filters):
                yield f"filters: the deletion of {sid} is told to {hook.uid}, whose filter it did not meet"


def _counts_are_right(seen: Evidence) -> Iterator[str]:
    if seen.count != len(seen.records):
        yield f"count: {seen.count} are counted, {len(seen.records)} are there"


def _xml_says_what_json_says(seen: Evidence) -> Iterator[str]:
    for sid, xml in seen.xml.items():
        (record,) = [record for record in seen.records if record["_id"] == sid]
        for part in (f"<name>{record['name']}</name>", f">{record['meta/instanceID']}</"):
            if part not in xml:
                yield f"{sid} has {part} in JSON alone"


def _one_creation_is_told(seen: Evidence) -> Iterator[str]:
    """Of those with different content under one instanceID only one can have been taken in."""
    names = defaultdict(set)
    for told in seen.life.clients.told:
        if told.status in (201, 202):
            names[told.uuid].add(told.name)
    for uuid, different in names.items():
        if len(different) > 1:
            yield f"I2: {uuid} was taken in as {sorted(different)}"


def _accepted_reaches_every_hook(seen: Evidence) -> Iterator[str]:
    ids = {_uuid(record): record["_id"] for record in seen.records}
    for told in seen.life.clients.told:
        if told.status != 201 or told.uuid not in ids:
            continue
        # An earlier try, of which the client heard nothing, may have stored it.
        first = seen.life.clients.first_try[told.uuid]
        for hook in seen.hooks:
            wanted = {filter_.meets(told.name) for filter_ in hook.filters(first, told.time)}
            there = ids[told.uuid] in [log["submission_id"] for log in _created(seen.logs[hook.uid])]
            if wanted == {True} and hook.was_active(first, told.time) and not there:
                yield f"I1: {told.uuid} has no delivery to {hook.uid}"
            if wanted == {False} and there:
                yield f"filters: {told.uuid} has a delivery to {hook.uid}, whose filter it does not meet"


def _only_what_meets_a_filter_is_sent(seen: Evidence) -> Iterator[str]:
    """Of deletions no name is sent; replays send what has become of a record since it was judged."""
    for arrival in seen.world.network.arrivals:
        hook, name = seen.hook_of(arrival), parsed(arrival.body).get("name")
        if hook is None or name is None or "formrelay-replay" in arrival.headers:
            continue
        if not any(filter_.meets(name) for filter_ in hook.filters(hook.created, arrival.time)):
            yield f"filters: {name} was sent to {hook.uid}, whose filter it never met"


def _one_delivery_each(seen: Evidence) -> Iterator[str]:
    for hook in seen.hooks:
        sids = Counter(log["submission_id"] for log in _created(seen.logs[hook.uid]))
        for sid, count in sids.items():
            if count > 1:
                yield f"I2: {sid} has {count} deliveries to {hook.uid}"
    by_name: dict[tuple[str, str], set[str]] = defaultdict(set)
    for arrival in filter(_of_creation, seen.world.network.arrivals):
        by_name[arrival.host, parsed(arrival.body)["name"].partition("-edit")[0]].add(arrival.delivery)
    for (host, name), deliveries in by_name.items():
        if len(deliveries) > 1 + seen.life.keepers.duplicated[name]:
            yield f"I2: {host} got {name} as {sorted(deliveries)}"


# I1, I5: everything ends


def _everything_ends(seen: Evidence) -> Iterator[str]:
    for hook in seen.hooks:
        for log in seen.logs[hook.uid]:
            if log["status"] not in (_FAILED, _SUCCESS):
                yield f"I5: {log['uid']} is still {log['status_str']}"


def _logs_say_what_happened(seen: Evidence) -> Iterator[str]:
    for hook in seen.hooks:
        for log in seen.logs[hook.uid]:
            arrivals = seen.by_delivery.get(log["uid"], [])
            delivered = [arrival for arrival in arrivals if arrival.delivered]
            if log["status"] == _SUCCESS and not delivered:
                yield f"I1: {log['uid']} is said to have arrived and did not"
            if log["status"] == _FAILED and delivered and not seen.manual(hook, log["uid"]):
                last = max(arrivals, key=lambda arrival: arrival.time)
                if last.delivered and not last.process.disturbed:
                    yield f"I1: {log['uid']} is said to have failed and arrived"
            if log["tries"] < len(arrivals):
                yield f"I3: {log['uid']} counts {log['tries']} attempts, {len(arrivals)} were made"


def _counters_agree(seen: Evidence) -> Iterator[str]:
    for hook in seen.hooks:
        shown, statuses = seen.shown[hook.uid], Counter(log["status"] for log in seen.logs[hook.uid])
        counted = (shown["success_count"], shown["failed_count"], shown["pending_count"])
        if counted != (statuses[_SUCCESS], statuses[_FAILED], statuses[1]):
            yield f"counters of {hook.uid} say {counted}, its logs {dict(statuses)}"


# I3, I4: attempts


def _attempts_are_few_and_far_between(seen: Evidence) -> Iterator[str]:
    for uid, arrivals in seen.by_delivery.items():
        hook = seen.hook_of(arrivals[0])
        retries = seen.manual(hook, uid) if hook else []
        if len(arrivals) > MAX_AUTOMATIC + len(retries):
            yield f"I3: {uid} was attempted {len(arrivals)} times, {len(retries)} of them by hand"
        early = 0
        for number, (before, after) in enumerate(pairwise(arrivals)):
            if after.time < before.ended:
                yield f"I4: {uid} was attempted at {after.time} while an attempt ran until {before.ended}"
            wanted = GAPS[0] if retries else GAPS[min(number, 2)]
            early += after.time - before.ended < wanted - 0.002
        if early > len(retries):
            yield f"I3: {uid} was attempted too early {early} times, retried {len(retries)} times"


def _delivered_twice_only_with_a_mark(seen: Evidence) -> Iterator[str]:
    for uid, arrivals in seen.by_delivery.items():
        hook = seen.hook_of(arrivals[0])
        if hook is None or hook.deleted:
            continue
        taken = [a for a in arrivals if a.status is not None and a.status < 300]
        marked = sum(attempt["interrupted"] for attempt in seen.attempts.get(uid, []))
        forced = len([change for change in seen.manual(hook, uid) if change.fields.get("force")])
        unsure = [a for a in arrivals if a.interrupted]
        if len(taken) > 1 + forced + marked:
            yield f"I4: {uid} arrived {len(taken)} times, {forced} by force, {marked} marked as interrupted"
        if len(unsure) > marked:
            yield f"I4: {uid} was interrupted {len(unsure)} times, {marked} marked"


def _attempts_are_told_as_they_were(seen: Evidence) -> Iterator[str]:
    """What the sender heard, and nothing kept it from writing, is what its owner reads."""
    for uid, arrivals in seen.by_delivery.items():
        listed = {attempt["number"]: attempt for attempt in seen.attempts.get(uid, [])}
        for arrival in arrivals:
            number = int(arrival.headers["formrelay-attempt"])
            told = listed.get(number)
            if arrival.interrupted or arrival.process.disturbed or not listed:
                continue
            # Without an answer the code is a time-out's, or none.
            codes = (arrival.status,) if arrival.status is not None else (504, None)
            if told is None or told["interrupted"] or told["status_code"] not in codes:
                yield f"I4: attempt {number} of {uid} was answered {arrival.status} and is told as {told}"


def _attempts_are_listed(seen: Evidence) -> Iterator[str]:
    for hook in seen.hooks:
        for log in seen.logs[hook.uid]:
            listed = seen.attempts[log["uid"]]
            if len(listed) != log["tries"]:
                yield f"I3: {log['uid']} counts {log['tries']} attempts and lists {len(listed)}"
            numbers = [attempt["number"] for attempt in listed]
            if numbers != sorted(set(numbers), reverse=True):
                yield f"I3: {log['uid']} lists attempts {numbers}"
            automatic = [attempt for attempt in listed if not attempt["manual"]]
            if len(automatic) > MAX_AUTOMATIC:
                yield f"I3: {log['uid']} had {len(automatic)} automatic attempts"


def _switched_off_is_left_alone(seen: Evidence) -> Iterator[str]:
    for arrival in seen.world.network.arrivals:
        hook = seen.hook_of(arrival)
        if hook is None:
            yield f"I7: {arrival.host} belongs to no hook"
            continue
        for change in hook.did("active", False) + hook.did("delete"):
            again = [later.began for later in hook.did("active", True) if later.began > change.began]
            on = min(again, default=math.inf)
            before = [
                c for c in hook.did("active", True) if c.began <= change.began and c.ended > change.began
            ]
            if not before and change.ended + UNDER_WAY < arrival.time < on:
                yield f"{hook.uid} was switched off at {change.ended} and called at {arrival.time}"


def _forbidden_addresses_are_not_reached(seen: Evidence) -> Iterator[str]:
    if PRIVATE in seen.world.network.connected:
        yield "I7: a forbidden address was connected to"


# What is sent


def _the_first_version_is_sent(seen: Evidence) -> Iterator[str]:
    for arrival in filter(_of_creation, seen.world.network.arrivals):
        name = parsed(arrival.body)["name"]
        copied = seen.life.keepers.duplicated[name.partition("-edit")[0]]
        if "-edit" in name and "formrelay-replay" not in arrival.headers and not copied:
            yield f"{arrival.delivery} was sent as edited: {name}"


def _bodies_stay_the_same(seen: Evidence) -> Iterator[str]:
    for uid, arrivals in seen.by_delivery.items():
        hook = seen.hook_of(arrivals[0])
        for before, after in pairwise(arrivals):
            if hook is None or before.body == after.body or "formrelay-replay" in after.headers:
                continue
            changed = [c for c in hook.did("subset_fields") if c.began <= after.time]
            interrupted = before.interrupted or before.process.disturbed
            if not changed and not interrupted:
                yield f"{uid} was sent with different bodies"


# Mail


def _failures_are_mailed(seen: Evidence) -> Iterator[str]:
    for hook in seen.hooks:
        silent = [
            change for change in hook.did("email_notification") if not change.fields["email_notification"]
        ]
        if silent or not seen.shown[hook.uid]["email_notification"] or hook.did("email_notification"):
            continue
        for log in seen.logs[hook.uid]:
            automatic = [attempt for attempt in seen.attempts[log["uid"]] if not attempt["manual"]]
            if log["status"] != _FAILED or not automatic or _taken_back(automatic[0]["message"]):
                continue
            final = automatic[0]["date_next"] is None and automatic[0]["outcome"] != "success"
            if final and not _mailed(seen, log["uid"]):
                yield f"mail: the final failure of {log['uid']} was not mailed"


def _taken_back(message: str) -> bool:
    """Whether an owner switched the hook off or deleted the submission, of which nobody is mailed."""
    return "switched off" in message or "has been deleted" in message


def _mailed(seen: Evidence, uid: str) -> list[float]:
    """When a delivery was mailed as failed."""
    return [mail.time for mail in seen.world.backend.sesv2.mails if uid in mail.text.partition(_ARRIVED)[0]]


def _mails_are_few(seen: Evidence) -> Iterator[str]:
    mails = [mail.time for mail in seen.world.backend.sesv2.mails]
    repeats = seen.world.disturbed("report")
    close = sum(after - before < MAIL_INTERVAL - 3 for before, after in pairwise(mails))
    if close > repeats:
        yield f"mail: {close} mails within an hour after another, {repeats} reports were disturbed"
    for hook in seen.hooks:
        for log in seen.logs[hook.uid]:
            times = len(_mailed(seen, log["uid"]))
            if times > 1 + repeats + len(seen.manual(hook, log["uid"])):
                yield f"mail: {log['uid']} was mailed {times} times, {repeats} reports were disturbed"
            if times and log["status"] == _SUCCESS and log["tries"] == 1:
                yield f"mail: {log['uid']} was mailed and arrived at once"


_CHECKS: tuple[Callable[[Evidence], Iterator[str]], ...] = (
    _accepted_is_stored_once,
    _one_creation_is_told,
    _deleted_stays_deleted,
    _changes_are_told_once,
    _counts_are_right,
    _xml_says_what_json_says,
    _accepted_reaches_every_hook,
    _only_what_meets_a_filter_is_sent,
    _one_delivery_each,
    _everything_ends,
    _logs_say_what_happened,
    _counters_agree,
    _attempts_are_few_and_far_between,
    _delivered_twice_only_with_a_mark,
    _attempts_are_told_as_they_were,
    _attempts_are_listed,
    _switched_off_is_left_alone,
    _forbidden_addresses_are_not_reached,
    _the_first_version_is_sent,
    _bodies_stay_the_same,
    _failures_are_mailed,
    _mails_are_few,
)
