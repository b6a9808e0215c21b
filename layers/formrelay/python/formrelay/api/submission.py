"""``/submission`` and its kin: HTTP in, the use case of :mod:`formrelay.ingest`, the client's dialect out.

Contract submissions §1–§5 and §8, accounts §7.
"""

from __future__ import annotations

from formrelay import clock, history, ingest
from formrelay.api.http import JSON, Request, Response
from formrelay.auth import Caller, authenticate
from formrelay.aws import unavailable_for_now
from formrelay.errors import ApiError, UnavailableError, unauthenticated
from formrelay.ingest import Accepted, Post
from formrelay.log import logger
from formrelay.openrosa import json_submission, multipart, replies
from formrelay.openrosa.errors import OpenRosaError, Outcome
from formrelay.openrosa.multipart import Part
from formrelay.openrosa.replies import Receipt, Reply
from formrelay.storage import accounts
from formrelay.storage.table import Item
from formrelay.usernames import RESERVED, is_username

XML_PART = "xml_submission_file"
INCOMPLETE = "*isIncomplete*"


def is_submission(path: str) -> bool:
    """Whether the (clean) path takes submissions."""
    if path in ("/submission", "/api/v1/submissions"):
        return True
    first, _, rest = path.lstrip("/").partition("/")
    return rest == "submission" and first not in RESERVED


def answer(request: Request) -> Response:
    """The answer to HEAD, POST or anything else on such a path; never raises for what the client did."""
    as_json = request.method == "POST" and request.content_type == JSON
    location = request.url
    try:
        with unavailable_for_now():
            reply = _dispatch(request, location, as_json)
    except OpenRosaError as error:
        reply = replies.refusal(error, location, clock.now_ms(), as_json=as_json)
    except ApiError as error:
        told_in_json = as_json or _wants_json(request)
        reply = replies.detail(error.status, str(error.body["detail"]), clock.now_ms(), as_json=told_in_json)
        reply.headers.update(error.headers)
    except UnavailableError as error:
        reply = replies.refusal(Outcome.UNAVAILABLE.error(), location, clock.now_ms(), as_json=as_json)
        reply.headers["Retry-After"] = str(error.retry_after)
    except Exception:
        logger.exception("submission failed", extra={"path": request.path})
        failure = OpenRosaError(500, "Internal server error. Nothing is lost: send the submission again.")
        reply = replies.refusal(failure, location, clock.now_ms(), as_json=as_json)
    return Response(reply.status, reply.body, reply.headers)


def _wants_json(request: Request) -> bool:
    """Whether the caller asks for JSON where XML is the default; errors in XML input are told in XML all the same."""
    if request.format:
        return request.format == "json"
    accepted = [
        part.partition(";")[0].strip().lower() for part in request.headers.get("accept", "").split(",")
    ]
    return next((kind == JSON for kind in accepted if kind == JSON or kind.endswith("/xml")), False)


def _dispatch(request: Request, location: str, as_json: bool) -> Reply:
    user = _path_user(request.path)
    caller = authenticate(request.headers, request.address, submitting=True)
    if user is not None and not is_username(user):
        raise Outcome.NOT_FOUND.error()
    if request.method == "HEAD":
        return _precheck(caller, user, location)
    if request.method != "POST":
        raise ApiError(405, {"detail": f'Method "{request.method}" not allowed.'}, {"Allow": "HEAD, POST"})
    if caller is None and (user is None or not request.body):
        raise unauthenticated()
    if len(request.body) > replies.TAKEN_BYTES:
        raise Outcome.TOO_LARGE.error()
    post = _json_post(request, caller, user) if as_json else _xml_post(request, caller, user)
    accepted = ingest.submit(post)
    return _told(accepted, location, as_json=as_json or (accepted.created and _wants_json(request)))


def _path_user(path: str) -> str | None:
    """The name in ``/{username}/submission``; names are lower case, but keyboards of phones begin with a capital."""
    first, _, rest = path.lstrip("/").partition("/")
    return first.lower() if rest == "submission" else None


def _precheck(caller: Caller | None, user: str | None, location: str) -> Reply:
    if user is None and caller is None:
        raise unauthenticated()
    if user is not None and accounts.get_account(user) is None:
        raise Outcome.NOT_FOUND.error()
    return replies.precheck(location, clock.now_ms())


def _json_post(request: Request, caller: Caller | None, user: str | None) -> Post:
    _, xml = json_submission.to_xml(request.body)
    return Post(xml, request.base_url, _by(request, caller), caller, user)


def _xml_post(request: Request, caller: Caller | None, user: str | None) -> Post:
    if request.content_type != "multipart/form-data":
        raise Outcome.NO_XML_FILE.error()
    xml: bytes | None = None
    incomplete = False
    files: list[Part] = []
    for part in multipart.parse(request.headers["content-type"], request.body):
        if part.name == XML_PART:
            if xml is not None:
                raise Outcome.NO_XML_FILE.error()
            xml = bytes(part.data)
        elif part.filename is not None:
            files.append(part)
        elif part.name == INCOMPLETE:
            incomplete = bytes(part.data).strip().lower() == b"yes"
    if xml is None:
        raise Outcome.NO_XML_FILE.error()
    by = _by(request, caller)
    return Post(xml, request.base_url, by, caller, user, files, incomplete=incomplete, waits=True)


def _by(request: Request, caller: Caller | None) -> Item:
    return history.who(caller, request.address, request.headers.get("user-agent", ""))


def _told(accepted: Accepted, location: str, *, as_json: bool) -> Reply:
    now = clock.now_ms()
    if not accepted.created:
        return replies.refusal(Outcome.DUPLICATE.error(), location, now, as_json=as_json)
    receipt = Receipt(
        form_id=accepted.asset,
        instance_id=accepted.instance_id,
        submitted=accepted.submitted_at,
        completed=now,
        encrypted=accepted.encrypted,
        message=accepted.message,
    )
    return replies.success(receipt, location, now, as_json=as_json)
