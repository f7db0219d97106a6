"""What a dashboard shows is described, in a unit, and asked for under a name that something tells."""

import json
import runpy
from pathlib import Path

import pytest

from monitoring.queries import dashboards, filled_in, metrics_in, metrics_told, queries_of

ROOT = Path(__file__).parents[3]
PANELS = [
    (name, panel)
    for name, dashboard in dashboards()
    for panel in dashboard["panels"]
    if panel["type"] != "row"
]


@pytest.mark.parametrize(("name", "panel"), PANELS, ids=lambda part: str(part)[:20])
def test_a_panel_says_what_it_shows_and_in_what(name, panel):
    assert panel["description"].endswith("."), panel["title"]
    units = [panel["fieldConfig"]["defaults"].get("unit")]
    for override in panel["fieldConfig"]["overrides"]:
        units += [one["value"] for one in override["properties"] if one["id"] == "unit"]
    assert any(units), panel["title"]
    assert panel["gridPos"]["x"] + panel["gridPos"]["w"] <= 24, panel["title"]
    assert list(queries_of(panel)), panel["title"]


def test_four_dashboards_know_one_another_and_ask_the_prometheus_that_is_chosen():
    found = dict(dashboards())
    assert set(found) == {"active-learning.json", "fleet.json", "labeling.json", "pipeline.json"}
    for dashboard in found.values():
        assert dashboard["tags"] == ["escolta"] == dashboard["links"][0]["tags"]
        assert "source" in [variable["name"] for variable in dashboard["templating"]["list"]]


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ('sum by (node) (rate(a_total{kind="b"}[5m])) / c_seconds_count', {"a_total", "c_seconds_count"}),
        ("time() - max by (what) (a_timestamp_seconds) > 2 * 86400", {"a_timestamp_seconds"}),
        ('absent(up{service="x"}) or on () b unless on (node) c == 1', {"up", "b", "c"}),
        (
            'label_replace(a, "disk", "$1", "mountpoint", "/volumes/(.+)") and job:rate < 0.5',
            {"a", "job:rate"},
        ),
    ],
)
def test_the_metrics_of_a_query_are_found(query, names):
    assert metrics_in(query) == names


def test_a_histogram_is_told_in_three_parts():
    assert metrics_told("# HELP a b\n# TYPE a histogram\n# TYPE c_total counter\n") == {
        "a_bucket",
        "a_sum",
        "a_count",
        "c_total",
    }


def test_a_query_is_filled_in_as_grafana_does():
    asked = 'rate(a{node=~"$node"}[$__rate_interval])'
    assert filled_in(asked) == 'rate(a{node=~".*"}[5m])'


def test_alertmanager_tells_whom_the_settings_name():
    with_receivers = runpy.run_path(str(ROOT / "deploy/monitoring/receivers.py"))["with_receivers"]
    settings = {
        "ESCOLTA_ALERTS_WEBHOOK": "https://example.org/alerts",
        "ESCOLTA_ALERTS_EMAIL": "harbor@example.org",
        "ESCOLTA_ALERTS_SMTP": "smtp://harbor%40example.org:secret@mail.example.org:25",
    }
    webhook, email = with_receivers("", settings).splitlines()
    assert "https://example.org/alerts" in webhook
    [sent] = json.loads(email.partition(":")[2])
    assert (sent["smarthost"], sent["auth_username"]) == ("mail.example.org:25", "harbor@example.org")
    assert with_receivers("as it is\n", {}) == "as it is\n"
    for wrong in ({"ESCOLTA_ALERTS_WEBHOOK": "example.org"}, {"ESCOLTA_ALERTS_EMAIL": "harbor@example.org"}):
        with pytest.raises(ValueError, match="ESCOLTA_ALERTS_"):
            with_receivers("", wrong)
