"""What its node withholds is given to nobody: no task, no sound, no label, no line of the data set."""

from dataclasses import dataclass
from uuid import UUID

import httpx
import pytest
from unit.label_gateway.at_work import GatewayAtWork

POLICY = "UPDATE audio.nodes SET speech_policy = $1, speech_threshold = $2"


@dataclass
class Batch:
    """A batch of three that a group of one hears: the first is labeled. Speech: 0.9, 0.5 and 0.1 by rank."""

    gateway: GatewayAtWork
    lead: httpx.AsyncClient
    ana: httpx.AsyncClient
    iteration_id: UUID
    audios: list[str]

    async def policy(self, policy: str, threshold: float = 0.3) -> None:
        await self.gateway.on.catalog.execute(POLICY, policy, threshold)

    async def submit(self, audio_id: str) -> httpx.Response:
        events = {"events": [{"class_id": 2, "onset_s": 0, "offset_s": 1}]}
        return await self.ana.put(f"/api/tasks/{self.iteration_id}/{audio_id}", json=events)

    async def tasks(self) -> list[str]:
        return [task["audio_id"] for task in (await self.ana.get("/api/tasks?limit=50")).json()]

    async def state(self) -> dict:
        [batch] = (await self.lead.get("/api/progress")).json()
        return batch


@pytest.fixture
async def batch(gateway: GatewayAtWork) -> Batch:
    lead = await gateway.lead()
    [ana] = await gateway.team(lead, "harbor", "ana")
    await gateway.class_named(lead, "gull")
    iteration_id = await gateway.propose(3)
    audios = [task["audio_id"] for task in await gateway.until_tasks(ana, 3)]
    await gateway.on.catalog.execute(
        "INSERT INTO audio.models (model_id, name, dim, class_names) VALUES ('m', 'm', 1, '{Speech}')"
    )
    await gateway.on.catalog.execute(
        "INSERT INTO audio.embeddings (audio_id, start_utc, model_id, vector, top_classes, top_probabilities,"
        " speech) SELECT audio_id, start_utc, 'm', '', '{0}', '{0}', 0.9 - 0.4 * rank FROM al.wavs_proposed"
    )
    batch = Batch(gateway, lead, ana, iteration_id, audios)
    assert (await batch.submit(audios[0])).status_code == 200
    return batch


async def test_no_task_no_sound_and_no_label_at_once(batch: Batch) -> None:
    await batch.policy("withhold")
    assert await batch.tasks() == batch.audios[2:]
    for audio_id, heard in zip(batch.audios, (False, False, True), strict=True):
        assert (await batch.ana.get(f"/api/audio/{audio_id}")).status_code == (200 if heard else 403)
        assert (await batch.lead.get(f"/api/audio/{audio_id}")).status_code == (200 if heard else 404)
    refused = await batch.submit(batch.audios[1])
    assert (refused.status_code, "may not be heard any longer" in refused.json()["detail"]) == (403, True)
    assert (await batch.submit(batch.audios[2])).status_code == 200


async def test_no_line_of_the_data_set(batch: Batch) -> None:
    for audio_id in batch.audios[1:]:
        await batch.submit(audio_id)
    await batch.policy("withhold")
    for name in ("labels.csv", "chunks.csv"):
        text = (await batch.lead.get(f"/api/dataset/{name}")).text
        assert [audio_id in text for audio_id in batch.audios] == [False, False, True], name


async def test_it_is_withdrawn_from_a_batch_that_is_out_and_the_lead_is_told(batch: Batch) -> None:
    await batch.policy("withhold")
    await batch.gateway.catch_up()
    state = await batch.state()
    assert (state["finished"], state["withheld"], state["waits_for"][0]["audios"]) == (1, 1, 1)
    await batch.submit(batch.audios[2])
    assert (await batch.state())["closed"]  # nobody is waited for


async def test_it_is_given_out_again_when_it_may_be_heard_again(batch: Batch) -> None:
    await batch.policy("withhold")
    await batch.gateway.catch_up()
    assert (await batch.state())["groups"][0]["audios"] == 2
    await batch.policy("keep")
    await batch.gateway.catch_up()
    assert await batch.tasks() == batch.audios[1:]
    assert (await batch.state())["withheld"] == 0


async def test_a_batch_of_which_nothing_may_be_heard_waits_for_nobody(batch: Batch) -> None:
    await batch.gateway.propose(2, tell=False)
    await batch.policy("stay")
    await batch.gateway.catch_up()
    assert [it["closed"] for it in (await batch.lead.get("/api/progress")).json()] == [True, True]


@pytest.mark.parametrize(
    ("policy", "speech", "heard"),
    [
        ("keep", 1.0, True),
        ("keep", None, True),
        ("withhold", 0.29, True),
        ("withhold", 0.31, False),
        ("withhold", None, False),
        ("stay", 0.0, False),
        ("a word of a later version", 0.0, False),
    ],
)
async def test_unknown_counts_as_speech_and_nothing_of_what_stays_is_heard(
    batch: Batch, policy: str, speech: float | None, heard: bool
) -> None:
    await batch.policy(policy)
    await batch.gateway.on.catalog.execute("UPDATE audio.embeddings SET speech = $1", speech)
    assert await batch.tasks() == (batch.audios[1:] if heard else [])


async def test_of_two_models_the_one_that_hears_most_speech_decides(batch: Batch) -> None:
    await batch.policy("withhold")
    await batch.gateway.on.catalog.execute(
        "INSERT INTO audio.models (model_id, name, dim, class_names) VALUES ('n', 'n', 1, '{Speech}'),"
        " ('none', 'none', 1, '{}')"
    )
    await batch.gateway.on.catalog.execute(
        "INSERT INTO audio.embeddings (audio_id, start_utc, model_id, vector, top_classes, top_probabilities,"
        " speech) SELECT audio_id, start_utc, n, '', '{0}', '{0}', s FROM al.wavs_proposed,"
        " (VALUES ('n', 0.0), ('none', NULL)) AS models (n, s)"
    )
    assert await batch.tasks() == batch.audios[2:]
