"""label-gateway at work with real sounds to label, and people in front of a real browser."""

import asyncio
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from uuid import UUID, uuid4

from at_work import AtWork
from browser.sounds import DURATION_S, Recording, tone
from playwright.async_api import Browser, BrowserContext, Page

from escolta.audit import INSTALLATION
from escolta.events import BatchProposed, audio_id_of
from label_gateway.ontology.classes import add_class
from label_gateway.people import labelers as people
from label_gateway.people.sign_in import new_link, sign_in_link

NODE = "quay-1"
START = datetime(2024, 5, 1, 10, tzinfo=UTC)
PATIENCE_MS = 240_000
"""How long a page may take where many others want the processor."""

DRAWN_SPAN = """(before) => {
  const span = document.querySelector(".spectrum").dataset.drawn?.split(" ").map(Number);
  return span && `${span}` !== `${before}` && span;
}"""


@dataclass
class GatewayInBrowser(AtWork):
    """label-gateway, its platform, and a browser to open its pages in."""

    browser: Browser
    contexts: list[BrowserContext] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    known: int = 0

    async def classes(self, *names: str) -> dict[str, int]:
        """Adds classes; their ids by name."""
        lead = await people.ensure_a_lead(self.on.catalog)
        for name in names:
            await add_class(self.on.catalog, name, lead.labeler_id)
        rows = await self.on.catalog.fetch("SELECT name, class_id FROM audio.ontology")
        return {row["name"]: row["class_id"] for row in rows}

    async def labeler(self, name: str, group: str) -> str:
        """The sign-in link of a new labeler in a group that is made if need be."""
        await people.ensure_a_lead(self.on.catalog)
        await people.add_group(self.on.catalog, group)
        added = await people.add_labeler(self.on.catalog, name, "labeler", group, INSTALLATION)
        return await new_link(self.on, added, INSTALLATION)

    async def propose(self, audios: int) -> UUID:
        """A batch of as many audios, each with a tone, as al-engine leaves it, in the hands of its group."""
        return await self.propose_recordings(*(tone(self.known + number) for number in range(audios)))

    async def propose_recordings(self, *recordings: Recording) -> UUID:
        """The same with these recordings, in this order."""
        await people.ensure_a_lead(self.on.catalog)
        iteration_id = uuid4()
        async with self.on.catalog.acquire() as db, db.transaction():
            await db.execute(
                "INSERT INTO al.al_preprocessing (iteration_id, status, nodes, window_start, window_end,"
                " batch, follow_ups, proposed_at) VALUES ($1, 'proposed', '{}', $2, $2, $3, 0, now())",
                iteration_id,
                START,
                len(recordings),
            )
            for rank, recording in enumerate(recordings):
                await self._propose_one(db, iteration_id, rank, recording)
                self.known += 1
        await self.on.bus.publish(BatchProposed(iteration_id=iteration_id, audios=len(recordings)))
        given = "SELECT count(*) >= $2 FROM label.assignments WHERE iteration_id = $1"
        await self.until(lambda: self.on.catalog.fetchval(given, iteration_id, len(recordings)))
        return iteration_id

    async def _propose_one(self, db, iteration_id: UUID, rank: int, recording: Recording) -> None:
        start = START + timedelta(seconds=10 * self.known)
        audio_id = audio_id_of(NODE, start)
        name = f"{start:%H%M%S}.{recording.suffix}"
        await self.on.objects.put(f"audio/{audio_id}.{recording.suffix}", recording.data)
        await db.execute(
            "INSERT INTO audio.audios (audio_id, start_utc, node_id, path_id, object_name, file_name,"
            " rate_hz, bits_per_sample, samples, duration_s, channels, sha256, clock_state)"
            " SELECT $1, $2, node_id, path_id, $3, $4, $5, 16, $6, $7, $8, $9, 'unknown'"
            " FROM audio.nodes, audio.paths",
            audio_id,
            start,
            f"{audio_id}.{recording.suffix}",
            name,
            recording.rate_hz,
            recording.samples,
            recording.duration_s,
            recording.channels,
            sha256(recording.data).digest(),
        )
        await db.execute(
            "INSERT INTO al.wavs_proposed (iteration_id, audio_id, start_utc, node, file_name, rank,"
            " disjoint_set) VALUES ($1, $2, $3, $4, $5, $6, 1)",
            iteration_id,
            audio_id,
            start,
            NODE,
            name,
            rank,
        )

    async def page(self, **options: object) -> Page:
        """A page of somebody who is not signed in, in a browser that knows nothing."""
        context = await self.browser.new_context(**options)  # type: ignore[arg-type]
        context.set_default_timeout(PATIENCE_MS)
        self.contexts.append(context)
        page = await context.new_page()
        page.on("pageerror", lambda error: self.faults.append(str(error)))
        page.on("console", lambda said: self.faults.append(said.text) if said.type == "error" else None)
        return page

    async def labeling_page(
        self, link: str | None = None, *, prepare: str = "", shows: str = "", **options: object
    ) -> "LabelingPage":
        """The labeling page of somebody who has just signed in, by default the lead.

        It has an audio, or `shows` these words. `prepare` is JavaScript that runs before the page's own.
        """
        page = await self.page(**options)
        await page.add_init_script(prepare)
        await page.goto(link or await sign_in_link(self.on, people.FIRST_LEAD))
        labeling = LabelingPage(page)
        await (labeling.shows(shows) if shows else labeling.is_ready())
        return labeling

    async def said(self) -> list[tuple[str, str, float, float]]:
        """What the catalog has been told: (file name, class, onset in s, offset in s), in order."""
        rows = await self.on.catalog.fetch(
            "SELECT a.file_name, o.name, c.onset_s, c.offset_s"
            " FROM audio.chunks c JOIN audio.ontology o USING (class_id) JOIN audio.audios a USING (audio_id)"
            " ORDER BY a.start_utc, c.onset_s, o.name"
        )
        return [tuple(row) for row in rows]

    async def submissions(self, number: int) -> None:
        """Waits until as many audios are submitted."""
        count = "SELECT count(*) = $1 FROM label.submissions"
        await self.until(lambda: self.on.catalog.fetchval(count, number))


@dataclass
class LabelingPage:
    """The labeling page, as a person uses it."""

    page: Page

    async def is_ready(self) -> None:
        await self.page.locator("#stage[aria-busy=false]").wait_for()

    async def drawn(self, *, after: tuple[float, float] | None = None) -> tuple[float, float]:
        """The span in view, in seconds, when its spectrogram is drawn; `after`: once it is another."""
        found = await self.page.wait_for_function(DRAWN_SPAN, arg=after)
        from_s, to_s = await found.json_value()
        return from_s, to_s

    async def comes_to(self, place: int) -> None:
        """Waits until the audio of that place is there to be heard."""
        await self.shows(f"Audio {place} of")
        await self.is_ready()

    async def press(self, *keys: str) -> None:
        for key in keys:
            await self.page.keyboard.press(key)

    async def hold_enter(self) -> None:
        """One Enter that repeats, until it is let go."""
        for _ in range(3):
            await self.page.keyboard.down("Enter")
        await self.page.keyboard.up("Enter")

    async def shows(self, text: str) -> None:
        """Waits until the page says `text` somewhere."""
        await self.page.get_by_text(text, exact=False).filter(visible=True).first.wait_for()

    async def plays_until(self, time_s: float) -> None:
        """Waits until the cursor has come so far by playing."""
        async with asyncio.timeout(PATIENCE_MS / 1000):
            while float((await self.page.locator("#time").inner_text()).split()[0]) < time_s:
                await asyncio.sleep(0.02)

    async def listen(self) -> None:
        """Plays a moment of the first audio and pauses, by keys."""
        await self.plays_until(0.05)
        await self.press("Space")

    async def drag(self, from_s: float, to_s: float, duration_s: float = DURATION_S) -> None:
        """Marks by hand, from one time to another."""
        await self.page.mouse.move(*await self.at(from_s, duration_s))
        await self.page.mouse.down()
        await self.page.mouse.move(*await self.at(to_s, duration_s), steps=4)
        await self.page.mouse.up()

    async def at(self, time_s: float, duration_s: float = DURATION_S) -> tuple[float, float]:
        """Where a time is on the screen, in pixels."""
        box = await self.page.locator("#wave").bounding_box()
        assert box
        return box["x"] + box["width"] * time_s / duration_s, box["y"] + box["height"] / 2

    async def put_cursor(self, time_s: float) -> None:
        """From the beginning by steps of half a second, 100 ms and 10 ms; with no mark selected."""
        await self.press("Escape", "Home")
        halves, rest = divmod(round(time_s * 100), 50)
        await self.press(*["."] * halves, *["Alt+ArrowRight"] * (rest // 10), *["ArrowRight"] * (rest % 10))

    async def marks(self) -> list[str]:
        """The list of marks, as it reads."""
        rows = await self.page.locator("#marks li").all_inner_texts()
        return [" ".join(row.split()) for row in rows]

    async def keeps_no(self, prefix: str) -> None:
        """Waits until the browser keeps nothing under such names: the server's answer may be on its way."""
        await self.page.wait_for_function(
            "prefix => !Object.keys(localStorage).some((name) => name.startsWith(prefix))", arg=prefix
        )

    async def stored(self, prefix: str) -> list[object]:
        """What the browser keeps under names that begin with `prefix`."""
        found = await self.page.evaluate("Object.entries(localStorage)")
        return [json.loads(value) for name, value in found if name.startswith(prefix)]
