"""No alert without an action: each has a page, and each page an alert, with what to do."""

import json
import re
from itertools import pairwise
from pathlib import Path

import pytest
import yaml

from monitoring.queries import dashboards

ROOT = Path(__file__).parents[3]
PAGES = {path.stem: path for path in (ROOT / "docs/runbooks").glob("*.md")}
ALERTS = [
    rule
    for group in yaml.safe_load((ROOT / "deploy/monitoring/alerts.yml").read_text("utf-8"))["groups"]
    for rule in group["rules"]
    if "alert" in rule
]
DRAWN = {
    title
    for _, dashboard in dashboards()
    for title in re.findall(r'"(?:title|value)": "([^"]+)"', json.dumps(dashboard))
}
"""Dashboards, panels and columns."""
SHOWN = {"BAT", "Batches", "Iterations", "Nodes", "Quarantine"}
"""Pages of ours."""
ELSEWHERE = {"Certificates", "Restoring"}
"""Headings of other documents."""
PARTS = ("**What people feel.**", "**See what it is.**", "**Do.**", "**Over when**")


def test_every_page_is_of_an_alert_and_every_alert_has_a_page():
    named = {rule["annotations"]["runbook_url"] for rule in ALERTS}
    assert named == {f"docs/runbooks/{name}.md" for name in PAGES}
    assert len(named) == len({rule["alert"] for rule in ALERTS})


@pytest.mark.parametrize("rule", ALERTS, ids=lambda rule: rule["alert"])
def test_an_alert_says_how_urgent_it_is_and_its_page_what_to_do(rule):
    assert rule["labels"]["severity"] in ("critical", "warning")
    for said in ("summary", "description"):
        assert rule["annotations"][said].endswith(".")
    page = PAGES[Path(rule["annotations"]["runbook_url"]).stem].read_text("utf-8")
    assert page.startswith(f"# {rule['alert']}\n")
    places = [page.index(part) for part in PARTS]
    assert places == sorted(places)


def test_what_is_not_told_besides_another_is_an_alert_and_so_is_the_other():
    told = yaml.safe_load((ROOT / "deploy/monitoring/alertmanager.yml").read_text("utf-8"))["inhibit_rules"]
    named = re.findall(r"[A-Z]\w+", " ".join(str(rule) for rule in told))
    assert len(told) == 3
    assert set(named) <= {rule["alert"] for rule in ALERTS}


@pytest.mark.parametrize("rule", ALERTS, ids=lambda rule: rule["alert"])
def test_an_alert_is_tried_quiet_firing_and_over(rule):
    """What promtool runs has all three of each."""
    tries = [
        tried
        for path in (ROOT / "deploy/monitoring").glob("*_test.yml")
        for test in yaml.safe_load(path.read_text("utf-8"))["tests"]
        for tried in test["alert_rule_test"]
        if tried["alertname"] == rule["alert"]
    ]
    fires = [bool(tried.get("exp_alerts")) for tried in tries]
    assert (False, True) in pairwise(fires)
    assert (True, False) in pairwise(fires)


@pytest.mark.parametrize("page", PAGES.values(), ids=PAGES)
def test_what_a_page_sends_to_is_there(page):
    text = page.read_text("utf-8").replace("**", "")
    named = set(re.findall(r"\*(\w[^*`\n]*)\*", text))
    assert named <= DRAWN | SHOWN | ELSEWHERE
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))["services"]
    asked = re.findall(r"docker compose (?:exec|restart|run --rm|up --detach) ([\w-]+)", text)
    assert set(asked) <= {*services, "SERVICE", "--scale"}
