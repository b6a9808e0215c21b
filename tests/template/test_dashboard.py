"""The dashboard shows what there is: every queue and every function of the template."""

from __future__ import annotations

import json
import re
from typing import Any

from tests.support.template import properties, resources

BODY: str = properties("Dashboard")["DashboardBody"]["Fn::Sub"]
NAMED = set(re.findall(r"\$\{(\w+)", BODY))


def widgets() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(BODY)["widgets"]
    return found


def test_every_queue_and_function_is_shown() -> None:
    assert set(resources("AWS::SQS::Queue")) | set(resources("AWS::Serverless::Function")) <= NAMED


def test_every_metric_of_ours_is_shown() -> None:
    filters = resources("AWS::Logs::MetricFilter").values()
    made = {filter_["Properties"]["MetricTransformations"][0]["MetricName"] for filter_ in filters}
    shown = {name for name in made if re.search(rf'["\\]{name}["\\]', BODY)}
    assert shown == made


def test_nothing_is_shown_that_is_not_there() -> None:
    known = {"AWS", "HttpApi", "DataTable"}
    assert NAMED - known <= set(resources("AWS::SQS::Queue")) | set(resources("AWS::Serverless::Function"))


def test_no_two_widgets_lie_upon_each_other() -> None:
    places = [(widget["x"], widget["y"]) for widget in widgets()]
    assert len(set(places)) == len(places)
    assert all(widget["width"] == 12 and widget["height"] == 6 for widget in widgets())
    assert all(x % 12 == 0 and y % 6 == 0 for x, y in places)
