"""The life of an audio, walked whole: in one process, and in five over servers as they are deployed."""

import csv
import io
import json
import re
from collections import Counter
from pathlib import Path

import pytest

from escolta_demo.harbor import write_harbor
from system.deployed_servers import deployed_servers
from system.deployments import Deployment, five_processes, one_process
from system.walk import ask_for_iterations, signed_in_team, until_embedded

AUDIOS = 36
BATCH = 8
ITERATIONS = 2
WAY = [
    ("escolta.node-agent", "recorded"),
    ("escolta.ingest", "granted the upload of N audios"),
    ("escolta.ingest", "cataloged N audios"),
    ("escolta.embedder", "embedded N audios"),
    ("escolta.al-engine", "proposed N audios"),
    ("escolta.label-gateway", "given out N audios"),
    ("escolta.label-gateway", "agreed on a class"),
    ("escolta.al-engine", "took up what groups agreed on, of N audios"),
]
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


async def test_the_life_of_an_audio_in_five_processes_as_they_are_deployed(
    recordings, tmp_path, servers_folder
):
    """Over TLS alone, each service under its own accounts at broker, catalog and store; the node has one."""
    async with (
        deployed_servers(servers_folder / "deployed") as servers,
        five_processes(tmp_path, servers, replay_dir=recordings, **NODE) as deployment,
    ):
        await walk(deployment, recordings)
        await followed_in_the_logs(deployment, tmp_path)


async def followed_in_the_logs(deployment: Deployment, folder: Path) -> None:
    """One search for an audio's id finds its way through all processes, in order."""
    [first, *_] = await deployment.get("al-engine", "/api/iterations")
    proposals = (await deployment.get("al-engine", f"/api/iterations/{first['iteration_id']}"))["proposals"]
    audio_id = next(entry["audio_id"] for entry in proposals if entry["label"])
    steps = steps_in_the_logs(folder, audio_id)
    assert sorted(WAY, key=steps.index) == WAY, steps
    assert any(message.startswith("labeled by one of") for _, message in steps)


def steps_in_the_logs(folder: Path, audio_id: str) -> list[tuple[str, str]]:
    """Who told what of the audio, in order; every number stands as N."""
    texts = [log.read_text("utf-8") for log in sorted(folder.glob("*.log"))]
    found = [json.loads(line) for text in texts for line in text.splitlines() if audio_id in line]
    found.sort(key=lambda line: line["at"])
    return [(line["logger"], re.sub(r"\d+", "N", line["message"])) for line in found]


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
