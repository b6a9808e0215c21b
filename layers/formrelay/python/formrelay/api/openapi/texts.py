"""What the description says in words: about the whole, its headings and the parameters of paths."""

from __future__ import annotations

from formrelay.api import about

TITLE = "formrelay"
OVERVIEW = """\
Takes in ODK/KoboToolbox submissions and relays them to webhooks.

**Credentials**: an API key (`Authorization: Token …`) or Basic. Wrong ones are refused everywhere; without any, \
projects that are open to everybody can be read.

**Paths** answer with or without the slash at their end, and with a format suffix (`…/assets.json`) or `?format=`. \
Where a route has several formats they are listed with its answers; an unknown format is 404.

**Bodies** are JSON, forms or multipart. In the latter two, objects and lists are JSON texts. Unknown fields \
are ignored.

**Lists** come in pages; follow `next` as it stands.

**Errors**: an object that the caller may not see is 404 like one that is not there. What is too large for one answer \
is 302 to an address that needs no credentials. 503 names in `Retry-After` when to try again; 413 is more than the \
gateway takes.
"""
HEADINGS = {
    about.ACCOUNTS: "Who calls, and the key to call with.",
    about.PROJECTS: "Forms, their versions and their deployment.",
    about.SUBMISSIONS: "What was sent, read back.",
    about.EXPORTS: "Submissions as CSV, XLSX and GeoJSON: on demand, and by URL for dashboards.",
    about.HOOKS: "Where submissions go, and what became of them.",
    about.COLLECT: "OpenRosa: forms, their media and their submissions, for ODK Collect, Enketo and scripts.",
    about.SERVICE: "This document, and pages that mails link to.",
}
PARAMETERS = {
    "asset": "uid of the project",
    "assignment": "uid of the assignment",
    "attachment": "uid of the file",
    "codename": "name of the right",
    "export": "uid of the export",
    "file": "uid of the file",
    "access_csv": "uid of an export of sign-ins",
    "history_csv": "uid of an export of a project's activity",
    "hook": "uid of the hook",
    "id": "`_id` or uuid of the submission",
    "invite": "uid of the invite",
    "job": "uid of the job",
    "log": "uid of the delivery",
    "name": "uid of the file, and any suffix",
    "digest": "that of the files as the page names it",
    "part": "name of the file",
    "result": "name of the file",
    "setting": "uid of the export settings",
    "size": "`original`, `large`, `medium` or `small`",
    "task": "uid of the import",
    "transfer": "uid of the transfer",
    "username": "name of the user",
    "version": "uid of the version",
}
"""Of everything that a path may name."""
