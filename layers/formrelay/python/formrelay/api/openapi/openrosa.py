"""What form clients call: these paths have a dispatch of their own, and here their words (contract submissions)."""

from __future__ import annotations

from formrelay.api import openrosa, submission
from formrelay.api.about import COLLECT, FILE_BODY, JSON_BODY, About, Body, Media, Query
from formrelay.api.router import Route

_XML = Media("text/xml")
_EXAMPLE = {"id": "aBX3kq7WmTz9fJhLr2YcVn", "submission": {"who": "Ann"}}
_TAKEN = ("SubmissionReceipt", _XML)
_KNOWN = ("SubmissionRefusal", _XML)


def _submissions(path: str, *, public: bool) -> list[Route]:
    take = About(
        "Send a submission",
        COLLECT,
        {201: _TAKEN, 202: _KNOWN},
        body=Body(
            "JsonSubmission", _EXAMPLE, required=True, types=(JSON_BODY, FILE_BODY), parts="SubmissionParts"
        ),
        errors=(400, 403, 405, 409, 410, 413),
        public=public,
        text="202 when it is there already. Answers in JSON to JSON or where JSON is accepted, else in XML.",
    )
    look = About("Whether submissions may be sent here", COLLECT, {204: None}, public=public)
    return [
        Route("POST", path, submission.answer, about=take),
        Route("HEAD", path, submission.answer, about=look),
    ]


def _forms(base: str, *, public: bool) -> list[Route]:
    def route(
        path: str, summary: str, media: Media, query: tuple[Query, ...] = (), *, elsewhere: bool = False
    ) -> Route:
        answers: dict[int, Media | None] = {200: media, 302: None} if elsewhere else {200: media}
        told = About(summary, COLLECT, answers, query, public=public)
        return Route("GET", base + path, openrosa.answer, about=told)

    return [
        route("/formList", "List the forms to fill", _XML, (Query("formID", "Only that form."),)),
        route("/forms/{asset}/form.xml", "Read a form (XForm)", _XML),
        route("/xformsManifest/{asset}", "List the media of a form", _XML),
        route("/xformsMedia/{asset}/{name}", "Read a medium of a form", Media("*/*"), elsewhere=True),
    ]


OPERATIONS = [
    *_submissions("/submission", public=False),
    *_submissions("/{username}/submission", public=True),
    *_submissions("/api/v1/submissions", public=False),
    *_forms("", public=False),
    *_forms("/{username}", public=True),
]
