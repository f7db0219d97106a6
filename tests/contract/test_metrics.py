"""What every service tells Prometheus: by token alone, under names that follow its conventions."""

import re
import shutil
import subprocess
from pathlib import Path

import httpx
import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families
from pydantic import SecretStr

from escolta.app import make_app
from escolta.bus import open_bus
from escolta.clock import SystemClock
from escolta.metrics.process import Watched
from escolta.metrics_page import Described, described
from escolta.objects import open_objects
from escolta.runtime import find_services
from escolta.service import Platform
from escolta.settings import Settings
from servers.install import found_or_installed, missing

EXPOSED = Path(__file__).parents[2].joinpath("docs/metrics.prom").read_text("utf-8")
SERVICES = described()
ALL = {name: metric for metrics in SERVICES.values() for name, metric in metrics.items()}
OURS = {name: metric for name, metric in ALL.items() if name.startswith("escolta_")}
UNITS = ("_seconds", "_bytes", "_ratio", "_total")
COUNTED = ("_audios", "_messages", "_letters", "_connections", "_medoids")
WITHOUT_UNIT = re.compile(
    r"escolta_(\w+_info|iterations|labelers|labelers_without_work|batches_open|\w+_number)"
)
YES_OR_NO = ("escolta_node_source_done", "escolta_backup_last_good", "escolta_backup_log_followed")
BOUNDED = {
    *("component", "version", "method", "route", "status", "task", "folder", "state", "figures", "queue"),
    *(
        "server",
        "verdict",
        "topic",
        "node",
        "clock_state",
        "kind",
        "what",
        "stage",
        "outcome",
        "of",
        "model_id",
    ),
    "group",
}
"""Labels whose values are few: of nodes and groups as many as somebody has registered."""

OF_THE_SCRAPE = {"job", "instance", "service", "namespace", "pod", "container", "endpoint"}
"""What Prometheus and its operator say of whom they asked; `service` is ours in prometheus.yml, too."""


@pytest.fixture(params=sorted(SERVICES))
async def asked(request, tmp_path):
    """A service at its HTTP port; nothing that it stands on is there."""
    registry = CollectorRegistry()
    settings = Settings(
        secret=SecretStr("of this test alone"), metrics_token=SecretStr("of the scraper"), state_dir=tmp_path
    )
    bus, objects = open_bus("memory://", metrics=registry), open_objects(f"file://{tmp_path}")
    on = Platform(settings, bus, objects, SystemClock(), registry)
    [build] = find_services([request.param])
    service = build(on)
    Watched(on, [service])
    transport = httpx.ASGITransport(make_app(on, [service]))
    async with httpx.AsyncClient(transport=transport, base_url="http://escolta") as client:
        yield client


@pytest.mark.parametrize("token", ["", "of somebody else"])
async def test_metrics_are_not_for_anybody(asked, token):
    answer = await asked.get("/metrics", headers={"authorization": f"Bearer {token}"} if token else {})
    assert answer.status_code == 401
    assert "escolta_" not in answer.text


async def test_metrics_are_for_whoever_brings_the_token(asked):
    answer = await asked.get("/metrics", headers={"authorization": "Bearer of the scraper"})
    assert answer.status_code == 200
    told = {family.name for family in text_string_to_metric_families(answer.text)}
    assert {"escolta_build_info", "process_cpu_seconds", "escolta_disk_free_bytes"} <= told


@pytest.mark.parametrize("metric", OURS.values(), ids=OURS)
def test_a_name_ends_in_its_unit(metric: Described):
    assert (
        metric.name.endswith((*UNITS, *COUNTED))
        or WITHOUT_UNIT.fullmatch(metric.name)
        or metric.name in YES_OR_NO
    )
    assert metric.name.endswith("_total") == (metric.kind == "counter")


@pytest.mark.parametrize("metric", OURS.values(), ids=OURS)
def test_labels_have_few_values(metric: Described):
    assert set(metric.labels) <= BOUNDED


@pytest.mark.parametrize("metric", ALL.values(), ids=ALL)
def test_no_label_is_one_of_those_that_a_scrape_adds(metric: Described):
    """Prometheus would rename ours: exported_job."""
    assert not set(metric.labels) & OF_THE_SCRAPE


@pytest.mark.parametrize("metric", OURS.values(), ids=OURS)
def test_a_help_text_is_a_sentence_without_its_stop(metric: Described):
    assert re.fullmatch(r"[A-Z1].{10,}[^.]", metric.help)


def test_promtool_finds_nothing_to_say_of_them():
    program = found_or_installed(lambda: shutil.which("promtool"), "prometheus")
    if program is None:
        missing("promtool is absent: install prometheus")
    said = subprocess.run([program, "check", "metrics"], input=EXPOSED, capture_output=True, text=True)
    assert (said.returncode, said.stdout + said.stderr) == (0, "")


def test_what_tools_read_can_be_read_and_has_every_metric():
    read = {family.name for family in text_string_to_metric_families(EXPOSED)}
    assert read == {name.removesuffix("_total") for name in ALL}
