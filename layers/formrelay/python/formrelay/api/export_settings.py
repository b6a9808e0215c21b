"""``…/export-settings/``: saved settings, and their files by URL for dashboards and scripts (contract exports §2)."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from formrelay import clock, ids, permissions
from formrelay.api import export_files, export_shapes, fields, paging
from formrelay.api.about import EXPORTS, PAGING, About, Body, Media, Page
from formrelay.api.exports import EXAMPLE, readable
from formrelay.api.http import Response, json_response, no_content
from formrelay.api.router import Context, Route
from formrelay.errors import ApiError, UnavailableError, detail, invalid, not_found, unauthenticated
from formrelay.export_tasks import copies
from formrelay.exports.options import CONTENT_TYPES, CSV, XLSX, OptionsError, checked
from formrelay.storage import assets, export_settings, exports
from formrelay.storage.assets import Project
from formrelay.storage.export_settings import NameTakenError, StaleError
from formrelay.storage.table import Item

MAX_SETTINGS = 100
FORMATS = ("csv", "xlsx")
# Seconds that a request waits for a file, and after which to ask again (design §7).
_WAIT = 20.0
_RETRY_AFTER = 30
_TRIES = 5
# Power Query (Excel, Power BI), older Excel, LibreOffice, wget.
_WAITS_TO_BE_ASKED = re.compile(r"^(?:Microsoft\.Data\.Mashup|LibreOffice|Wget)|\bms-office\b")


def _manageable(ctx: Context, asset: str) -> Project:
    return permissions.require(ctx.caller, assets.project(asset, with_info=True), permissions.MANAGE_ASSET)


def _found(asset: str, setting: str) -> Item:
    found = export_settings.get(asset, setting)
    if found is None:
        raise not_found()
    return found


def list_settings(ctx: Context, asset: str) -> Response:
    readable(ctx, asset)
    found = export_settings.listed(asset)
    start, limit, rows = paging.page(ctx.request, found)
    results = [export_shapes.shown(ctx.api, asset, row) for row in rows]
    return json_response(paging.envelope(ctx.request, len(found), results, start, limit))


def create_setting(ctx: Context, asset: str) -> Response:
    project = _manageable(ctx, asset)
    values = _values(ctx.request.data(), project)
    for name in ("name", "settings"):
        if name not in values:
            raise invalid("name" if name == "name" else "export_settings", "This field is required.")
    if len(export_settings.listed(asset)) >= MAX_SETTINGS:
        raise invalid("non_field_errors", f"A project has at most {MAX_SETTINGS} export settings.")
    item = {"uid": ids.uid("es"), "revision": 0, "modified": clock.now_ms(), **values}
    try:
        export_settings.create(asset, item)
    except NameTakenError:
        raise _taken() from None
    made = export_shapes.shown(ctx.api, asset, item)
    return json_response(made, 201, {"Location": made["url"]})


def get_setting(ctx: Context, asset: str, setting: str) -> Response:
    readable(ctx, asset)
    return json_response(export_shapes.shown(ctx.api, asset, _found(asset, setting)))


def patch_setting(ctx: Context, asset: str, setting: str) -> Response:
    project = _manageable(ctx, asset)
    values = _values(ctx.request.data(), project)
    for _ in range(_TRIES):
        old = _found(asset, setting)
        new = {**old, **values, "revision": old["revision"] + 1, "modified": clock.now_ms()}
        try:
            export_settings.save(asset, old, new)
        except StaleError:
            continue
        except NameTakenError:
            raise _taken() from None
        return json_response(export_shapes.shown(ctx.api, asset, new))
    raise UnavailableError(1)


def delete_setting(ctx: Context, asset: str, setting: str) -> Response:
    _manageable(ctx, asset)
    for _ in range(_TRIES):
        try:
            export_settings.remove(asset, _found(asset, setting))
        except StaleError:
            continue
        return no_content()
    raise UnavailableError(1)


def _taken() -> Exception:
    return invalid("name", "Another export setting of this project has this name.")


def _values(data: Mapping[str, Any], project: Project) -> dict[str, Any]:
    """What was sent of a setting, checked, as it is stored."""
    values: dict[str, Any] = {}
    if (name := fields.text(data, "name")) is not None:
        values["name"] = name
    if (given := fields.json_object(data, "export_settings")) is not None:
        try:
            wanted = checked(given, project.info["summary"]["languages"])
        except OptionsError as error:
            raise invalid("export_settings", error.wrapped) from None
        values["settings"] = json.dumps(wanted, ensure_ascii=False)
    return values


def _readable_once_asked(ctx: Context, asset: str) -> Project:
    """Like ``readable``, but asks programs for credentials that send none before they are asked.

    To them "not found" would be the end, and their user is never asked for a name and a password.
    """
    try:
        return readable(ctx, asset)
    except ApiError:
        if ctx.caller is None and _WAITS_TO_BE_ASKED.search(ctx.request.headers.get("user-agent", "")):
            raise unauthenticated() from None
        raise


def get_data(ctx: Context, asset: str, setting: str) -> Response:
    """The file of a setting, waited for as long as that makes sense. The right is checked before any file."""
    project = _readable_once_asked(ctx, asset)
    found = _found(asset, setting)
    if ctx.request.format not in FORMATS:
        raise detail(400, f"Only the following formats are available: {', '.join(FORMATS)}")
    if not project.is_deployed:
        raise detail(400, "The asset must be deployed.")
    copy = copies.current(ctx.caller, project, found, ctx.request.format, ctx.base_url)
    copy = copies.awaited(copy, _WAIT)
    if copy["status"] == exports.COMPLETE:
        return export_files.answer(ctx.request, copy)
    if copy["status"] == exports.ERROR:
        return _text(500, f"Synchronous export failed: {copy['error']}")
    waiting = (
        "Another client has already requested this synchronous export. "
        f"Please try again after {_RETRY_AFTER} seconds"
    )
    return _text(503, waiting, {"Retry-After": str(_RETRY_AFTER)})


def _text(status: int, body: str, headers: dict[str, str] | None = None) -> Response:
    return Response(status, body.encode(), {"Content-Type": "text/plain; charset=utf-8", **(headers or {})})


_SETTINGS = "/api/v2/assets/{asset}/export-settings"
# What is not available is told, too.
_ASKED_FOR = (*FORMATS, "json", "xls", "geojson", "xml")
_ONE = _SETTINGS + "/{setting}"
_BODY_EXAMPLE = {"name": "Power BI", "export_settings": EXAMPLE}
ROUTES = [
    Route(
        "GET",
        _SETTINGS,
        list_settings,
        about=About(
            "List the saved export settings", EXPORTS, {200: Page("ExportSetting")}, query=PAGING, public=True
        ),
    ),
    Route(
        "POST",
        _SETTINGS,
        create_setting,
        about=About(
            "Save export settings",
            EXPORTS,
            {201: "ExportSetting"},
            body=Body("ExportSettingFields", _BODY_EXAMPLE, required=True),
            errors=(403,),
        ),
    ),
    Route(
        "GET",
        _ONE,
        get_setting,
        about=About("Read export settings", EXPORTS, {200: "ExportSetting"}, public=True),
    ),
    Route(
        "PATCH",
        _ONE,
        patch_setting,
        about=About(
            "Change export settings",
            EXPORTS,
            {200: "ExportSetting"},
            body=Body("ExportSettingFields", {"name": "Power BI"}),
            errors=(403,),
        ),
    ),
    Route(
        "DELETE",
        _ONE,
        delete_setting,
        about=About("Delete export settings", EXPORTS, {204: None}, errors=(403,)),
    ),
    Route(
        "GET",
        _ONE + "/data",
        get_data,
        formats=_ASKED_FOR,
        about=About(
            "Read the data as these settings say",
            EXPORTS,
            {200: (Media(CONTENT_TYPES[CSV]), Media(CONTENT_TYPES[XLSX])), 302: None},
            errors=(400, 500),
            public=True,
            text="By suffix or `?format=`: csv or xlsx. A file is served for five minutes; one that takes longer than "
            "20 seconds to make is answered with 503 and `Retry-After`. Larger ones are a redirect.",
        ),
    ),
]
