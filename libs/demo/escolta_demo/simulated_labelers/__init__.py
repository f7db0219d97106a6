"""Labelers who know the truth and are sometimes wrong, for measuring the loop and for tests.

Ordinary clients of the HTTP API: whatever they do, people could do with a browser.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from escolta.truth import Sound, Truth
from escolta_demo.simulated_labelers.client import Client, open_client
from escolta_demo.simulated_labelers.habits import DOUBT, Habits
from escolta_demo.simulated_labelers.strangers import Strangers
from escolta_demo.simulated_labelers.team import session_token, set_up

__all__ = ["Habits", "Strangers", "label_until", "session_token"]

TASKS_AT_ONCE = 10
PAUSES_S = (0.1, 2.0)
"""How long somebody with nothing to do waits before asking again: at first, and in the end."""


async def label_until(
    base_url: str,
    lead_token: str,
    truth: Truth,
    *,
    groups: Sequence[int] = (3, 2),
    habits: Habits | None = None,
    answer_for: Sequence[str] = (),
    iterations: int | None = None,
    stop: asyncio.Event | None = None,
    ready: asyncio.Event | None = None,
    strangers: Strangers | None = None,
) -> int:
    """Label in groups of that many people until `iterations` batches are closed in all, or `stop` is set.

    `lead_token` is a lead's session token (`session_token` gets one for a sign-in link). `answer_for`: people
    who are in a group already and are to be simulated as well. `ready` is set once everybody is signed in: a
    batch that is proposed later is shared among all groups. `strangers` gathers what the truth does not know.
    Returns how many batches are closed.
    Raises `Misconfigured` where somebody else is in a group or all audios are strangers, `Transient` when the
    gateway stays away.
    """
    answers = Answers(truth, habits or Habits(), strangers or Strangers())
    async with open_client(base_url, lead_token) as lead:
        team = await set_up(lead, groups, answer_for)
        if ready:
            ready.set()
        tasks = [
            asyncio.create_task((stop or asyncio.Event()).wait()),
            asyncio.create_task(_until_closed(lead, iterations)),
            *(asyncio.create_task(_work(who, name, answers)) for name, who in team.items()),
        ]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        return await _closed(lead)


async def _until_closed(lead: Client, iterations: int | None) -> None:
    pause_s = PAUSES_S[0]
    while iterations is None or await _closed(lead) < iterations:
        await asyncio.sleep(pause_s)
        pause_s = min(1.5 * pause_s, PAUSES_S[1])


async def _closed(lead: Client) -> int:
    return sum(batch["closed"] for batch in await lead.json("/api/progress"))


@dataclass(frozen=True)
class Answers:
    """What everybody answers from."""

    truth: Truth
    habits: Habits
    strangers: Strangers

    def of(self, labeler: str, file_name: str, duration_s: float) -> Sequence[Sound]:
        """What a labeler says of an audio."""
        self.strangers.meet(file_name, self.truth)
        heard = self.truth.heard_in(file_name, duration_s)
        return self.habits.answer(labeler, file_name, heard, self.truth.classes)


async def _work(client: Client, name: str, answers: Answers) -> None:
    """Label whatever comes, for ever; ask less and less often while nothing does."""
    class_ids: dict[str, int] = {}
    pause_s = PAUSES_S[0]
    while True:
        tasks = await client.json(f"/api/tasks?limit={TASKS_AT_ONCE}")
        for task in tasks:
            await _label(client, name, task, answers, class_ids)
        pause_s = PAUSES_S[0] if tasks else min(1.5 * pause_s, PAUSES_S[1])
        if not tasks:
            await asyncio.sleep(pause_s)


async def _label(client: Client, name: str, task: dict, answers: Answers, class_ids: dict[str, int]) -> None:
    """Listen to an audio, as a person would, and say what is in it."""
    await client.ask("GET", f"/api/audio/{task['audio_id']}")
    events = [
        {
            "class_id": await _class_id(client, sound.category, class_ids),
            "onset_s": sound.onset_s,
            "offset_s": sound.offset_s,
        }
        for sound in answers.of(name, task["file_name"], task["duration_s"])
    ]
    # 409: everybody else was done with it, and it is settled.
    await client.ask(
        "PUT", f"/api/tasks/{task['iteration_id']}/{task['audio_id']}", {"events": events}, but=[409]
    )


async def _class_id(client: Client, category: str, class_ids: dict[str, int]) -> int:
    """The id of a class; one that the ontology lacks is added to it."""
    if not class_ids:
        for known in await client.json("/api/classes"):
            class_ids[DOUBT if known["is_doubt"] else known["name"]] = known["class_id"]
    if category not in class_ids:
        added = await client.ask("POST", "/api/classes", {"name": category})
        class_ids[category] = added.json()["class_id"]
    return class_ids[category]
