"""Milliseconds that a labeler waits for the labeling page, by real keys in a real Chromium.

    .venv/bin/python bench/label_page.py [--audio ../shared/data/esc10/audio] [--turns 50] [--json FILE]

label-gateway, PostgreSQL, the browser and the person run on this machine. The person gives the whole audio a
class (1) and submits (Enter), a second after the next audio has come: whoever listens to one has as long.

`sound`: from Enter to the event by which the browser says that the next audio plays. `spectrogram`: from
Enter until the spectrogram of that audio is on the canvas. `keys`: from the key of a class to the mark in the
list. `bare-audio`: from `play()` of an `<audio>` with a Blob of the same recording, in the same page, to that
event.
`network`: `local`, or `slow`: 300 ms of round trip and 1 Mbit/s, as the browser's developer tools emulate it.
`format`: recordings of a folder, as they are (left out without `--audio`), and WAV of 10 s at 44.1 kHz.
"""

import argparse
import asyncio
import json
import os
import sys
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from statistics import median, quantiles

for variable in [name for name in os.environ if name.startswith("ESCOLTA_")]:
    del os.environ[variable]  # what is set for a deployment must not reach this run

# The folder of a script comes first among those to import from, and there a file has a package's name.
HERE = Path(__file__).resolve().parent
sys.path[:] = [folder for folder in sys.path if Path(folder or ".").resolve() != HERE]
sys.path.append(str(HERE.parent / "tests"))

import numpy as np  # noqa: E402
import soundfile  # noqa: E402
from browser.at_work import GatewayInBrowser, LabelingPage  # noqa: E402
from browser.conftest import FLAGS, SOMEWHERE  # noqa: E402
from browser.sounds import Recording, recording  # noqa: E402
from playwright.async_api import Page, Request, async_playwright  # noqa: E402
from pydantic import SecretStr  # noqa: E402

from escolta.runtime import running  # noqa: E402
from escolta.settings import Settings  # noqa: E402
from label_gateway.people.labelers import FIRST_LEAD  # noqa: E402
from label_gateway.people.sign_in import sign_in_link  # noqa: E402
from label_gateway.service import build  # noqa: E402
from servers.chromium import browser_program  # noqa: E402

RATE_HZ, DURATION_S = 44_100, 10
AFTERWARDS_S = 1.0
NETWORKS = {
    "local": None,
    "slow": {"offline": False, "latency": 300, "downloadThroughput": 125_000, "uploadThroughput": 125_000},
}

# What happened when, in milliseconds of the page's clock.
WATCH = """
    window.times = {};
    document.addEventListener("keydown", (event) => {
      if (event.key === "Enter") window.times = { enter: event.timeStamp };
      if (event.key === "1") window.times.key = event.timeStamp;
    }, { capture: true });
    const play = HTMLMediaElement.prototype.play;
    HTMLMediaElement.prototype.play = function () {
      this.addEventListener("playing", () => (window.times.sound ??= performance.now()), { once: true });
      return play.call(this);
    };
    document.addEventListener("DOMContentLoaded", () => {
      const note = (name) => () => (window.times[name] ??= performance.now());
      const canvas = document.querySelector(".spectrum");
      const drawn = new MutationObserver(() => canvas.dataset.drawn && note("spectrogram")());
      drawn.observe(canvas, { attributeFilter: ["data-drawn"] });
      const marked = new MutationObserver(() => window.times.key && note("mark")());
      marked.observe(document.querySelector("#marks"), { childList: true, subtree: true });
    });
"""
BARE = """async (address) => {
    const blob = await (await fetch(address)).blob();
    const audio = new Audio(URL.createObjectURL(blob));
    await new Promise((ready) => (audio.oncanplaythrough = ready));
    const begun = performance.now();
    const playing = new Promise((sounds) => (audio.onplaying = () => sounds(performance.now() - begun)));
    await audio.play();
    const taken = await playing;
    audio.pause();
    return taken;
}"""
SCRIPT_KB = """
    performance.getEntriesByType("resource").filter(({ name }) => name.endsWith(".js"))
      .reduce((sum, { decodedBodySize }) => sum + decodedBodySize, 0) / 1000
"""
MARKED = "() => window.times.mark && window.times"
SHOWN = "() => window.times.sound && window.times.spectrogram && window.times"

Waits = dict[str, list[float]]


def made(number: int) -> list[Recording]:
    """So many WAV of noise, each another."""
    return [
        recording(0.1 * np.random.default_rng(seed).standard_normal(DURATION_S * RATE_HZ), RATE_HZ)
        for seed in range(number)
    ]


def of_folder(folder: Path, number: int) -> list[Recording]:
    """The first so many recordings of a folder, as they are."""
    found = []
    for path in sorted(path for path in folder.iterdir() if path.is_file())[:number]:
        of = soundfile.info(path)
        found.append(Recording(path.read_bytes(), path.suffix[1:], of.samplerate, of.frames, of.channels))
    return found


@asynccontextmanager
async def at_work(folder: Path) -> AsyncIterator[GatewayInBrowser]:
    """label-gateway with a browser before it."""
    settings = Settings(
        bus_url="memory://",
        catalog_url=f"embedded://{folder}/catalog",
        objects_url=f"file://{folder}/objects",
        state_dir=folder,
        secret=SecretStr("a secret of the bench alone"),
    )
    program = browser_program()
    assert program, "a browser is absent: `make test` installs one"
    async with async_playwright() as playwright, running(settings, [build]) as (on, _):
        await on.catalog.execute(SOMEWHERE)
        browser = await playwright.chromium.launch(executable_path=program, args=FLAGS.split())
        yield GatewayInBrowser(on, browser)
        await browser.close()


class Fetched:
    """How many recordings the browser has fetched."""

    def __init__(self, page: Page) -> None:
        self.audios = 0
        page.on("requestfinished", self._count)

    def _count(self, request: Request) -> None:
        self.audios += "/api/audio/" in request.url

    async def until(self, audios: int) -> None:
        while self.audios < audios:
            await asyncio.sleep(0.02)


async def transitions(gateway: GatewayInBrowser, recordings: Sequence[Recording], network: str) -> Waits:
    """Label them all, and what the person waited for on the way."""
    await gateway.propose_recordings(*recordings)
    labeling = LabelingPage(await gateway.page())
    fetched = Fetched(labeling.page)
    await labeling.page.add_init_script(WATCH)
    await labeling.page.goto(await sign_in_link(gateway.on, FIRST_LEAD))
    await labeling.is_ready()
    if NETWORKS[network]:
        tools = await labeling.page.context.new_cdp_session(labeling.page)
        await tools.send("Network.enable")
        await tools.send("Network.emulateNetworkConditions", NETWORKS[network])
    waits: Waits = {case: [] for case in ("sound", "spectrogram", "keys", "bare-audio")}
    for turn in range(len(recordings) - 1):
        await fetched.until(turn + 2)
        await asyncio.sleep(AFTERWARDS_S)
        await one_turn(labeling, waits)
    script_kb = await labeling.page.evaluate(SCRIPT_KB)
    print(f"{fetched.audios / len(recordings):.2f} fetches an audio, {script_kb:.0f} kB of JavaScript")
    await bare(labeling.page, len(recordings) - 1, waits)
    await labeling.press("1", "Enter")
    await labeling.shows("Nothing left to label")
    await labeling.page.context.close()
    return waits


async def one_turn(labeling: LabelingPage, waits: Waits) -> None:
    await labeling.press("1")
    times = await (await labeling.page.wait_for_function(MARKED)).json_value()
    waits["keys"].append(times["mark"] - times["key"])
    await labeling.press("Enter")
    times = await (await labeling.page.wait_for_function(SHOWN)).json_value()
    for case in ("sound", "spectrogram"):
        waits[case].append(times[case] - times["enter"])


async def bare(page: Page, turns: int, waits: Waits) -> None:
    """The same recording in an element without a page around it."""
    [address] = await page.evaluate(
        "fetch('/api/tasks').then((it) => it.json()).then((it) => [`/api/audio/${it[0].audio_id}`])"
    )
    for _ in range(turns):
        waits["bare-audio"].append(await page.evaluate(BARE, address))


async def measure(options: argparse.Namespace, folder: Path) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    async with at_work(folder) as gateway:
        await gateway.classes("Engine")
        formats = {"wav-44100": made(options.turns + 1)}
        if options.audio:
            formats = {options.audio.parent.name: of_folder(options.audio, options.turns + 1), **formats}
        for network in options.network or NETWORKS:
            for name, recordings in formats.items():
                waits = await transitions(gateway, recordings, network)
                for case, taken in waits.items():
                    row = {
                        "format": name,
                        "network": network,
                        "case": case,
                        "median_ms": round(median(taken), 1),
                        "p95_ms": round(quantiles(taken, n=20)[-1], 1),
                        "n": len(taken),
                    }
                    print(row, flush=True)
                    rows.append(row)
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--audio", type=Path, help="a folder of recordings")
    parser.add_argument("--turns", type=int, default=50)
    parser.add_argument("--network", choices=NETWORKS, action="append", help="one alone")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="escolta-bench-") as folder:
        rows = asyncio.run(measure(options, Path(folder)))
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
