"""The main job from end to end: a form, a submission, a hook."""

from __future__ import annotations

from tests.support.app import FORM, App
from tests.support.receiver import Receiver


def test_a_submission_reaches_the_hook_as_the_data_api_shows_it(app: App, receiver: Receiver) -> None:
    asset = app.deploy(FORM)
    hook = app.add_hook(asset, receiver.url())
    xml = app.filled(asset, {"name": "Ana", "member": [{"who": "Bo"}], "gps": "1.5 2.5 0 0"})

    answer = app.submit(xml)

    assert answer.status == 201, answer.text
    app.deliver()
    (record,) = app.records(asset)
    (request,) = receiver.requests
    assert request.json() == record
    assert record["name"] == "Ana"
    assert record["member"] == [{"member/who": "Bo"}]
    assert record["_geolocation"] == [1.5, 2.5]
    (log,) = app.logs(asset, hook)
    assert (log["status"], log["status_code"], log["tries"], log["message"]) == (2, 200, 1, "ok")
