"""Giving projects to somebody else: invites, and what becomes of a project that goes over (contract permissions §5).

Each project goes over in one transaction: it has one owner at every moment, whose list it stands in, and the lists
of the others follow. An acceptance that a crash breaks off stands as in progress; accepting again goes on with it.
"""

from __future__ import annotations

from formrelay import clock, history, ids, listings
from formrelay.auth import Caller
from formrelay.errors import UnavailableError, forbidden, invalid
from formrelay.letters import run as letters
from formrelay.letters.texts import OWNERSHIP_INVITE
from formrelay.log import logger
from formrelay.rights import MANAGE_ASSET, Grants
from formrelay.storage import accounts, assets, grants, invites, signups, table
from formrelay.storage import letters as outbox
from formrelay.storage import listings as rows
from formrelay.storage.assets import Project
from formrelay.storage.invites import COMPLETE, FAILED, IN_PROGRESS, PENDING
from formrelay.storage.table import ConditionError, Item, TransactionError
from formrelay.usernames import ANONYMOUS

ACCEPTED, DECLINED, CANCELLED, EXPIRED = "accepted", "declined", "cancelled", "expired"
MAX_ASSETS = 20
# Mails a day from one user to another.
MOST_LETTERS = 5
_DAY = 86_400
_DAYS = 14
_LASTS = _DAYS * _DAY * 1000
_TRIES = 5


def invite(caller: Caller, recipient: str, uids: list[str], page: str) -> Item:
    """Offers projects of the caller's to somebody else, and tells them by mail, which leads to that page.

    Raises ApiError 400.
    """
    if recipient == caller.username or accounts.inactive({recipient}):
        raise invalid("recipient", "Invalid hyperlink - Object does not exist.")
    for _ in range(_TRIES):
        projects = [_own(caller, uid) for uid in uids]
        now = clock.now_ms()
        made: Item = {
            "uid": ids.timed_uid("poi"),
            "sender": caller.username,
            "recipient": recipient,
            "status": PENDING,
            "created": now,
            "modified": now,
            "transfers": [_transfer(project, now) for project in projects],
        }
        letter = _letter(made, page)
        also = [outbox.put_op(letter)] if letter else []
        try:
            table.settle(lambda: invites.create(made, projects, also))  # noqa: B023
        except TransactionError:
            continue
        if letter:
            letters.send_soon(letter)
        return made
    raise UnavailableError(1)


def _own(caller: Caller, uid: str) -> Project:
    project = assets.project(uid, with_info=True)
    if project is None or project.owner != caller.username:
        raise invalid("assets", "You must be the owner of each project you want to transfer")
    status = standing(project)
    if status in (PENDING, IN_PROGRESS):
        text = f"Project `{uid}` cannot be transferred. Current status: {status}"
        raise invalid("assets", text)
    return project


def _letter(made: Item, page: str) -> Item | None:
    """The mail about an invite; none where the same sender wrote to the same person too often today."""
    now = clock.now_ms() // 1000
    if signups.count(f"{made['sender']} to {made['recipient']}", now=now, window=_DAY) > MOST_LETTERS:
        logger.warning("ownership invite beyond the limits", extra={"invite": made["uid"]})
        return None
    names = ", ".join(transfer["name"] or transfer["asset"] for transfer in made["transfers"])
    facts = {"sender": made["sender"], "projects": names, "days": _DAYS}
    return outbox.new(OWNERSHIP_INVITE, username=made["recipient"], facts=facts, link=page)


def _transfer(project: Project, now: int) -> Item:
    return {
        "uid": ids.uid("pot"),
        "asset": project.uid,
        "name": project.state["name"],
        "status": PENDING,
        "modified": now,
    }


def standing(project: Project) -> str | None:
    """The status of a project's last invite; None when there was none."""
    last = project.info.get("ownership")
    return status_of(last) if last else None


def status_of(found: Item) -> str:
    """The status of an invite, or of what a project keeps of it: pending ones end by themselves."""
    if found["status"] == PENDING and found["created"] + _LASTS <= clock.now_ms():
        return EXPIRED
    return str(found["status"])


def answer(caller: Caller, uid: str, status: str) -> Item:
    """Accepts or declines as the recipient, cancels as the sender; the invite as it is then.

    Raises ApiError 403 for the other one, 400 when that cannot be any more.
    """
    for _ in range(_TRIES):
        found = invites.get(uid)
        if found is None or caller.username != found["sender" if status == CANCELLED else "recipient"]:
            raise forbidden()
        now = status_of(found)
        if not (now == PENDING or (status == ACCEPTED and now == IN_PROGRESS)):
            raise invalid("status", "This field cannot be modified")
        try:
            if status == ACCEPTED:
                _accept(caller, found)
            else:
                _end(found, status)
        except (TransactionError, ConditionError):
            continue
        return invites.get(uid) or found
    raise UnavailableError(1)


def _end(found: Item, status: str) -> None:
    read = (assets.project(one["asset"], with_info=True) for one in found["transfers"])
    projects = [project for project in read if project]
    table.settle(lambda: invites.end(found, status, projects, at=clock.now_ms()))


def _accept(caller: Caller, found: Item) -> None:
    if found["status"] == PENDING:
        invites.move(found, PENDING, IN_PROGRESS, at=clock.now_ms())
    ended = [_conclude(caller, found, number) for number in range(len(found["transfers"]))]
    invites.move(found, IN_PROGRESS, FAILED if FAILED in ended else COMPLETE, at=clock.now_ms())


def _conclude(caller: Caller, found: Item, number: int) -> str:
    """Has one project go over; the status of its transfer then. One that is no longer the sender's to give stays."""
    transfer = found["transfers"][number]
    if transfer["status"] != PENDING:
        return str(transfer["status"])
    project = assets.project(transfer["asset"], with_info=True)
    if project is None or project.owner != found["sender"]:
        invites.fail(found, number, at=clock.now_ms())
        return FAILED
    _go_over(caller, found, number, project)
    return COMPLETE


def _go_over(caller: Caller, found: Item, number: int, project: Project) -> None:
    """One project becomes the recipient's; the sender manages it from then on."""
    now, sender, recipient = clock.now_ms(), found["sender"], found["recipient"]
    state = project.state | {"owner": recipient}
    info = project.info | {"ownership": invites.mark(found, COMPLETE)}
    others = [name for name in project.rights if name not in (ANONYMOUS, recipient)]
    row = {**listings.row_of(state, info), "shared": len(others) + 1}
    told = history.entry_op(
        history.who(caller),
        project.uid,
        sender,
        "transfer",
        {"username": recipient},
        subtype=history.PERMISSION,
    )
    also = [
        *grants.ownership_ops(project, sender, recipient, Grants().given(MANAGE_ASSET)),
        *(rows.pointer_op(name, project.uid, recipient) for name in (sender, *others)),
        invites.transferred_op(found, number, at=now),
        told,
    ]
    table.settle(lambda: assets.save(project, state, info, row, also=also))
