"""What is left of a deleted project: removed a page at a time, so that anybody can go on at any point.

Each function removes at most so much and says whether that was all.
"""

from __future__ import annotations

from collections.abc import Sequence

from formrelay.settings import settings
from formrelay.storage import blobs, deliveries, keys, table
from formrelay.storage import jobs as stored_jobs
from formrelay.storage.table import Item

_PAGE = 100


def named(asset: str) -> tuple[set[str], set[str]]:
    """Hooks of the project, and users who have rights on it, as far as they still stand with it."""
    found = table.query_all(
        settings().data_table,
        "#pk = :pk AND begins_with(#sk, :s)",
        {":pk": keys.asset_pk(asset), ":s": "S#"},
        projection="#sk",
    )
    parts = [item["sk"].split("#", 2)[1:] for item in found]
    hooks, users = ({name for kind, name in parts if kind == wanted} for wanted in ("hook", "perm"))
    return hooks, users


def details(asset: str) -> bool:
    """Versions, contents, forms, rights, hooks and whatever else stands with the project."""
    return _partition(keys.asset_pk(asset))


def marks(series: str) -> bool:
    """Those of a project's submissions, or of a hook's deliveries."""
    return _partition(keys.marks_pk(series))


def exports(asset: str) -> bool:
    return _partition(keys.exports_pk(asset))


def deleted_submissions(asset: str) -> bool:
    """What tells that submissions were once there, and the guards of those, which outlive them."""
    data = settings().data_table
    found, last = table.query(
        data, "#pk = :pk", {":pk": keys.deleted_pk(asset)}, limit=_PAGE, projection="#pk, #sk, #root"
    )
    table.batch_delete(data, [keys.guard(asset, item["root"]) for item in found])
    table.batch_delete(data, [keys.of(item) for item in found])
    return last is None


def activity(asset: str) -> bool:
    partitions = (
        keys.history_pk(asset),
        keys.history_blocks_pk(asset),
        keys.log_exports_pk(f"A#{asset}"),
    )
    return all(_partition(pk) for pk in partitions)


def hook(hook_uid: str) -> bool:
    """What :func:`hook_logs` takes, and the way from the hook to its project."""
    if not hook_logs(hook_uid):
        return False
    table.batch_delete(settings().data_table, [keys.hook_asset(hook_uid), keys.hook_tests(hook_uid)])
    return True


def hook_logs(hook_uid: str) -> bool:
    """Deliveries of a hook, their marks, and its jobs."""
    if not (deliveries.purge(hook_uid, _PAGE) and marks(hook_uid)):
        return False
    stored_jobs.purge(hook_uid)
    return True


def lists(asset: str, usernames: Sequence[str]) -> bool:
    """Rows in the lists of those with whom the project was shared."""
    table.batch_delete(settings().data_table, [keys.listing(username, asset) for username in usernames])
    return True


def submissions(asset: str) -> bool:
    """Submissions with what stands for them: earlier states, and the guards of all their instanceIDs.

    A submission goes last, so that a crash leaves nothing behind that nothing leads to.
    """
    data = settings().data_table
    found, last = table.query(
        data,
        "#pk = :pk",
        {":pk": keys.submissions_pk(asset)},
        limit=_PAGE,
        projection="#pk, #sk, #root, #uuid, #rev",
    )
    for item in found:
        earlier = list(_earlier(asset, item)) if item.get("rev") else []
        uuids = {item.get("root"), item.get("uuid"), *(one.get("uuid") for one in earlier)} - {None}
        table.batch_delete(data, [keys.guard(asset, str(uuid)) for uuid in sorted(map(str, uuids))])
        table.batch_delete(data, [keys.of(one) for one in earlier])
    table.batch_delete(data, [keys.of(item) for item in found])
    return last is None


def _earlier(asset: str, item: Item) -> list[Item]:
    pk = keys.revision(asset, int(item["sk"]), 0)["pk"]
    return list(
        table.query_all(settings().data_table, "#pk = :pk", {":pk": pk}, projection="#pk, #sk, #uuid")
    )


def files(asset: str) -> bool:
    """Attachments, pictures, media and bodies in S3."""
    return all(blobs.delete_under(prefix) for prefix in blobs.prefixes(asset))


def _partition(pk: str) -> bool:
    data = settings().data_table
    found, last = table.query(data, "#pk = :pk", {":pk": pk}, limit=_PAGE, projection="#pk, #sk")
    table.batch_delete(data, [keys.of(item) for item in found])
    return last is None
