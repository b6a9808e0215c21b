"""``/api/v2/schema/`` and ``/api/v2/``: the API as it describes itself (contract accounts §5, §7)."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import openapi_schema_validator
import openapi_spec_validator
import pytest
import yaml

from formrelay.api import openrosa, submission
from formrelay.api.main import ROUTES
from formrelay.api.openapi import texts
from formrelay.api.openapi.document import SHAPES, document
from formrelay.api.openapi.openrosa import OPERATIONS
from formrelay.api.openapi.yaml import dump
from formrelay.api.router import Route
from tests.support.app import BASE, App
from tests.support.template import ROOT

DOCUMENT = json.loads(json.dumps(document(ROUTES, BASE)))


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if "$ref" in value:
            yield value["$ref"].removeprefix("#/components/schemas/")
        value = list(value.values())
    if isinstance(value, list):
        for inner in value:
            yield from references(inner)


def operations() -> Iterator[tuple[str, dict[str, Any]]]:
    for path, methods in DOCUMENT["paths"].items():
        for method, operation in methods.items():
            yield f"{method.upper()} {path}", operation


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.pattern}")
def test_every_route_says_what_it_does(route: Route) -> None:
    assert route.about.summary
    assert route.about.tag in texts.HEADINGS
    assert set(re.findall(r"{(\w+)}", route.pattern)) <= texts.PARAMETERS.keys()


def test_the_description_is_valid_openapi() -> None:
    openapi_spec_validator.validate(DOCUMENT)


def test_every_shape_is_there_and_used() -> None:
    assert set(references(DOCUMENT)) == set(SHAPES)


def test_operations_have_names_of_their_own() -> None:
    names = [operation["operationId"] for _, operation in operations()]
    assert len(set(names)) == len(names) == len(ROUTES) + len(OPERATIONS)


def test_examples_of_bodies_fit_their_shape() -> None:
    shapes = {"components": DOCUMENT["components"]}
    examples = [
        (content["schema"], content["example"])
        for _, operation in operations()
        for content in operation.get("requestBody", {}).get("content", {}).values()
        if "example" in content
    ]
    assert len(examples) > 10
    for schema, example in examples:
        openapi_schema_validator.validate(example, {**schema, **shapes})


def test_what_form_clients_call_is_described_as_it_is_dispatched() -> None:
    """Submissions, and every handler of form lists, at the root and under a user."""
    described = {route.pattern for route in OPERATIONS}
    assert all(submission.is_submission(path) or openrosa.is_openrosa(path) for path in described)
    for name, length in openrosa._LENGTHS.items():
        for prefix in ("", "/{username}"):
            assert [
                p
                for p in described
                if re.fullmatch(rf"{re.escape(prefix)}/{name}(/[^/]+){{{length - 1}}}", p)
            ]


@pytest.mark.parametrize("user", ["ann", None])
def test_anybody_gets_the_description_as_yaml_or_json(app: App, user: str | None) -> None:
    answer = app.get("/api/v2/schema/", user=user)
    assert (answer.status, answer.headers["content-type"]) == (200, "application/yaml")
    assert yaml.safe_load(answer.text) == DOCUMENT
    for path, query in (("/api/v2/schema/", "format=json"), ("/api/v2/schema.json", "")):
        answer = app.call("GET", path, user=user, query=query)
        assert (answer.status, answer.headers["content-type"]) == (200, "application/json")
        assert answer.json() == DOCUMENT


def test_a_program_that_accepts_json_gets_json(app: App) -> None:
    answer = app.call("GET", "/api/v2/schema", headers={"accept": "application/json"})
    assert answer.json()["openapi"] == "3.1.0"


def test_the_collections_are_named_with_their_urls(app: App) -> None:
    for path in ("/api/v2/", "/api/v2", "/api/v2.json"):
        answer = app.get(path, user=None)
        assert answer.status == 200
        assert answer.json()["assets"] == f"{BASE}/api/v2/assets/"
        assert answer.json()["schema"] == f"{BASE}/api/v2/schema/"


def test_every_collection_that_is_named_is_there(app: App) -> None:
    app.add_user("root", superuser=True)
    for url in app.get("/api/v2/").json().values():
        assert app.get(url.removeprefix(BASE), user="root").status == 200, url


def test_the_collections_refuse_a_wrong_key(app: App) -> None:
    """kobo-transfer tries its key with this call."""
    answer = app.call("GET", "/api/v2/", headers={"authorization": "Token " + "0" * 40})
    assert (answer.status, answer.json()) == (401, {"detail": "Invalid token."})


@pytest.mark.parametrize(
    "value",
    [
        {}, [], "", "yes", "No", "null", "1", "1e3", "~", "- a", "a: b", "a #b", "#", "{x", "é", "a\nb", " a", "a ",
        "0x1F", "12:30", "2026-01-01", "=", "@", "%", "&a", "*a", "!t", "|", ">", "'", '"', "\x85", "\u2028", "a:",
        [[1, [2.5, None]], {"a": [{"b": {}}]}], {"on": True, "200": [], "x y": False}, "😀", "/a/{b}/", ".inf", "_1",
    ],
)  # fmt: skip
def test_yaml_reads_back_as_it_was(value: Any) -> None:
    for wrapped in (value, {"key": value}, [value], {str(value): 1}):
        assert yaml.safe_load(dump(wrapped)) == wrapped


def test_the_description_is_imported_only_by_who_asks_for_it() -> None:
    code = "import sys; import functions.api.app; print(*(n for n in sys.modules if 'openapi' in n))"
    path = f"{ROOT}:{ROOT}/layers/formrelay/python"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env={"PYTHONPATH": path}
    )
    assert done.stdout.split() == []
