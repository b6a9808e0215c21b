"""Edits: a submission that replaces an earlier one by its deprecatedID (contract submissions §5, "Edits")."""

from __future__ import annotations

from functools import partial

import pytest

from formrelay.storage import submissions
from tests.support.app import FORM, App, Clock
from tests.support.aws import messages
from tests.support.calls import counting, doing
from tests.support.grants import ANONYMOUS, grant
from tests.support.sharing import share

FIRST, SECOND, THIRD = (f"uuid:00000000-0000-4000-8000-00000000000{number}" for number in (1, 2, 3))


@pytest.fixture
def asset(app: App) -> str:
    made = app.deploy(FORM)
    xml = app.filled(made, {"name": "Ana", "age": "34", "photo": "p.jpg"}, FIRST)
    assert app.submit(xml, {"p.jpg": b"one"}).status == 201
    messages(app.settings.first_queue)
    return made


def edit(app: App, asset: str, values: dict[str, str], new: str = SECOND, old: str = FIRST) -> str:
    """The XML of an edit, as Enketo makes it."""
    xml = app.filled(asset, values, new)
    return xml.replace("</instanceID>", f"</instanceID><deprecatedID>{old}</deprecatedID>")


def test_an_edit_replaces_the_answers_and_keeps_what_the_record_is(
    app: App, asset: str, clock: Clock
) -> None:
    (before,) = app.records(asset)
    clock.forward(3600)
    answer = app.submit(edit(app, asset, {"name": "Bo", "photo": "p.jpg"}))
    assert answer.status == 201
    assert f'instanceID="{SECOND}"' in answer.text
    (after,) = app.records(asset)
    assert (after["name"], "age" in after) == ("Bo", False)
    kept = ("_id", "_submission_time", "_submitted_by", "meta/rootUuid", "_validation_status", "_attachments")
    assert {key: after[key] for key in kept} == {key: before[key] for key in kept}
    assert after["_uuid"] == SECOND.removeprefix("uuid:")
    assert (after["meta/instanceID"], after["meta/deprecatedID"]) == (SECOND, FIRST)
    assert after["meta/rootUuid"] == FIRST


def test_an_edit_sends_nothing_to_hooks(app: App, asset: str) -> None:
    hook = app.add_hook(asset, "http://127.0.0.1:9/")
    app.submit(edit(app, asset, {"name": "Bo"}))
    assert messages(app.settings.first_queue) == []
    assert app.logs(asset, hook) == []


def test_the_record_before_the_edit_is_kept(app: App, asset: str) -> None:
    app.submit(edit(app, asset, {"name": "Bo"}))
    app.submit(edit(app, asset, {"name": "Cy"}, THIRD, SECOND))
    (record,) = app.records(asset)
    first = submissions.revision(asset, record["_id"], 0)
    assert first is not None
    assert submissions.parse_answers(submissions.unpack(first).answers)["name"] == "Ana"
    assert list(first["files"]) == ["p.jpg"]


def test_the_record_is_found_by_its_root_and_its_current_uuid_only(app: App, asset: str) -> None:
    app.submit(edit(app, asset, {"name": "Bo"}))
    app.submit(edit(app, asset, {"name": "Cy"}, THIRD, SECOND))
    (record,) = app.records(asset)
    for uuid, status in ((FIRST, 200), (SECOND, 404), (THIRD, 200)):
        for spelling in (uuid, uuid.removeprefix("uuid:")):
            answer = app.get(f"/api/v2/assets/{asset}/data/{spelling}/")
            assert answer.status == status
            assert status == 404 or answer.json() == record


def test_the_edit_again_is_a_duplicate(app: App, asset: str) -> None:
    xml = edit(app, asset, {"name": "Bo"})
    assert [app.submit(xml).status for _ in range(2)] == [201, 202]


def test_the_first_xml_after_the_edit_is_a_duplicate_and_changes_nothing(app: App, asset: str) -> None:
    xml = app.filled(asset, {"name": "Ana", "age": "34", "photo": "p.jpg"}, FIRST)
    app.submit(edit(app, asset, {"name": "Bo"}))
    assert app.submit(xml).status == 202
    assert app.records(asset)[0]["name"] == "Bo"


def test_an_unknown_deprecated_id_is_not_found(app: App, asset: str) -> None:
    answer = app.submit(edit(app, asset, {"name": "Bo"}, SECOND, THIRD))
    assert (answer.status, "Invalid submission - deprecatedID not found" in answer.text) == (404, True)
    assert len(app.records(asset)) == 1


def test_the_deprecated_id_of_another_form_is_not_found(app: App, asset: str) -> None:
    other = app.deploy(FORM)
    assert app.submit(edit(app, other, {"name": "Bo"})).status == 404


def test_an_older_revision_cannot_be_edited(app: App, asset: str) -> None:
    app.submit(edit(app, asset, {"name": "Bo"}))
    answer = app.submit(edit(app, asset, {"name": "Cy"}, THIRD, FIRST))
    text = "Invalid submission - deprecatedID refers to an old version"
    assert (answer.status, text in answer.text) == (410, True)
    assert app.records(asset)[0]["name"] == "Bo"


def test_of_two_edits_at_once_one_wins(app: App, asset: str) -> None:
    mine = edit(app, asset, {"name": "Bo"})
    theirs = edit(app, asset, {"name": "Cy"}, THIRD)
    with doing("dynamodb.TransactWriteItems", lambda: _must_be(app.submit(theirs).status, 201)):
        answer = app.submit(mine)
    assert answer.status == 410
    assert [record["name"] for record in app.records(asset)] == ["Cy"]


def test_the_same_edit_twice_at_once_is_made_once(app: App, asset: str) -> None:
    xml = edit(app, asset, {"name": "Bo"})
    with doing("dynamodb.TransactWriteItems", lambda: _must_be(app.submit(xml).status, 201)):
        assert app.submit(xml).status == 202


def test_the_same_edit_twice_at_once_is_made_once_wherever_they_meet(app: App, asset: str) -> None:
    old = SECOND
    for read in range(1, _reads_of_an_edit(app, asset) + 1):
        new = f"uuid:10000000-0000-4000-8000-00000000000{read}"
        xml = edit(app, asset, {"name": str(read)}, new, old)
        with doing("dynamodb.GetItem", partial(_is_made, app, xml), read):
            assert app.submit(xml).status == 202, f"at read {read}"
        assert app.records(asset)[0]["name"] == str(read)
        old = new


def test_an_edit_whose_record_was_deleted_right_after_its_twin_made_it_is_a_duplicate(
    app: App, asset: str
) -> None:
    reads = _reads_of_an_edit(app, asset)
    xml = edit(app, asset, {"name": "Bo"}, THIRD, SECOND)
    (record,) = app.records(asset)

    def made_and_deleted() -> None:
        _is_made(app, xml)
        _must_be(app.send("DELETE", f"/api/v2/assets/{asset}/data/{record['_id']}/").status, 204)

    with doing("dynamodb.GetItem", made_and_deleted, reads):
        assert app.submit(xml).status == 202
    assert app.records(asset) == []


def _reads_of_an_edit(app: App, asset: str) -> int:
    """How many items one edit reads; the record stands as SECOND afterwards."""
    xml = edit(app, asset, {"name": "Before"})
    with counting() as made:
        app.submit(xml)
    return made["dynamodb.GetItem"]


def _is_made(app: App, xml: str) -> None:
    _must_be(app.submit(xml).status, 201)


def _must_be(found: int, expected: int) -> None:
    assert found == expected


def test_an_edit_with_a_known_instance_id_is_refused(app: App, asset: str) -> None:
    app.submit(app.filled(asset, {"name": "Other"}, SECOND))
    assert app.submit(edit(app, asset, {"name": "Bo"})).status == 409


def test_an_edit_of_itself_is_refused(app: App, asset: str) -> None:
    assert app.submit(edit(app, asset, {"name": "Bo"}, FIRST, FIRST)).status == 409


# Rights


def test_anonymous_edits_nothing_even_on_a_form_open_to_all(app: App, asset: str) -> None:
    grant(asset, ANONYMOUS, "add_submissions", "change_submissions")
    answer = app.submit(edit(app, asset, {"name": "Bo"}), user=None, path="/ann/submission")
    assert (answer.status, answer.headers["www-authenticate"]) == (401, 'Basic realm="formrelay"')


@pytest.mark.parametrize(
    ("rights", "status"), [(("add_submissions",), 403), (("add_submissions", "change_submissions"), 201)]
)
def test_an_edit_needs_the_right_to_change(
    app: App, asset: str, rights: tuple[str, ...], status: int
) -> None:
    app.add_user("bob")
    grant(asset, "bob", *rights)
    assert app.submit(edit(app, asset, {"name": "Bo"}), user="bob").status == status
    assert app.records(asset)[0]["_submitted_by"] == "ann"


@pytest.mark.parametrize(
    ("query", "status"),
    [({"_submitted_by": "ann"}, 201), ({"_submitted_by": "bob"}, 403), ({"age": "7"}, 403)],
)
def test_row_level_users_edit_their_rows_only(
    app: App, asset: str, query: dict[str, str], status: int
) -> None:
    app.add_user("bob")
    share(app, asset, "bob", "partial_submissions", change=[query])
    assert app.submit(edit(app, asset, {"name": "Bo"}), user="bob").status == status
    assert app.records(asset)[0]["name"] == ("Bo" if status == 201 else "Ana")


def test_row_level_viewers_edit_nothing(app: App, asset: str) -> None:
    app.add_user("bob")
    share(app, asset, "bob", "partial_submissions", view=[{}])
    share(app, asset, "bob", "add_submissions")
    assert app.submit(edit(app, asset, {"name": "Bo"}), user="bob").status == 403


def test_an_archived_form_takes_no_edits(app: App, asset: str) -> None:
    app.send("PATCH", f"/api/v2/assets/{asset}/deployment/", {"active": False})
    assert app.submit(edit(app, asset, {"name": "Bo"})).status == 405


# Files


def shown(app: App, asset: str) -> list[str]:
    return [file["media_file_basename"] for file in app.records(asset)[0]["_attachments"]]


def test_a_file_that_comes_after_the_edit_is_hidden_unless_that_names_it(app: App) -> None:
    content = {"survey": [{"type": "image", "name": name, "label": name} for name in ("front", "back")]}
    asset = app.deploy(content)
    first = app.filled(asset, {"front": "f.jpg", "back": "b.jpg"}, FIRST)
    app.submit(first, incomplete=True)
    app.submit(edit(app, asset, {"back": "f.jpg"}))
    assert app.submit(first, {"f.jpg": b"f", "b.jpg": b"b"}).status == 201
    assert _files(app, asset) == [("f.jpg", "back")]
    app.submit(edit(app, asset, {"front": "b.jpg"}, THIRD, SECOND))
    assert _files(app, asset) == [("b.jpg", "front")]


def test_a_file_that_comes_while_its_record_is_edited_is_hidden_unless_the_edit_names_it(
    app: App, asset: str
) -> None:
    first = app.filled(asset, {"name": "Ana", "photo": "late.jpg"}, THIRD)
    app.submit(first)
    with doing(
        "dynamodb.UpdateItem", partial(_is_made, app, edit(app, asset, {"name": "Bo"}, SECOND, THIRD))
    ):
        assert app.submit(first, {"late.jpg": b"late"}).status == 201
    (edited,) = [record for record in app.records(asset) if record["name"] == "Bo"]
    assert edited["_attachments"] == []


def _files(app: App, asset: str) -> list[tuple[str, str]]:
    (record,) = app.records(asset)
    return [(file["media_file_basename"], file["question_xpath"]) for file in record["_attachments"]]


def test_a_file_that_the_edit_no_longer_names_is_hidden_until_one_does_again(app: App, asset: str) -> None:
    app.submit(edit(app, asset, {"name": "Bo"}))
    assert shown(app, asset) == []
    app.submit(edit(app, asset, {"photo": "p.jpg"}, THIRD, SECOND))
    assert shown(app, asset) == ["p.jpg"]
    assert app.records(asset)[0]["_attachments"][0]["question_xpath"] == "photo"


def test_a_file_under_the_name_it_is_stored_by_stays_shown_after_an_edit(app: App, asset: str) -> None:
    values = {"name": "Di", "photo": "front door.jpg"}
    app.submit(app.filled(asset, values, SECOND), {"front_door.jpg": b"f"})
    app.submit(edit(app, asset, {**values, "name": "Ed"}, THIRD, SECOND))
    (edited,) = [record for record in app.records(asset) if record["name"] == "Ed"]
    assert [file["question_xpath"] for file in edited["_attachments"]] == ["photo"]


def test_an_edit_brings_new_files(app: App, asset: str) -> None:
    assert app.submit(edit(app, asset, {"photo": "q.jpg"}), {"q.jpg": b"two"}).status == 201
    assert shown(app, asset) == ["q.jpg"]


def test_an_edit_may_send_the_old_file_again_but_not_others_bytes_under_its_name(
    app: App, asset: str
) -> None:
    answer = app.submit(edit(app, asset, {"photo": "p.jpg"}), {"p.jpg": b"other"})
    assert (answer.status, "Attachment with same name already exists" in answer.text) == (409, True)
    assert app.records(asset)[0]["name"] == "Ana"
    assert app.submit(edit(app, asset, {"photo": "p.jpg"}), {"p.jpg": b"one"}).status == 201
    assert shown(app, asset) == ["p.jpg"]
