"""Nodes that speak with ingest as real ones do, for `bench/load.py`, which starts it as a process.

Each tells of an audio, uploads it when that is granted, tells again, and forgets it when it is accepted. It
has `WINDOW` audios under way at most, and tells again of one that has had no answer for a minute. A plan
comes in by the standard input, and what came of it goes out by the standard output, as JSON.
"""

import asyncio
import hashlib
import json
import random
import ssl
import sys
import time
from collections import deque
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

sys.path[0] = str(Path(__file__).resolve().parents[1])  # in its own folder a file has a package's name

from bench.load_wire import Mqtt, Store  # noqa: E402
from escolta.bus.address import address_of, client_id_of  # noqa: E402
from escolta.events import audio_id_of  # noqa: E402
from node_agent.asking import ANSWER_WITHIN, WINDOW  # noqa: E402

RATE_HZ = 16_000
HEADER = 44
PATIENCE_S = 120.0
"""How long the last answers are waited for."""
CONNECTIONS = 16
LOOK_S = 1.0
WARM_UP_S, WARM_UP_RATE = 5.0, 50.0
"""Before anything is counted: the store makes its first volumes, and ingest its connections."""


class Audio:
    """One audio on its way; `due` is when it was to be told of."""

    __slots__ = ("audio_id", "content", "due", "event", "told_at")

    def __init__(self, event: dict[str, Any], content: bytes, due: float) -> None:
        self.audio_id: str = event["audio_id"]
        self.event, self.content, self.due = event, content, due
        self.told_at = 0.0


class Node:
    """One node. `waits` are its audios from when they were due until they are accepted."""

    def __init__(self, name: str, url: str, load: "Load") -> None:
        self._name, self._load = name, load
        address = address_of(url, port=1883, tls_port=8883)
        self.tls, self.where = address.tls, (address.host, address.port)
        topics = [
            f"{what}/{name}" for what in ("audio/accepted", "upload/granted", "audio/held", "audio/refused")
        ]
        self.mqtt = Mqtt(address, client_id_of(name, address.password), topics, self._heard)
        self._under_way: dict[str, Audio] = {}
        self._waiting: deque[Audio] = deque()

    def record(self, due: float) -> None:
        """An audio is there: tell of it, or let it wait until others are through."""
        self._waiting.append(self._audio(due))
        self._go_on()

    def look(self, now: float) -> None:
        """Tell again of what had no answer."""
        for audio in self._under_way.values():
            if now > audio.told_at + ANSWER_WITHIN.total_seconds():
                self._tell(audio)
                self._load.told_again += 1

    def _go_on(self) -> None:
        while self._waiting and len(self._under_way) < WINDOW:
            audio = self._waiting.popleft()
            self._under_way[audio.audio_id] = audio
            self._tell(audio)

    def _tell(self, audio: Audio) -> None:
        audio.told_at = time.monotonic()
        self.mqtt.publish(f"audio/recorded/{self._name}", json.dumps(audio.event).encode())

    def _audio(self, due: float) -> Audio:
        start = datetime.now(UTC)
        audio_id = str(audio_id_of(self._name, start))
        content = self._load.content()
        event = {
            "audio_id": audio_id,
            "node": self._name,
            "start": start.isoformat(),
            "samples": (len(content) - HEADER) // 2,
            "rate_hz": RATE_HZ,
            "channels": 1,
            "bits_per_sample": 16,
            "object_key": f"audio/{self._name}/{start:%Y/%m/%d}/{audio_id}.wav",
            "sha256": hashlib.sha256(content).hexdigest(),
            "size_bytes": len(content),
            "file_name": f"harbor-{audio_id[:8]}.wav",
            "clock_state": "synchronized",
            "stored": False,
        }
        return Audio(event, content, due)

    def _heard(self, topic: str, body: bytes) -> None:
        answer = json.loads(body)
        if topic.startswith("audio/accepted"):
            if audio := self._under_way.pop(answer["audio_id"], None):
                self._load.accepted(audio)
            self._go_on()
        elif audio := self._under_way.get(answer["audio_id"]):
            if topic.startswith("upload/granted"):
                self._load.store.put(
                    answer["url"],
                    answer["headers"],
                    audio.content,
                    lambda status: self._stored(audio, status),
                )
            else:
                self._load.refused.append(answer["reason"])

    def _stored(self, audio: Audio, status: int) -> None:
        if status in (200, 412):
            audio.event["stored"] = True
            self._tell(audio)
        else:
            self._load.failed += 1  # it is told of again in a minute


class Load:
    """The nodes of this process, and what came of their audios."""

    def __init__(self, plan: dict[str, Any]) -> None:
        self._plan = plan
        self.store = Store()
        self._nodes = [Node(name, url, self) for name, url in plan["nodes"].items()]
        self._sound = _sound(plan["object_bytes"])
        self._numbers = int(plan["first"])
        self._sent = 0
        self._ends_at = float("inf")
        self._last = 0.0
        self._latencies: list[float] = []
        self._in_time = self.told_again = self.failed = 0
        self.refused: list[str] = []

    def content(self) -> bytes:
        """A sound that no other audio of the run has."""
        self._numbers += 1
        return self._sound[:HEADER] + self._numbers.to_bytes(8, "little") + self._sound[HEADER + 8 :]

    def accepted(self, audio: Audio) -> None:
        self._last = time.monotonic()
        self._latencies.append(self._last - audio.due)
        self._in_time += self._last <= self._ends_at

    async def run(self) -> dict[str, Any]:
        """Connect, wait for the word to begin, keep to the schedule, and wait for the answers."""
        loop = asyncio.get_running_loop()
        for node in self._nodes:
            await loop.create_connection(
                lambda node=node: node.mqtt, *node.where, ssl=_trusted() if node.tls else None
            )
            await node.mqtt.listening
        url = self._plan["store"]
        await self.store.connect(url, CONNECTIONS, _trusted() if url.startswith("https") else None)
        await self._play(WARM_UP_S, min(self._plan["rate"], WARM_UP_RATE))
        print(json.dumps("ready"), flush=True)
        await asyncio.to_thread(sys.stdin.readline)
        self._sent, self._in_time, self._latencies = 0, 0, []
        cpu_s = time.process_time()
        begun = await self._play(self._plan["seconds"], self._plan["rate"])
        return {
            "sent": self._sent,
            "latencies": self._latencies,
            "in_time": self._in_time,
            "seconds": self._last - begun,
            "told_again": self.told_again,
            "failed": self.failed,
            "refused": self.refused[:3],
            "cpu_s": time.process_time() - cpu_s,
        }

    async def _play(self, seconds: float, rate: float) -> float:
        """One audio after the other, the nodes in turns, each when it is due, and then the last answers.

        Returns the moment of the first.
        """
        begun, looked_at = time.monotonic(), 0.0
        self._ends_at = begun + seconds
        while (now := time.monotonic()) < self._ends_at:
            while (due := begun + self._sent / rate) <= now:
                self._nodes[self._sent % len(self._nodes)].record(due)
                self._sent += 1
            if now > looked_at + LOOK_S:
                self._look()
                looked_at = now
            await asyncio.sleep(max(0.005, due - now))
        while len(self._latencies) < self._sent and time.monotonic() < self._ends_at + PATIENCE_S:
            await asyncio.sleep(0.1)
            self._look()
        return begun

    def _look(self) -> None:
        now = time.monotonic()
        for node in self._nodes:
            node.look(now)


def _trusted() -> ssl.SSLContext:
    return ssl.create_default_context()  # SSL_CERT_FILE names the authority


def _sound(size: int) -> bytes:
    """A WAV of so many bytes, one channel of 16 bits."""
    data = size - HEADER
    head = b"RIFF" + (size - 8).to_bytes(4, "little") + b"WAVEfmt " + (16).to_bytes(4, "little")
    shape = (1, 2), (1, 2), (RATE_HZ, 4), (2 * RATE_HZ, 4), (2, 2), (16, 2)
    head += b"".join(value.to_bytes(width, "little") for value, width in shape)
    return head + b"data" + data.to_bytes(4, "little") + random.Random(0).randbytes(data)


def main() -> None:
    plan = json.loads(sys.stdin.readline())
    print(json.dumps(asyncio.run(_run(plan))), flush=True)


async def _run(plan: dict[str, Any]) -> dict[str, Any]:
    return await Load(plan).run()


if __name__ == "__main__":
    main()
