"""The life of an audio, walked whole: in one process, and as five processes over real servers."""

import csv
import io
from collections import Counter
from pathlib import Path

import pytest

from escolta_demo.harbor import write_harbor
from system.deployments import Deployment, Servers, five_processes, one_process
from system.walk import ask_for_iterations, signed_in_team, until_embedded

AUDIOS = 36
BATCH = 8
ITERATIONS = 2
NODE = {"node_name": "quay-1", "nodes": "quay-1"}


@pytest.fixture
def recordings(tmp_path: Path) -> Path:
    """A harbor, with one broken file among the recordings."""
    folder = tmp_path / "recordings"
    write_harbor(folder, audios=AUDIOS)
    (folder / "broken.wav").write_bytes(b"RIFF, but no sound")
    return folder


async def test_the_life_of_an_audio_in_one_process(recordings, tmp_path):
    async with one_process(tmp_path, replay_dir=recordings, **NODE) as deployment:
        await walk(deployment, recordings)


async def test_the_life_of_an_audio_in_five_processes(recordings, tmp_path, rabbit, catalog_url, s3_url):
    servers = Servers(rabbit.amqp_url, rabbit.mqtt_url, catalog_url, s3_url)
    async with five_processes(tmp_path, servers, replay_dir=recordings, **NODE) as deployment:
        await walk(deployment, recordings)


async def walk(deployment: Deployment, recordings: Path) -> None:
    """Recorded, cataloged, embedded, proposed, labeled, agreed on; then it teaches the next batch."""
    await until_embedded(deployment, AUDIOS)
    async with signed_in_team(deployment, recordings, ITERATIONS):
        await ask_for_iterations(deployment, BATCH, ITERATIONS)

    iterations = await deployment.get("al-engine", "/api/iterations")
    assert [entry["status"] for entry in iterations] == ["closed"] * ITERATIONS
    assert iterations[0]["medoids"] == 0
    assert iterations[1]["medoids"] > 0

    proposed = []
    for entry in iterations:
        proposed += (await deployment.get("al-engine", f"/api/iterations/{entry['iteration_id']}"))[
            "proposals"
        ]
    assert len(proposed) == ITERATIONS * BATCH
    assert len({entry["audio_id"] for entry in proposed}) == len(proposed)
    assert all(entry["labeled_at"] for entry in proposed)
    second = [entry for entry in proposed if entry["nearest_medoid"]]
    assert len(second) == BATCH

    labels = await _csv(deployment, "/api/dataset/labels.csv")
    chunks = await _csv(deployment, "/api/dataset/chunks.csv")
    agreed = {entry["file_name"]: entry["label"] for entry in proposed if entry["label"]}
    assert {row["file_name"]: row["label"] for row in labels} == agreed
    assert {row["file_name"] for row in chunks} == {entry["file_name"] for entry in proposed}
    people = Counter(labeler for _, labeler in {(row["file_name"], row["labeler"]) for row in chunks})
    assert len(people) == 5

    predictions = await deployment.get("al-engine", "/api/predictions")
    assert {entry["file_name"] for entry in predictions}.isdisjoint(row["file_name"] for row in labels)
    assert len(predictions) == AUDIOS - len(proposed)

    [broken] = await deployment.get("ingest", "/api/quarantine")
    assert "begins as none of those that are read" in broken["reason"]
    assert (broken["kind"], broken["file_name"], broken["node"]) == ("left_out", "broken.wav", "quay-1")


async def _csv(deployment: Deployment, path: str) -> list[dict[str, str]]:
    async with deployment.api("label-gateway") as client:
        answer = await client.get(path)
        return list(csv.DictReader(io.StringIO(answer.raise_for_status().text)))
