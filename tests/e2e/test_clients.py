"""Programs of others, as their authors published them, over the whole life of a project on the local stack.

They run in an environment of their own (infra/requirements/clients.in), unchanged; each reads what the test made.
"""

from __future__ import annotations

import base64
import io
import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook

from tests.e2e.stack import CLIENTS_PYTHON, Stack
from tests.support.forms import fill
from tests.support.tls import https_front

ASSETS = "/api/v2/assets/"
# One level of repeats, with a count that is calculated: pykobo knows no other.
SHEETS: dict[str, list[tuple[str, ...]]] = {
    "survey": [
        ("type", "name", "label::English (en)", "label::French (fr)", "repeat_count"),
        ("select_one yes_no", "consent", "Do you agree?", "Acceptez-vous ?"),
        ("begin_group", "loc", "Place", "Lieu"),
        ("select_one region", "region", "Region", "Région"),
        ("geopoint", "gps", "Position", "Position"),
        ("end_group",),
        ("integer", "size", "How many people?", "Combien ?"),
        ("begin_repeat", "member", "Member", "Membre", "coalesce(${size}, 0)"),
        ("text", "who", "Name", "Nom"),
        ("end_repeat",),
        ("image", "photo", "Photo", "Photo"),
    ],
    "choices": [
        ("list_name", "name", "label::English (en)", "label::French (fr)"),
        ("yes_no", "yes", "Yes", "Oui"),
        ("yes_no", "no", "No", "Non"),
        ("region", "north", "North", "Nord"),
        ("region", "south", "South", "Sud"),
    ],
    "settings": [("form_title", "default_language"), ("Household visit", "English (en)")],
}
PHOTO = b"\xff\xd8\xff\xe0 not much of a picture"
VALUES = {
    "consent": "yes",
    "loc/gps": "-1.2627 36.7926 1650.5 4.1",
    "size": "2",
    "member": [{"who": "Ana"}, {"who": "Ben"}],
    "photo": "door.jpg",
}


def xlsform() -> bytes:
    """The form as people write it."""
    book = Workbook()
    book.remove(book.worksheets[0])
    for title, rows in SHEETS.items():
        sheet = book.create_sheet(title)
        for row in rows:
            sheet.append(row)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


class Life:
    """A project from its XLSForm to its end; what the programs do not do themselves."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.uid = self._imported()
        self._expect("POST", f"{ASSETS}{self.uid}/deployment/", 200, {"active": True})
        for region in ("north", "south"):
            self._submit({**VALUES, "loc/region": region})

    def _imported(self) -> str:
        encoded = base64.b64encode(xlsform()).decode()
        fields = {"base64Encoded": f"base64:{encoded}", "name": "household.xlsx", "library": "false"}
        made = self.stack.post("/api/v2/imports/", data=fields)
        assert made.status_code == 201, made.text
        task = self.stack.get(f"/api/v2/imports/{made.json()['uid']}/").json()
        assert task["status"] == "complete", task
        uid: str = task["messages"]["created"][0]["uid"]
        return uid

    def _submit(self, values: dict[str, Any]) -> None:
        form = self.stack.get(f"/forms/{self.uid}/form.xml").text
        files = {
            "xml_submission_file": ("instance.xml", fill(form, values), "text/xml"),
            "door.jpg": ("door.jpg", PHOTO, "image/jpeg"),
        }
        assert self.stack.post("/submission", files=files).status_code == 201

    def archive(self) -> None:
        self._expect("PATCH", f"{ASSETS}{self.uid}/deployment/", 200, {"active": False})

    def clone(self) -> str:
        made = self._expect("POST", ASSETS, 201, {"clone_from": self.uid, "name": "Copy of the visits"})
        uid: str = made["uid"]
        return uid

    def delete(self, uid: str) -> None:
        self._expect("DELETE", f"{ASSETS}{uid}/", 204)

    def _expect(self, method: str, path: str, status: int, data: Any = None) -> Any:
        answer = self.stack.session.request(method, self.stack.base_url + path, json=data, timeout=35)
        assert answer.status_code == status, answer.text
        return answer.json() if answer.content else None


@pytest.fixture
def life(stack: Stack) -> Iterator[Life]:
    made = Life(stack)
    yield made
    stack.session.delete(f"{stack.base_url}{ASSETS}{made.uid}/", timeout=35)


def program(stack: Stack, code: str, folder: Path, **variables: str) -> Any:
    """What a few lines with a client library print, which is JSON; ``BASE``, ``KEY`` and others are variables."""
    head = "import json, os\nBASE, KEY, UID = os.environ['BASE'], os.environ['KEY'], os.environ.get('UID')\n"
    done = subprocess.run(
        [CLIENTS_PYTHON, "-c", head + code],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "BASE": stack.base_url, "KEY": stack.api_key, **variables},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_pykobo(stack: Stack, life: Life, tmp_path: Path) -> None:
    code = """
import pykobo
manager = pykobo.Manager(url=BASE, api_version=2, token=KEY)
form = manager.get_form(UID)
form.fetch_data()
form.display(columns_as="label", choices_as="label")
manager.upload_media_from_server(UID, b"name,label\\na,A\\n", "list.csv")
manager.upload_media_from_server(UID, b"name,label\\nb,B\\n", "list.csv", rewrite=True)
form.fetch_media()
manager.redeploy_form(UID)
form.download_form("xls")
form.download_form("xml")
print(json.dumps({
    "metadata": form.metadata, "rows": len(form.data), "columns": list(form.data.columns),
    "members": form.repeats["member"].to_dict("records"), "regions": list(form.data["Region"]),
    "media": form.media[["filename", "mimetype", "hash"]].values.tolist(),
    "users": manager.fetch_users_with_access(UID),
}))
"""
    said = program(stack, code, tmp_path, UID=life.uid)
    assert (said["metadata"]["name"], said["metadata"]["num_submissions"]) == ("Household visit", 2)
    assert (said["metadata"]["geo"], said["metadata"]["has_deployment"]) == (True, True)
    assert (said["rows"], said["regions"]) == (2, ["North", "South"])
    assert [member["_parent_index"] for member in said["members"]] == [1, 1, 2, 2]
    assert {"How many people?", "_index"} <= set(said["columns"])
    ((filename, mimetype, digest),) = said["media"]
    assert (filename, mimetype, digest[:4]) == ("list.csv", "text/csv", "md5:")
    assert said["users"] == ["demo"]
    assert (tmp_path / f"{life.uid}.xls").read_bytes()[:2] == b"PK"
    assert (tmp_path / f"{life.uid}.xml").read_text("utf-8").startswith("<?xml")
    # The copy stands in the list, the archived project keeps its data, a deleted one is nobody's.
    copy = life.clone()
    life.archive()
    code = """
import pykobo
manager = pykobo.Manager(url=BASE, api_version=2, token=KEY)
forms = {form.metadata["uid"]: form for form in manager.get_forms()}
forms[UID].fetch_data()
counts = {uid: form.metadata["num_submissions"] for uid, form in forms.items()}
print(json.dumps(counts | {"rows": len(forms[UID].data)}))
"""
    said = program(stack, code, tmp_path, UID=life.uid)
    assert (said[life.uid], said[copy], said["rows"]) == (2, 0, 2)
    life.delete(copy)
    life.delete(life.uid)
    code = """
import pykobo
print(json.dumps([form.metadata["uid"] for form in pykobo.Manager(url=BASE, api_version=2, token=KEY).get_forms()]))
"""
    assert not {life.uid, copy} & set(program(stack, code, tmp_path))


def test_koboextractor(stack: Stack, life: Life, tmp_path: Path) -> None:
    code = """
from koboextractor import KoboExtractor
kobo = KoboExtractor(KEY, f"{BASE}/api/v2")
asset = kobo.get_asset(UID)
choices = kobo.get_choices(asset)
questions = kobo.get_questions(asset=asset, unpack_multiples=True)
data = kobo.get_data(UID)
south = kobo.get_data(UID, query='{"loc/region": "south"}', limit=30000)
later = kobo.get_data(UID, submitted_after="2020-05-14T14:36:20")
results = kobo.sort_results_by_time(data["results"])
labelled = kobo.label_result(results[0], choices, questions, unpack_multiples=True)
print(json.dumps({
    "listed": [one["uid"] for one in kobo.list_assets()["results"]], "region": choices["region"]["north"]["label"],
    "counts": [data["count"], south["count"], later["count"]],
    "answer": labelled["results"]["loc/region"]["answer_label"], "groups": list(questions["groups"]),
}))
"""
    said = program(stack, code, tmp_path, UID=life.uid)
    assert life.uid in said["listed"]
    assert (said["region"], said["answer"]) == ("North", "North")
    assert said["counts"] == [2, 1, 2]
    assert {"loc", "member"} <= set(said["groups"])


def test_msftoolbox(stack: Stack, life: Life, tmp_path: Path) -> None:
    code = """
from msftoolbox.kobo.data import KoboClient
client = KoboClient(f"{BASE}/api/v2/", KEY)
try:
    KoboClient(f"{BASE}/api/v2/", "0" * 40)
    refused = ""
except RuntimeError as error:
    refused = str(error)
uid = client.get_asset_uid("Household visit")
print(json.dumps({
    "uid": uid, "rows": len(client.get_asset_data(UID)), "refused": refused,
    "questions": {q["question_code"]: q["label"] for q in client.get_asset_metadata(UID)},
    "choices": [choice["name"] for choice in client.get_asset_choice_items(UID) if choice["list_name"] == "region"],
}))
"""
    said = program(stack, code, tmp_path, UID=life.uid)
    assert "Status: 401" in said["refused"]
    assert "Invalid token." in said["refused"]
    assert said["rows"] == 2
    assert said["questions"]["loc/region"] == ["Region", "Région"]
    assert said["choices"] == ["north", "south"]
    assert said["uid"] == life.uid


def test_kobodata(stack: Stack, life: Life, tmp_path: Path) -> None:
    """It speaks HTTPS alone, which the local stack leaves to others."""
    code = """
from kobodata import KoboData
host = os.environ["HOST"]
read = KoboData(host, UID, KEY)
print(json.dumps({"count": read.counts, "rows": len(read.get_data), "wrong": KoboData(host, UID, "0" * 40).kobo_data}))
"""
    with https_front(stack.port) as (port, certificate):
        more = {"HOST": f"127.0.0.1:{port}", "REQUESTS_CA_BUNDLE": certificate, "UID": life.uid}
        said = program(stack, code, tmp_path, **more)
    assert (said["count"], said["rows"]) == (2, 2)
    assert said["wrong"] == {"error": "Incorrect Authy Details"}
