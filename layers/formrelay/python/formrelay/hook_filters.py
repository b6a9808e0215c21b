"""Which of a project's hooks get a submission: those whose filter it meets (docs/hooks.md, "Filters").

A filter is applied to the record as the data API shows it. What applies filters is imported by the first hook that has
one: projects without filters pay nothing for them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from formrelay import records
from formrelay.log import logger
from formrelay.settings import settings
from formrelay.storage import submissions
from formrelay.storage.assets import Project
from formrelay.storage.submissions import Bodies
from formrelay.storage.table import Item


def chosen(
    project: Project, hooks: Sequence[str], submission: Item, bodies: Bodies | None = None
) -> list[str]:
    """Those of a project's hooks whose filter a submission meets as it is given.

    ``bodies`` are its own, where they are at hand; else they are read when a filter needs them.
    """
    filtering = [uid for uid in hooks if project.hooks[uid].get("filter")]
    if not filtering:
        return list(hooks)
    record = _record(submission, project.uid, bodies)
    out = {uid for uid in filtering if not meets(project.hooks[uid], uid, record)}
    return [uid for uid in hooks if uid not in out]


def matches(hook: Item, submission: Item, asset: str) -> bool:
    """Whether a submission meets the filter of a hook, given in full, as it is given."""
    return not hook.get("filter") or meets(hook, hook["uid"], _record(submission, asset))


def meets(hook: Item, uid: str, record: Mapping[str, Any]) -> bool:
    """Whether a record meets the filter of a hook.

    One that cannot be applied holds back nothing: what is too much is better than what is lost.
    """
    text = hook.get("filter")
    if not text:
        return True
    try:
        from formrelay.hooks import filters

        return filters.meets(text, record)
    except ValueError as error:  # most likely a QueryError: the record is too long
        logger.warning("filter not applied", extra={"hook": uid, "reason": str(error)})
    except Exception:
        logger.exception("filter not applied", extra={"hook": uid})
    return True


def _record(submission: Item, asset: str, bodies: Bodies | None = None) -> dict[str, Any]:
    base_url = settings().public_url or submission["origin"]
    return records.record(
        submission, bodies or submissions.unpack(submission), asset=asset, base_url=base_url
    )
