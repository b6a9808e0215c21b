"""Form list, forms and manifests as ODK Collect reads them (contract submissions §9)."""

from __future__ import annotations

import hashlib
from xml.etree import ElementTree as ET

import pytest

from tests.support.app import FORM, Answer, App, Clock
from tests.support.aws import objects
from tests.support.calls import doing, failing
from tests.support.forms import small_jpeg
from tests.support.grants import ANONYMOUS, grant, switch_off

BASE = "https://kf.example.org"
LIST = "{http://openrosa.org/xforms/xformsList}"
EMPTY = (
    '<?xml version="1.0" encoding="utf-8"?>\n<xforms xmlns="http://openrosa.org/xforms/xformsList"></xforms>'
)
CHALLENGE = 'Basic realm="formrelay"'


@pytest.fixture
def asset(app: App) -> str:
    return app.deploy(FORM, name="Household & visit")


def forms(answer: Answer) -> list[dict[str, str]]:
    assert answer.status == 200, answer.text
    root = ET.fromstring(answer.body)  # noqa: S314 (our own answer)
    return [{child.tag.removeprefix(LIST): child.text or "" for child in form} for form in root]


def ids(answer: Answer) -> list[str]:
    return [form["formID"] for form in forms(answer)]


def local(url: str) -> str:
    return url.removeprefix(BASE)


def test_a_listed_form_has_everything_that_collect_reads(app: App, clock: Clock) -> None:
    asset = app.deploy(FORM, name="Household & visit")
    answer = app.get("/formList")
    (form,) = forms(answer)
    assert form == {
        "formID": asset,
        "name": "Household & visit",
        "majorMinorVersion": "1 (2026-08-02 08:10:05)",
        "version": "1 (2026-08-02 08:10:05)",
        "hash": form["hash"],
        "descriptionText": "Household & visit",
        "downloadUrl": f"{BASE}/forms/{asset}/form.xml",
        "manifestUrl": f"{BASE}/xformsManifest/{asset}",
    }
    assert answer.headers["content-type"] == "text/xml; charset=utf-8"
    assert answer.headers["x-openrosa-version"] == "1.0"
    assert answer.headers["date"].endswith(" GMT")


def test_the_hash_is_that_of_the_form_as_served(app: App, asset: str) -> None:
    (form,) = forms(app.get("/formList"))
    served = app.get(local(form["downloadUrl"]))
    assert form["hash"] == "md5:" + hashlib.md5(served.body).hexdigest()  # noqa: S324
    assert served.headers["content-type"] == "text/xml; charset=utf-8"
    assert f'id="{asset}" version="{form["version"]}"' in served.text
    assert "<h:title>Household &amp; visit</h:title>" in served.text


def test_the_hash_changes_exactly_when_the_form_does(app: App, asset: str) -> None:
    path = f"/api/v2/assets/{asset}/"

    def hashes() -> tuple[str, str]:
        (form,) = forms(app.get("/formList"))
        md5 = hashlib.md5(app.get(local(form["downloadUrl"])).body).hexdigest()  # noqa: S324
        assert form["hash"] == f"md5:{md5}"
        return form["version"], form["hash"]

    first = hashes()
    app.send("PATCH", path, {"settings": {"description": "other"}})
    assert hashes() == first
    app.send("PATCH", path, {"name": "Renamed"})
    assert hashes() == first
    app.send("PATCH", path + "deployment/", {"active": False})
    app.send("PATCH", path + "deployment/", {"active": True})
    assert hashes() == first
    app.call("PATCH", path + "deployment/")
    second = hashes()
    assert second[0].startswith("2 (")
    assert second[1] != first[1]
    app.call("PATCH", path + "deployment/")
    assert hashes() == second


@pytest.mark.parametrize(
    "spelling", ["/formList", "/formList/", "//formList", "/formList?deviceID=collect%3Ax"]
)
def test_every_spelling_of_the_list_answers(app: App, asset: str, spelling: str) -> None:
    path, _, query = spelling.partition("?")
    assert ids(app.call("GET", path, query=query)) == [asset]


@pytest.mark.parametrize(
    "path", ["/forms/{}/form.xml", "/forms/{}/form.xml/", "//forms/{}//form.xml", "/ann/forms/{}/form.xml"]
)
def test_every_spelling_of_the_form_answers(app: App, asset: str, path: str) -> None:
    grant(asset, ANONYMOUS, "add_submissions")
    assert app.get(path.format(asset)).text.startswith("<?xml")


def test_the_name_in_the_path_may_begin_with_a_capital(app: App, asset: str) -> None:
    grant(asset, ANONYMOUS, "add_submissions")
    (form,) = forms(app.get("/Ann/formList", user=None))
    assert app.get(local(form["downloadUrl"]), user=None).status == 200


def test_a_head_request_has_the_headers_alone(app: App, asset: str) -> None:
    for path in ("/formList", f"/forms/{asset}/form.xml", f"/xformsManifest/{asset}"):
        answer = app.call("HEAD", path)
        assert (answer.status, answer.body, answer.headers["x-openrosa-version"]) == (200, b"", "1.0")


def test_the_list_can_be_narrowed_to_one_form(app: App, asset: str) -> None:
    other = app.deploy(FORM)
    assert sorted(ids(app.get("/formList"))) == sorted([asset, other])
    assert ids(app.get("/formList", formID=asset)) == [asset]
    assert app.get("/formList", formID="nothing").text == EMPTY


def test_only_deployed_and_active_forms_are_listed(app: App, asset: str) -> None:
    app.send("POST", "/api/v2/assets/", {"asset_type": "survey", "content": FORM})
    assert ids(app.get("/formList")) == [asset]
    app.send("PATCH", f"/api/v2/assets/{asset}/deployment/", {"active": False})
    assert app.get("/formList").text == EMPTY
    app.send("PATCH", f"/api/v2/assets/{asset}/deployment/", {"active": True})
    assert ids(app.get("/formList")) == [asset]


def test_a_form_deployed_inactive_is_not_listed(app: App) -> None:
    made = app.send("POST", "/api/v2/assets/", {"asset_type": "survey", "content": FORM}).json()
    assert app.send("POST", f"/api/v2/assets/{made['uid']}/deployment/", {}).status == 200
    assert app.get("/formList").text == EMPTY


# Whose


@pytest.mark.parametrize(
    "path", ["/formList", "/forms/{}/form.xml", "/xformsManifest/{}", "/xformsMedia/{}/afX"]
)
def test_nobody_is_asked_for_credentials(app: App, asset: str, path: str) -> None:
    grant(asset, ANONYMOUS, "add_submissions")
    answer = app.get(path.format(asset), user=None)
    assert (answer.status, answer.headers["www-authenticate"]) == (401, CHALLENGE)
    assert "<root><detail>Authentication credentials were not provided.</detail></root>" in answer.text


def test_wrong_credentials_are_never_an_empty_list(app: App, asset: str) -> None:
    for path in ("/formList", "/ann/formList"):
        answer = app.call("GET", path, headers={"authorization": "Token " + "0" * 40})
        assert (answer.status, answer.headers["www-authenticate"]) == (401, CHALLENGE)


@pytest.mark.parametrize(
    ("rights", "listed"),
    [
        (("view_asset", "add_submissions"), True),
        (("view_asset",), False),
        (("view_asset", "view_submissions"), False),
    ],
)
def test_shared_forms_are_listed_for_those_who_may_submit(
    app: App, asset: str, rights: tuple[str, ...], listed: bool
) -> None:
    app.add_user("bob")
    grant(asset, "bob", *rights)
    assert ids(app.get("/formList", user="bob")) == ([asset] if listed else [])
    assert app.get(f"/forms/{asset}/form.xml", user="bob").status == (200 if listed else 404)


def test_the_users_list_has_the_forms_open_to_all(app: App, asset: str) -> None:
    app.deploy(FORM)
    assert app.get("/ann/formList", user=None).text == EMPTY
    grant(asset, ANONYMOUS, "add_submissions")
    (form,) = forms(app.get("/ann/formList", user=None))
    assert form["downloadUrl"] == f"{BASE}/ann/forms/{asset}/form.xml"
    assert form["manifestUrl"] == f"{BASE}/ann/xformsManifest/{asset}"
    assert app.get(local(form["downloadUrl"]), user=None).status == 200
    assert app.get(local(form["manifestUrl"]), user=None).status == 200


def test_the_users_list_has_what_they_manage_and_not_what_is_only_shared(app: App, asset: str) -> None:
    app.add_user("bob")
    grant(asset, ANONYMOUS, "add_submissions")
    grant(asset, "bob", "view_asset", "add_submissions")
    assert app.get("/bob/formList", user=None).text == EMPTY
    grant(asset, "bob", "view_asset", "manage_asset", "add_submissions")
    assert ids(app.get("/bob/formList", user=None)) == [asset]


@pytest.mark.parametrize("user", ["nobody", "x" * 3_000, "%00", "\N{SNOWMAN}"])
def test_the_list_of_an_unknown_user_is_empty(app: App, asset: str, user: str) -> None:
    assert app.get(f"/{user}/formList", user=None).text == EMPTY


def test_forms_of_disabled_owners_are_left_out(app: App, asset: str) -> None:
    app.add_user("bob")
    grant(asset, "bob", "view_asset", "add_submissions")
    grant(asset, ANONYMOUS, "add_submissions")
    switch_off("ann")
    assert app.get("/formList", user="bob").text == EMPTY
    assert app.get("/ann/formList", user=None).text == EMPTY


def test_the_form_of_another_user_is_not_there(app: App, asset: str) -> None:
    app.add_user("bob")
    for path in (f"/forms/{asset}/form.xml", f"/xformsManifest/{asset}", f"/ann/forms/{asset}/form.xml"):
        answer = app.get(path, user="bob")
        assert answer.status == 404
        assert "<root><detail>Not found.</detail></root>" in answer.text


@pytest.mark.parametrize(
    "path", ["/forms/aUnknownUnknownUnknow2/form.xml", "/forms/x/form.xml", "/forms/{}/other.xml"]
)
def test_an_unknown_form_is_not_found(app: App, asset: str, path: str) -> None:
    assert app.get(path.format(asset)).status == 404


@pytest.mark.parametrize("path", ["/api/formList", "/token/formList", "/me/forms/x/form.xml"])
def test_a_reserved_name_is_no_user(app: App, path: str) -> None:
    assert app.get(path).status == 404


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_only_get_and_head_are_allowed(app: App, asset: str, method: str) -> None:
    answer = app.call(method, "/formList", body=b"x")
    assert (answer.status, answer.headers["allow"]) == (405, "GET, HEAD")


def test_a_store_that_fails_is_500_in_xml(app: App, asset: str) -> None:
    with failing("dynamodb.Query", "InternalServerError"):
        answer = app.get("/formList")
    assert answer.status == 500
    assert answer.text.startswith("<?xml")


def test_a_store_that_is_throttled_is_503_in_xml(app: App, asset: str) -> None:
    with failing("dynamodb.Query", "ProvisionedThroughputExceededException"):
        answer = app.get("/formList")
    assert (answer.status, answer.headers["retry-after"]) == (503, "5")
    assert answer.text.startswith("<?xml")


# Manifests and media


def test_a_form_without_media_has_an_empty_manifest(app: App, asset: str) -> None:
    answer = app.get(f"/xformsManifest/{asset}")
    assert answer.headers["content-type"] == "text/xml; charset=utf-8"
    assert answer.text == (
        '<?xml version="1.0" encoding="utf-8"?>\n'
        '<manifest xmlns="http://openrosa.org/xforms/xformsManifest"></manifest>'
    )


def test_media_are_named_in_a_stable_order_and_served(app: App, asset: str, clock: Clock) -> None:
    towns_csv = b"name\nAx\n"
    towns = add_media(app, asset, "villages & towns.csv", towns_csv)
    clock.forward(1)
    goose = add_media(app, asset, "goose.jpg", small_jpeg())
    redeploy(app, asset)
    base = f"{BASE}/xformsMedia/{asset}"
    expected = (
        '<?xml version="1.0" encoding="utf-8"?>\n<manifest xmlns="http://openrosa.org/xforms/xformsManifest">'
        f"<mediaFile><filename>villages &amp; towns.csv</filename><hash>{md5(towns_csv)}</hash>"
        f"<downloadUrl>{base}/{towns}.csv</downloadUrl></mediaFile>"
        f"<mediaFile><filename>goose.jpg</filename><hash>{md5(small_jpeg())}</hash>"
        f"<downloadUrl>{base}/{goose}.jpg</downloadUrl></mediaFile></manifest>"
    )
    assert app.get(f"/xformsManifest/{asset}").text == expected
    redeploy(app, asset)
    assert app.get(f"/xformsManifest/{asset}").text == expected
    for path in (f"{goose}.jpg", goose, f"{goose}/", f"{goose}.jpg/"):
        media = app.get(f"/xformsMedia/{asset}/{path}")
        assert (media.status, media.body) == (200, small_jpeg())
        assert media.headers["content-type"] == "image/jpeg"
        assert media.headers["x-openrosa-version"] == "1.0"
    assert app.get(f"/xformsMedia/{asset}/af3.jpg").status == 404


def test_a_change_of_media_reaches_devices_with_the_next_deployment(app: App, asset: str) -> None:
    first = add_media(app, asset, "a.csv", b"1")
    assert manifest(app, asset) == []
    redeploy(app, asset)
    assert manifest(app, asset) == [("a.csv", md5(b"1"))]
    assert app.call("DELETE", f"/api/v2/assets/{asset}/files/{first}/").status == 204
    add_media(app, asset, "a.csv", b"2")
    assert manifest(app, asset) == [("a.csv", md5(b"1"))]
    assert app.get(f"/xformsMedia/{asset}/{first}.csv").body == b"1"
    app.send("PATCH", f"/api/v2/assets/{asset}/deployment/", {"active": True})
    assert manifest(app, asset) == [("a.csv", md5(b"1"))]
    redeploy(app, asset)
    assert manifest(app, asset) == [("a.csv", md5(b"2"))]
    assert app.get(f"/xformsMedia/{asset}/{first}.csv").status == 404


def test_bytes_are_kept_as_long_as_anybody_is_told_of_them(app: App, asset: str) -> None:
    def kept() -> list[str]:
        return [key.rpartition("/")[2] for key in objects(app.settings.bucket) if key.startswith("media/")]

    first = add_media(app, asset, "a.csv", b"1")
    redeploy(app, asset)
    app.call("DELETE", f"/api/v2/assets/{asset}/files/{first}/")
    assert kept() == [first]
    redeploy(app, asset)
    assert kept() == []
    second = add_media(app, asset, "b.csv", b"2")
    app.call("DELETE", f"/api/v2/assets/{asset}/files/{second}/")
    assert kept() == []


def test_a_file_deleted_while_the_form_is_deployed_is_not_announced(app: App, asset: str) -> None:
    uid = add_media(app, asset, "a.csv", b"1")
    path = f"/api/v2/assets/{asset}/files/{uid}/"
    with doing("dynamodb.TransactWriteItems", lambda: app.call("DELETE", path)):
        redeploy(app, asset)
    assert manifest(app, asset) == []


def test_a_file_that_lies_elsewhere_is_redirected_to(app: App, asset: str) -> None:
    url = "https://data.example.org/places.csv?v=1"
    body = {"file_type": "form_media", "metadata": {"redirect_url": url, "filename": "places.csv"}}
    uid = app.send("POST", f"/api/v2/assets/{asset}/files/", body).json()["uid"]
    redeploy(app, asset)
    assert manifest(app, asset) == [("places.csv", md5(url.encode()))]
    media = app.get(f"/xformsMedia/{asset}/{uid}.csv")
    assert (media.status, media.headers["location"], media.body) == (302, url, b"")
    assert media.headers["x-openrosa-version"] == "1.0"


def test_media_have_the_rights_of_their_form(app: App, asset: str) -> None:
    app.add_user("bob")
    uid = add_media(app, asset, "a.csv", b"1")
    redeploy(app, asset)
    plain, users = f"/xformsMedia/{asset}/{uid}.csv", f"/ann/xformsMedia/{asset}/{uid}.csv"
    assert app.get(plain, user="bob").status == 404
    assert app.get(users, user=None).status == 404
    grant(asset, "bob", "view_asset")
    assert app.get(plain, user="bob").status == 404
    grant(asset, "bob", "view_asset", "add_submissions")
    assert app.get(plain, user="bob").body == b"1"
    grant(asset, ANONYMOUS, "add_submissions")
    assert app.get(users, user=None).body == b"1"
    assert f"{BASE}{users}" in app.get(f"/ann/xformsManifest/{asset}", user=None).text


def add_media(app: App, asset: str, name: str, data: bytes) -> str:
    made = app.send_form("POST", f"/api/v2/assets/{asset}/files/", [("content", (name, data, None))])
    assert made.status == 201, made.text
    uid: str = made.json()["uid"]
    return uid


def redeploy(app: App, asset: str) -> None:
    assert app.call("PATCH", f"/api/v2/assets/{asset}/deployment/").status == 200


def md5(data: bytes) -> str:
    return "md5:" + hashlib.md5(data).hexdigest()  # noqa: S324


def manifest(app: App, asset: str) -> list[tuple[str, str]]:
    """(file name, hash) of what devices are told of."""
    root = ET.fromstring(app.get(f"/xformsManifest/{asset}").body)  # noqa: S314 (our own answer)
    space = "{http://openrosa.org/xforms/xformsManifest}"
    return [(file.findtext(space + "filename", ""), file.findtext(space + "hash", "")) for file in root]
