"""The whole loop on one machine: all five services in this process, a node that plays a folder, and
people, or simulated labelers, who label. Part of the composition root, beside cli.py.
"""

import asyncio
import csv
import hashlib
import json
import os
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from io import StringIO
from pathlib import Path

import httpx

from escolta.clock import SystemClock
from escolta.errors import Misconfigured, Rejected
from escolta.runtime import find_services, running
from escolta.service import Platform, Service
from escolta.settings import Settings
from escolta.truth import Truth, read_truth
from escolta_demo.iterations import request_iterations
from escolta_demo.progress import Ask, Counts, Progress, counts
from escolta_demo.recordings import require_recordings
from escolta_demo.score import macro_f1

POLL_S = 0.5
NOTHING_PREDICTED = "all audios are labeled, or what is agreed on is all of one class"
PREDICTIONS_AT_ONCE = 10_000


@dataclass(frozen=True)
class Demo:
    """What the person at the terminal chose. No `audio`: the built-in harbor.

    No `iterations`: as many as there is sound for.
    """

    audio: Path | None
    truth: Path | None
    iterations: int | None
    batch: int
    headless: bool

    def check(self) -> None:
        """Raises `Misconfigured` for a choice that cannot work, before anything is started."""
        if self.audio and not self.audio.is_dir():
            raise Misconfigured(f"AUDIO={self.audio} is not a folder")
        if self.audio:
            require_recordings(self.audio)
        if self.truth and not self.truth.is_file():
            raise Misconfigured(f"TRUTH={self.truth} is not a file")
        if self.headless and self.audio and not self.truth:
            raise Misconfigured("HEADLESS=1 needs TRUTH=<csv>: simulated labelers answer from it")

    def is_done(self, now: Counts) -> bool:
        """Whether as many iterations as are wanted are closed, or nothing is left to propose."""
        return now.exhausted or (self.iterations is not None and now.closed >= self.iterations)

    def state_dir(self, under: Path) -> Path:
        """Where this demo's data lie: one folder for each folder of recordings."""
        if self.audio is None:
            return under / "demo" / "harbor"
        place = self.audio.resolve()
        name = re.sub(r"[^a-z0-9]+", "-", place.name.lower()).strip("-")
        return under / "demo" / f"{name}-{hashlib.sha256(os.fsencode(place)).hexdigest()[:8]}"


async def play(demo: Demo, settings: Settings, stop: asyncio.Event) -> None:
    """Run the demo until `stop`, or, headless, until the iterations are done.

    1. Make the harbor if there are no recordings.
    2. Start the services; the node begins to play.
    3. Show progress until everything is embedded.
    4. A person labels on the page until `stop`; or simulated labelers do, and the result is printed.
    """
    begun = SystemClock().now()
    audio, truth = await _recordings(demo, settings)
    for note in truth.notes if truth else ():
        print(note, file=sys.stderr, flush=True)
    settings = settings.model_copy(update={"replay_dir": audio, "nodes": settings.node_name})
    async with running(settings, find_services()) as (on, services), _client(on) as api:
        ask = partial(counts, api, on, begun)
        with Progress() as progress:
            if not await _until_embedded(ask, settings, progress, stop):
                return
            if truth is None or not demo.headless:
                await _offer_classes(api, truth)
                await _greet(services, progress)
                await request_iterations(api, demo.batch, demo.iterations)
                await _follow(ask, progress, lambda _: stop.is_set())
            else:
                await _label_by_simulation(api, on, demo, truth, ask, progress, stop)
        if truth and demo.headless and not stop.is_set():
            result = await _result(api, await ask(), truth)
            print(json.dumps(result | {"seconds": _seconds_since(begun)}), flush=True)


async def _recordings(demo: Demo, settings: Settings) -> tuple[Path, Truth | None]:
    """The folder to play, and what is known of the files in it, all of it checked."""
    folder = demo.audio.resolve() if demo.audio else await _harbor(settings)
    table = demo.truth or (None if demo.audio else folder / "truth.csv")
    return folder, await asyncio.to_thread(read_truth, table, folder=folder) if table else None


async def _harbor(settings: Settings) -> Path:
    from escolta_demo.harbor import write_harbor

    folder = settings.state_dir / "harbor"
    print("Making a harbor to listen to …", flush=True)
    await asyncio.to_thread(write_harbor, folder)
    return folder


def _client(on: Platform) -> httpx.AsyncClient:
    headers = {"authorization": f"Bearer {on.own_token}"}
    return httpx.AsyncClient(base_url=on.http_url, headers=headers, timeout=120, trust_env=False)


async def _until_embedded(ask: Ask, settings: Settings, progress: Progress, stop: asyncio.Event) -> bool:
    """True when the node has played everything and all of it is embedded; False when stopped before."""
    while not stop.is_set():
        now = await ask()
        progress.show(now)
        if now.source_done and now.spooled == 0 and now.waiting == 0:
            await asyncio.sleep(POLL_S)  # what the node left out comes beside its status
            _tell_of_the_source(await ask(), settings, progress)
            return True
        await asyncio.sleep(POLL_S)
    return False


def _tell_of_the_source(now: Counts, settings: Settings, progress: Progress) -> None:
    """Let it stand on the screen what came of the folder. Raises `Misconfigured` where nothing did."""
    if now.audios == 0:
        raise Misconfigured(f"no file in {settings.replay_dir} is a recording that can be used:{now.why()}")
    progress.say(now.line())
    progress.say(now.source)
    if now.reasons:
        more = now.refused + now.left_out + now.doubtful - len(now.reasons)
        progress.say(
            f"Left out, refused or doubtful:{now.why()}" + (f"\n  and {more} more" if more > 0 else "")
        )


async def _offer_classes(api: httpx.AsyncClient, truth: Truth | None) -> None:
    """Put the classes that are known beforehand on the page's keys; the labeler adds what else there is."""
    for name in truth.classes if truth else ():
        (await api.post("/api/classes", json={"name": name})).raise_for_status()


async def _greet(services: list[Service], progress: Progress) -> None:
    for service in services:
        if service.greeting:
            progress.say(await service.greeting())
    progress.say("Ctrl-C stops; the same command goes on with the same data.")


async def _label_by_simulation(
    api: httpx.AsyncClient,
    on: Platform,
    demo: Demo,
    truth: Truth,
    ask: Ask,
    progress: Progress,
    stop: asyncio.Event,
) -> None:
    """Simulated labelers, ordinary clients of the HTTP API, until the iterations are done or `stop`.

    The first batch is asked for once they are all signed in, so that it is shared among all their groups.
    """
    from escolta_demo.simulated_labelers import label_until

    ready, ended = asyncio.Event(), asyncio.Event()
    team = label_until(on.http_url, on.own_token, truth, answer_for=("lead",), stop=ended, ready=ready)
    labeling = asyncio.create_task(team)
    signing_in = asyncio.create_task(ready.wait())
    await asyncio.wait({labeling, signing_in}, return_when=asyncio.FIRST_COMPLETED)
    signing_in.cancel()
    if ready.is_set():
        await request_iterations(api, demo.batch, demo.iterations)
    at_last = await _follow(
        ask, progress, lambda now: demo.is_done(now) or now.failure or labeling.done() or stop.is_set()
    )
    ended.set()
    await labeling
    if at_last.failure and not demo.is_done(at_last):
        raise Rejected(f"the last iteration was given up: {at_last.failure}")


async def _follow(ask: Ask, progress: Progress, over: Callable[[Counts], object]) -> Counts:
    """Show progress until it is over; returns how far everything has come."""
    while True:
        now = await ask()
        progress.show(now)
        if over(now):
            return now
        await asyncio.sleep(POLL_S)


async def _result(api: httpx.AsyncClient, now: Counts, truth: Truth) -> dict[str, float | None]:
    """What the demo's last line says of how far it has come, and how good it has become."""
    predictions = await _predictions(api)
    labels = (await api.get("/api/dataset/labels.csv")).raise_for_status().text
    score = macro_f1(predictions, truth.category_of)
    if score is None:
        why = "what is not labeled has no truth" if predictions else NOTHING_PREDICTED
        print(f"There is no macro-F1: {why}.", file=sys.stderr, flush=True)
    return {
        "audios": now.audios,
        "embedded": now.embedded,
        "iterations": now.closed,
        "proposed": now.proposed,
        "labeled": now.labeled,
        "medoids": sum(bool(row["label"]) for row in csv.DictReader(StringIO(labels))),
        "macro_f1": None if score is None else round(score, 4),
    }


async def _predictions(api: httpx.AsyncClient) -> list[dict]:
    """Page after page, of everything that nobody has labeled."""
    found, address = [], f"/api/predictions?limit={PREDICTIONS_AT_ONCE}"
    while address:
        page = (await api.get(address)).raise_for_status()
        found += page.json()
        address = page.links.get("next", {}).get("url", "")
    return found


def _seconds_since(begun: datetime) -> float:
    return round((SystemClock().now() - begun).total_seconds(), 1)
