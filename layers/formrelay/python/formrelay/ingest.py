"""The use case of a submission: who may send it, is it new, store it, pass it on (contract submissions §2–§6).

Durable first, then queued: when this process dies anywhere, either nothing was stored and the client sends
again, or everything was and recovery sends what is due (invariants I1, I2).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from formrelay import admission, attachments, clock, creations, history, waiting
from formrelay.auth import Caller
from formrelay.changes import contents, edits
from formrelay.errors import UnavailableError, unauthenticated
from formrelay.json_text import compact
from formrelay.openrosa import instance as instances
from formrelay.openrosa import instance_ids
from formrelay.openrosa.errors import OpenRosaError, Outcome
from formrelay.openrosa.instance import Answers, Instance
from formrelay.openrosa.multipart import Part
from formrelay.permissions import Rows
from formrelay.storage import assets, changes, submissions, table
from formrelay.storage.assets import Project
from formrelay.storage.submissions import Bodies, Guard
from formrelay.storage.table import Item

_TRIES = 5
# Of times in ms that a client may claim, up to the year 9999, which is as far as dates are written.
_LAST_TIME = 253_370_764_800_000


class Post(NamedTuple):
    """One POST of a submission. ``path_user`` is the name in ``/{username}/submission``; ``parts`` the files;
    ``by`` who sent it, as :func:`formrelay.history.who` tells."""

    xml: bytes
    origin: str
    by: Item
    caller: Caller | None = None
    path_user: str | None = None
    parts: Sequence[Part] = ()
    incomplete: bool = False
    waits: bool = False


class Accepted(NamedTuple):
    """What the client is told: 201, or 202 where nothing was added. Times in ms."""

    created: bool
    asset: str
    instance_id: str
    message: str | None
    submitted_at: int
    encrypted: bool = False


def submit(post: Post) -> Accepted:
    """Takes in one POST. Raises OpenRosaError or ApiError (401) for what the client is to hear."""
    if post.caller is None and post.path_user is None:
        raise unauthenticated()
    instance = instances.read(post.xml)
    project = admission.admit(instance, post.caller, post.path_user)
    return _Submission(post, instance, project).take()


class _Submission:
    """One submission on its way in: what is derived from the POST, and the steps that need it."""

    def __init__(self, post: Post, instance: Instance, project: Project) -> None:
        self.post, self.instance, self.project = post, instance, project
        self.asset = project.uid
        self.uuid = instance.uuid
        self.shape = assets.shape_for(project, instance.version_uid)
        repeats = frozenset(self.shape["repeats"])
        self.answers: Answers = instances.flatten(instance, repeats)
        self.sha256 = hashlib.sha256(post.xml).hexdigest()
        self.now = clock.now_ms()
        self.named = instances.xpaths(instance, repeats, frozenset(self.shape["media"]))
        self.files = attachments.received(post.parts, self.named, bool(self.shape["media"]), self.now)

    def take(self) -> Accepted:
        known = self._known_guard()
        if known:
            return self._again(known)
        if self.instance.deprecated_id:
            return self._edit(instance_ids.bare(self.instance.deprecated_id))
        if not self.project.state["active"]:
            raise Outcome.FORM_INACTIVE.error()
        return self._create()

    def _known_guard(self) -> Guard | None:
        """Looked up beforehand only where something is saved by it; the transaction decides in any case."""
        active = self.project.state["active"]
        if self.files or self.instance.deprecated_id or self.post.incomplete or not active:
            return submissions.get_guard(self.asset, self.uuid)
        return None

    # New

    def _create(self) -> Accepted:
        admission.check_owner(self.project, self.post.caller)
        waits = self._waits(self.files)
        wait = waiting.LONGEST[waits] if waits else 0
        bodies = self._bodies()
        item = self._item(waits, bodies)
        twin = creations.create(
            self.project, item, bodies, self.sha256, origin=self.post.origin, now=self.now, wait=wait
        )
        return self._again(twin) if twin else self._accepted(item, created=True)

    def _item(self, waits: str | None, bodies: Bodies) -> Item:
        item: Item = {
            "root": self.uuid,
            "uuid": self.uuid,
            "time": _submission_time(self.instance.submission_date) or self.now,
            "by": self.post.caller.username if self.post.caller else None,
            "via": history.via(self.post.by),
            "geo": instances.geolocation(self.answers, self.shape["geopoints"]),
            "origin": self.post.origin,
            "owner": self.project.owner,
            "form_uuid": self.project.state["form_uuid"],
            "files": self._store_files(self.files),
            **submissions.pack(self.asset, bodies),
        }
        if waits:
            item["waiting"] = waits
        return item

    def _bodies(self) -> Bodies:
        return Bodies(compact(self.answers), self.post.xml)

    def _waits(self, there: Mapping[str, object]) -> str | None:
        """Why hooks wait for more files than are ``there``; None when they do not."""
        if self.instance.encrypted:
            return None
        if self.post.incomplete:
            return waiting.MARKED
        return waiting.MISSING if self.post.waits and attachments.missing(self.named, there) else None

    # Known

    def _again(self, guard: Guard) -> Accepted:
        """The same XML once more: a resend, or the next part of a submission with many files."""
        if guard.sha256 != self.sha256:
            raise Outcome.INSTANCE_ID_TAKEN.error()
        for _ in range(_TRIES):
            item = submissions.get(self.asset, guard.sid)
            if item is None:
                return self._deleted()
            fresh = attachments.fresh(self._files_for(item), item["files"])
            if fresh:
                stored = list(self._store_files(fresh, item).items())
                try:
                    for i in range(0, len(stored), submissions.MAX_ADDED):
                        item = submissions.add_files(
                            self.asset, item, dict(stored[i : i + submissions.MAX_ADDED])
                        )
                except table.ConditionError:
                    continue
            self._complete(item)
            return self._accepted(item, created=bool(fresh))
        raise UnavailableError

    def _files_for(self, item: Item) -> dict[str, attachments.File]:
        """The files of this POST as the record names them, which may have been edited since."""
        if item["uuid"] == self.uuid:
            return self.files
        named = contents.read(self.project, submissions.unpack(item).xml).named
        return attachments.received(self.post.parts, named, bool(self.shape["media"]), self.now)

    def _complete(self, item: Item) -> None:
        """Lets waiting hooks have the submission when this part was the last one."""
        waits = item.get("waiting")
        if not waits or self.post.incomplete:
            return
        if waits == waiting.MISSING and attachments.missing(self.named, item["files"]):
            return  # a client repeats a part whose answer it did not get
        waiting.end(self.asset, item, self.uuid, self.now)

    def _deleted(self) -> Accepted:
        """What was taken in once and deleted since stays deleted, and its client need not send it again."""
        return self._accepted({"time": self.now}, created=False)

    # Edited

    def _edit(self, deprecated: str) -> Accepted:
        """Replaces a record; only hooks that chose so hear of it (contract submissions §5, "Edits")."""
        editable = admission.editable(self.project, self.post.caller)
        for _ in range(_TRIES):
            try:
                old = self._to_edit(deprecated, editable)
            except OpenRosaError:
                # A twin may have made this very edit since we looked.
                twin = submissions.get_guard(self.asset, self.uuid)
                if twin is None:
                    raise
                return self._again(twin)
            try:
                new = self._edited(old)
                twin = edits.replace(
                    self.project,
                    old,
                    new,
                    self.sha256,
                    by=self.post.by,
                    origin=self.post.origin,
                    waits=self._waits(new["files"]),
                )
            except changes.StaleError:
                continue
            return self._again(twin) if twin else self._accepted(old, created=True)
        raise UnavailableError

    def _to_edit(self, deprecated: str, editable: Rows) -> Item:
        """The record that this edit replaces, if it may."""
        guard = submissions.get_guard(self.asset, deprecated)
        old = submissions.get(self.asset, guard.sid) if guard else None
        if old is None:
            raise Outcome.DEPRECATED_ID_UNKNOWN.error()
        admission.check_editable(self.project, editable, old)
        if old["uuid"] != deprecated:
            raise Outcome.DEPRECATED_ID_OLD.error()
        if not self.project.state["active"]:
            raise Outcome.FORM_INACTIVE.error()
        admission.check_owner(self.project, self.post.caller)
        return old

    def _edited(self, old: Item) -> Item:
        """The record as it is to be."""
        fresh = attachments.fresh(self.files, old["files"])
        kept = attachments.still_named(old["files"], self.named)
        return edits.revised(
            self.asset,
            old,
            uuid=self.uuid,
            geo=instances.geolocation(self.answers, self.shape["geopoints"]),
            files={**kept, **self._store_files(fresh, old)},
            bodies=self._bodies(),
        )

    # Shared

    def _store_files(
        self, files: Mapping[str, attachments.File], item: Item | None = None
    ) -> dict[str, Item]:
        """Puts files of a new submission, or further ones of ``item``, into S3; what its record keeps of them."""
        entries = attachments.entries(files, item["files"] if item else {})
        attachments.upload(files, self.asset, item["root"] if item else self.uuid)
        return entries

    def _accepted(self, item: Item, *, created: bool) -> Accepted:
        return Accepted(
            created=created,
            asset=self.asset,
            instance_id=self.instance.instance_id or self.uuid,
            message=self.instance.submit_message,
            submitted_at=item["time"],
            encrypted=self.instance.encrypted,
        )


def _submission_time(text: str | None) -> int | None:
    """The root attribute ``submissionDate`` as ms; None when it is absent or no date."""
    try:
        parsed = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    aware = parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)
    milliseconds = int(aware.timestamp() * 1000)
    return milliseconds if 0 <= milliseconds < _LAST_TIME else None
