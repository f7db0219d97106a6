"""A part of the audio fills the page: what is drawn is heard, and marks lie where they were."""

import numpy as np
import pytest
from browser.at_work import GatewayInBrowser, LabelingPage
from browser.sounds import DURATION_S, RATE_HZ, click, recording
from browser.test_times import DRAWN, LISTEN_IN

NEAR_S = 0.002
WHOLE = (0.0, DURATION_S)
SPEEDS = ["0.25", "0.5", "0.75", "1", "1.5", "2"]

# How dark the spectrogram is from one part of its width to another, 0 to 1.
INK = """([from, to]) => {
  const canvas = document.querySelector("canvas.spectrum");
  const { width, height } = canvas;
  const x = Math.ceil(from * width);
  const { data } = canvas.getContext("2d").getImageData(x, 0, Math.floor(to * width) - x, height);
  let ink = 0;
  for (let i = 0; i < data.length; i += 4) ink += 765 - data[i] - data[i + 1] - data[i + 2];
  return ink / (765 * data.length / 4);
}"""


@pytest.fixture
async def labeling(gateway: GatewayInBrowser) -> LabelingPage:
    await gateway.classes("Engine")
    await gateway.propose(1)
    labeling = await gateway.labeling_page()
    await labeling.listen()
    assert await labeling.drawn() == WHOLE
    return labeling


async def wheel(labeling: LabelingPage, part: float, turned_px: float) -> tuple[float, float]:
    """Turns the wheel over a part of the plot's width; the span that is in view then."""
    before = await labeling.drawn()
    box = await labeling.page.locator("#wave").bounding_box()
    assert box
    await labeling.page.mouse.move(box["x"] + part * box["width"], box["y"] + box["height"] / 2)
    await labeling.page.mouse.wheel(0, turned_px)
    return await labeling.drawn(after=before)


async def pressed(labeling: LabelingPage, key: str) -> tuple[float, float]:
    """The span that is in view after a key."""
    before = await labeling.drawn()
    await labeling.press(key)
    return await labeling.drawn(after=before)


async def test_what_is_drawn_is_heard_and_saved_at_its_time_at_every_zoom_and_speed(
    gateway: GatewayInBrowser,
) -> None:
    true_s, duration_s, rate_hz = 0.787, 1.6, 48_000
    samples = click(true_s, duration_s, rate_hz)
    loudest_s = int(np.abs(samples).argmax()) / rate_hz
    await gateway.classes("Click")
    await gateway.propose_recordings(recording(samples, rate_hz))
    labeling = await gateway.labeling_page(prepare=LISTEN_IN)
    await labeling.listen()
    page = labeling.page
    span = await labeling.drawn()
    for turned_px in (0, -300, -450, -600, -2000):
        if turned_px:
            span = await wheel(labeling, (loudest_s - span[0]) / (span[1] - span[0]), turned_px)
        for part in await page.evaluate(DRAWN):
            assert span[0] + part * (span[1] - span[0]) == pytest.approx(loudest_s, abs=NEAR_S), span
        box = await page.locator("#wave").bounding_box()
        assert box
        for speed in SPEEDS:
            await page.get_by_label("Speed").select_option(speed)
            await page.mouse.click(box["x"] + part * box["width"], box["y"] + box["height"] - 20)
            assert await page.evaluate("window.player.playbackRate") == float(speed)
            assert await page.evaluate("window.player.currentTime") == pytest.approx(loudest_s, abs=NEAR_S)
            await labeling.press("i", "1")
            assert await labeling.drawn() == span
    assert span[1] - span[0] == pytest.approx(0.05)
    await labeling.press("Enter")
    await gateway.submissions(1)
    onsets_s = [onset_s for _, _, onset_s, _ in await gateway.said()]
    assert onsets_s == pytest.approx([loudest_s] * len(onsets_s), abs=NEAR_S)


async def test_the_wheel_zooms_around_what_is_under_it_and_with_shift_it_scrolls(
    labeling: LabelingPage,
) -> None:
    assert await wheel(labeling, 0.25, -300) == pytest.approx((0.5, 2.5), abs=0.01)
    assert await wheel(labeling, 0.999, -300) == pytest.approx((1.5, 2.5), abs=0.01)
    width = await labeling.page.locator("#wave").evaluate("plot => plot.clientWidth")
    await labeling.page.keyboard.down("Shift")
    assert await wheel(labeling, 0.5, width / 2) == pytest.approx((2, 3), abs=0.01)
    assert await wheel(labeling, 0.5, 10 * width) == pytest.approx((3, 4))  # it stops at the end
    await labeling.page.keyboard.up("Shift")
    assert await wheel(labeling, 0.5, 3000) == WHOLE


async def test_keys_zoom_around_the_cursor_scroll_and_fit_a_mark(labeling: LabelingPage) -> None:
    await labeling.put_cursor(1)
    assert await pressed(labeling, "z") == pytest.approx((0.5, 2.5))
    assert await pressed(labeling, "PageDown") == pytest.approx((2, 4))
    assert await pressed(labeling, "PageUp") == pytest.approx((0.4, 2.4))
    assert await pressed(labeling, "x") == WHOLE
    await labeling.press("i", ".", ".", "o")
    assert await pressed(labeling, "v") == pytest.approx((0.85, 2.15))
    assert await pressed(labeling, "v") == WHOLE
    await labeling.shows("In view: the whole audio.")


async def test_buttons_and_a_bar_do_what_keys_do(labeling: LabelingPage) -> None:
    bar = labeling.page.get_by_label("Span in view")
    assert await bar.is_disabled()
    await labeling.put_cursor(0)
    span = WHOLE
    for name, wanted in {"Zoom in Z": (0, 2), "Out X": WHOLE}.items():
        await labeling.page.get_by_role("button", name=name, exact=True).click()
        span = await labeling.drawn(after=span)
        assert span == wanted
    span = await pressed(labeling, "z")
    await bar.fill("1.5")
    span = await labeling.drawn(after=span)
    assert span == (1.5, 3.5)
    await labeling.page.get_by_role("button", name="Fit V").click()
    assert await labeling.drawn(after=span) == WHOLE


async def test_a_mark_is_drawn_and_moved_in_a_span_as_in_the_whole(labeling: LabelingPage) -> None:
    await labeling.put_cursor(2)
    span = await pressed(labeling, "z")
    assert span == pytest.approx((1, 3))
    await labeling.drag(0.5, 1.5, 2)  # of the two seconds in view
    [mark] = await labeling.marks()
    onset_s, offset_s = float(mark.split()[1]), float(mark.split()[3])
    assert (onset_s, offset_s) == pytest.approx((1.5, 2.5), abs=0.005)
    await labeling.drag(offset_s - 1, 1.9, 2)
    [mark] = await labeling.marks()
    assert float(mark.split()[3]) == pytest.approx(2.9, abs=0.005)
    await labeling.press("1")
    await pressed(labeling, "PageDown")
    drawn = await labeling.page.locator("#drawn-marks span").bounding_box()
    plot = await labeling.page.locator("#wave").bounding_box()
    assert drawn
    assert plot
    assert drawn["x"] == pytest.approx(plot["x"], abs=3)  # what began before has its name at the beginning
    await labeling.put_cursor(3.5)
    await pressed(labeling, "z")
    await pressed(labeling, "z")
    assert await labeling.page.locator("#drawn-marks .mark").count() == 0


async def test_the_view_goes_on_with_what_plays_and_comes_to_what_is_moved(labeling: LabelingPage) -> None:
    await labeling.press("Home", "i", ".", ".", ".", "o", "Home")
    for _ in range(3):
        span = await pressed(labeling, "z")
    assert span == pytest.approx((0, 0.5))
    span = await pressed(labeling, "Shift+ArrowRight")
    assert span[0] < 1.5 < span[1]
    span = await pressed(labeling, "Home")
    await labeling.press("Space")
    seen = await labeling.drawn(after=span)
    assert seen[0] > 0


async def test_quiet_noise_looks_quiet(gateway: GatewayInBrowser) -> None:
    noise = np.random.default_rng(1).standard_normal(4 * RATE_HZ)
    noise /= np.sqrt(np.mean(noise**2))
    level_db = np.repeat([-80, -60, -40, -20], RATE_HZ)
    await gateway.classes("Engine")
    await gateway.propose_recordings(
        recording(noise * 10 ** (level_db / 20) / 3, RATE_HZ, "WAV", "FLOAT"),
        recording(noise * 1e-4 / 3, RATE_HZ, "WAV", "FLOAT"),
    )
    labeling = await gateway.labeling_page()
    await labeling.listen()
    await labeling.page.get_by_label("Range").select_option("110")
    await labeling.drawn()
    inks = [await labeling.page.evaluate(INK, [at + 0.02, at + 0.23]) for at in (0, 0.25, 0.5, 0.75)]
    assert np.diff(inks).min() > 0.05, inks
    await labeling.press("1", "Enter")
    await labeling.comes_to(2)
    await labeling.shows("mean −89.5 dBFS")
    await labeling.drawn()
    assert await labeling.page.evaluate(INK, [0.02, 0.98]) < inks[1]


async def test_how_the_spectrogram_looks_is_kept_for_each_person(labeling: LabelingPage) -> None:
    looks = {"Scale": "linear", "Loudest": "-30", "Range": "60"}
    page = labeling.page
    mel = await page.locator("#frequencies").inner_text()
    for name, value in looks.items():
        await page.get_by_label(name).select_option(value)
    marked = await page.locator("#frequencies").inner_text()
    assert marked != mel
    await page.reload()
    await labeling.is_ready()
    assert {name: await page.get_by_label(name).input_value() for name in looks} == looks
    assert await page.locator("#frequencies").inner_text() == marked


async def test_names_lie_over_the_waveform_and_never_on_the_spectrogram(labeling: LabelingPage) -> None:
    await labeling.press("Home", *["[", "1"] * 12)
    spectrum = await labeling.page.locator("canvas.spectrum").bounding_box()
    assert spectrum
    assert spectrum["height"] >= 240
    for name in await labeling.page.locator("#drawn-marks span").all():
        box = await name.bounding_box()
        assert box
        assert box["y"] + box["height"] <= spectrum["y"] + 1
