"""An edge goes where a key sends it, and the moment around it is heard at every step."""

from dataclasses import dataclass

import numpy as np
import pytest
from browser.at_work import GatewayInBrowser, LabelingPage
from browser.sounds import RATE_HZ, click, recording

CLICK_S, DURATION_S = 1.234, 3.0
AROUND_S = 0.1

# What the page gives to the loudspeaker as samples.
LISTEN_IN = """
    window.heard = [];
    const start = AudioBufferSourceNode.prototype.start;
    AudioBufferSourceNode.prototype.start = function (...given) {
      const samples = [...this.buffer.getChannelData(0)];
      window.heard.push({ samples, rate_hz: this.buffer.sampleRate, speed: this.playbackRate.value, given });
      return start.apply(this, given);
    };
"""


@dataclass
class Heard:
    """One moment that was played: its samples, float64 `[samples]`."""

    samples: np.ndarray
    rate_hz: int
    speed: float

    @property
    def duration_s(self) -> float:
        return len(self.samples) / self.rate_hz

    @property
    def loudest_s(self) -> float:
        """When it is loudest, from its beginning."""
        return int(np.abs(self.samples).argmax()) / self.rate_hz


@pytest.fixture
async def labeling(gateway: GatewayInBrowser) -> LabelingPage:
    await gateway.classes("Engine")
    await gateway.propose_recordings(recording(click(CLICK_S, DURATION_S, RATE_HZ), RATE_HZ))
    labeling = await gateway.labeling_page(prepare=LISTEN_IN)
    await labeling.listen()
    return labeling


async def heard(labeling: LabelingPage) -> list[Heard]:
    """What was played around edges until now."""
    found = await labeling.page.evaluate("window.heard.splice(0)")
    assert all(moment["given"] == [] for moment in found)  # at once, and whole
    return [Heard(np.array(it["samples"]), it["rate_hz"], it["speed"]) for it in found]


async def test_an_edge_moves_by_10_ms_and_by_1_and_100_with_ctrl_and_alt(labeling: LabelingPage) -> None:
    await labeling.put_cursor(1)
    await labeling.press("i", ".", "o")
    for key, mark in {
        "ArrowRight": "1 1.01 – 1.50 s no class yet",
        "Control+ArrowLeft": "1 1.009 – 1.50 s no class yet",
        "Alt+ArrowRight": "1 1.109 – 1.50 s no class yet",
        "Shift+ArrowLeft": "1 1.109 – 1.49 s no class yet",
        "Control+Shift+ArrowRight": "1 1.109 – 1.491 s no class yet",
        "Alt+Shift+ArrowRight": "1 1.109 – 1.591 s no class yet",
    }.items():
        await labeling.press(key)
        assert await labeling.marks() == [mark], key
    assert await labeling.page.get_by_label("Onset").input_value() == "1.109"


async def test_an_edge_that_a_hand_has_moved_is_heard_where_it_lies(labeling: LabelingPage) -> None:
    await labeling.drag(0.5, 1.0, DURATION_S)
    assert await heard(labeling) == []
    await labeling.drag(1.0, CLICK_S, DURATION_S)
    [moment] = await heard(labeling)
    box = await labeling.page.locator("#wave").bounding_box()
    assert box
    assert moment.duration_s == pytest.approx(2 * AROUND_S, abs=0.001)
    assert moment.loudest_s == pytest.approx(AROUND_S, abs=2 * DURATION_S / box["width"])


async def test_at_every_step_the_200_ms_around_the_edge_are_heard(labeling: LabelingPage) -> None:
    await labeling.put_cursor(1.2)
    await labeling.press("i", ".", "o")
    onset_s = 1.2
    for key, way_s in [("ArrowRight", 0.01), ("Control+ArrowRight", 0.001), ("Alt+ArrowLeft", -0.1)]:
        await labeling.press(key, key)
        onset_s += 2 * way_s
        *_, moment = await heard(labeling)
        assert moment.rate_hz == RATE_HZ
        assert moment.duration_s == pytest.approx(2 * AROUND_S, abs=1 / RATE_HZ)
        if abs(onset_s - CLICK_S) < AROUND_S:
            assert moment.loudest_s == pytest.approx(CLICK_S - onset_s + AROUND_S, abs=0.001)
    await labeling.press("Shift+ArrowLeft")
    assert len(await heard(labeling)) == 1


async def test_the_edge_of_the_whole_audio_is_heard_on_one_side(labeling: LabelingPage) -> None:
    await labeling.press("w", "ArrowLeft")
    [moment] = await heard(labeling)
    assert moment.duration_s == pytest.approx(AROUND_S, abs=1 / RATE_HZ)


@pytest.mark.parametrize("speed", [0.25, 0.5, 1, 2])
async def test_an_edge_is_heard_at_the_speed_of_the_page(labeling: LabelingPage, speed: float) -> None:
    await labeling.page.get_by_label("Speed").select_option(str(speed))
    await labeling.put_cursor(1.2)
    await labeling.press("i", ".", "o", "ArrowRight")
    [moment] = await heard(labeling)
    assert moment.speed == speed
    assert moment.loudest_s == pytest.approx(CLICK_S - 1.21 + AROUND_S, abs=0.001)


async def test_what_plays_gives_way_to_an_edge_and_a_loop_goes_on(labeling: LabelingPage) -> None:
    await labeling.drag(1, 2, DURATION_S)
    playing = labeling.page.get_by_role("button", name="Pause Space")
    await labeling.press("Home", "Space")
    await playing.wait_for()
    await labeling.press("ArrowRight")
    await labeling.page.get_by_role("button", name="Play Space").wait_for()
    assert len(await heard(labeling)) == 1
    await labeling.press("l")
    await playing.wait_for()
    await labeling.press("ArrowRight")
    await labeling.shows("Mark 1: ")
    assert await playing.is_visible()
    assert await heard(labeling) == []


async def test_steps_that_follow_each_other_are_undone_at_once(labeling: LabelingPage) -> None:
    await labeling.put_cursor(1)
    await labeling.press("i", ".", "o", *["ArrowRight"] * 7, "Shift+ArrowLeft", "Shift+ArrowLeft")
    assert await labeling.marks() == ["1 1.07 – 1.48 s no class yet"]
    await labeling.press("Control+z")
    assert await labeling.marks() == ["1 1.07 – 1.50 s no class yet"]
    await labeling.press("Control+z")
    assert await labeling.marks() == ["1 1.00 – 1.50 s no class yet"]
    await labeling.press("Control+Shift+z", "ArrowRight", "Control+z")
    assert await labeling.marks() == ["1 1.07 – 1.50 s no class yet"]


async def test_without_a_mark_the_arrows_move_the_cursor_and_nothing_is_heard(labeling: LabelingPage) -> None:
    await labeling.press("Escape", "Home", "Alt+ArrowRight", "ArrowRight", "Control+ArrowRight")
    await labeling.shows("0.111 / 3.00 s")
    assert await heard(labeling) == []
