"""What people have to see can be seen: on a phone, over any spectrogram, in the light and in the dark.

Contrasts are those of WCAG 2.2, measured on the pixels that Chromium paints.
"""

import base64
import itertools

import numpy as np
import pytest
from browser.at_work import GatewayInBrowser, LabelingPage
from browser.sounds import DURATION_S, RATE_HZ, recording
from playwright.async_api import Locator

SEEN, READ = 3.0, 4.5
PHONE, DESK = {"width": 390, "height": 844}, {"width": 1440, "height": 900}

DECODE = """async (png) => {
  const file = new Blob([Uint8Array.from(atob(png), (it) => it.charCodeAt(0))], { type: "image/png" });
  const picture = await createImageBitmap(file);
  const { width, height } = picture;
  const pen = new OffscreenCanvas(width, height).getContext("2d");
  pen.drawImage(picture, 0, 0);
  const bytes = pen.getImageData(0, 0, width, height).data;
  let text = "";
  for (let at = 0; at < bytes.length; at += 4096) {
    text += String.fromCharCode(...bytes.subarray(at, at + 4096));
  }
  return [height, width, btoa(text)];
}"""
"""Height, width and the bytes in one text: as a list of numbers they would take seconds to come over."""


SHADED = """(plot, shade) => {
  for (const canvas of plot.querySelectorAll("canvas")) canvas.style.visibility = "hidden";
  plot.style.background = shade;
}"""


async def pixels(part: Locator) -> np.ndarray:
    """What is painted: float `[height, width, 3]`, 0 to 1."""
    png = base64.b64encode(await part.screenshot()).decode()
    height, width, values = await part.page.evaluate(DECODE, png)
    painted = np.frombuffer(base64.b64decode(values), np.uint8)
    return painted.reshape(height, width, 4)[:, :, :3] / 255


def luminance(colors: np.ndarray) -> np.ndarray:
    linear = np.where(colors <= 0.04045, colors / 12.92, ((colors + 0.055) / 1.055) ** 2.4)
    return linear @ [0.2126, 0.7152, 0.0722]


def contrast(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    low, high = np.minimum(luminance(one), luminance(other)), np.maximum(luminance(one), luminance(other))
    return (high + 0.05) / (low + 0.05)


def of_text(painted: np.ndarray) -> float:
    """The contrast of the ink with its ground, which is most of the picture."""
    colors, counts = np.unique(painted.reshape(-1, 3), axis=0, return_counts=True)
    return float(contrast(colors, colors[counts.argmax()]).max())


def every_level(seed: int = 1) -> np.ndarray:
    """A sound whose spectrogram has every color everywhere: noise from silence to the loudest, in patches."""
    rng = np.random.default_rng(seed)
    samples = int(DURATION_S * RATE_HZ)
    level = np.repeat(rng.uniform(-70, 0, samples // 400), 400)
    return 0.1 * rng.standard_normal(len(level)) * 10 ** (level / 20)


@pytest.fixture
async def labeling(gateway: GatewayInBrowser, request: pytest.FixtureRequest) -> LabelingPage:
    scheme, viewport = request.param
    await gateway.classes("Engine", "Black-headed gull")
    await gateway.propose_recordings(recording(every_level(), RATE_HZ))
    labeling = await gateway.labeling_page(color_scheme=scheme, viewport=viewport)
    await labeling.listen()
    return labeling


IN_EVERY_LIGHT = pytest.mark.parametrize(
    "labeling",
    [(scheme, viewport) for scheme in ("light", "dark") for viewport in (PHONE, DESK)],
    ids=lambda param: f"{param[0]}-{param[1]['width']}",
    indirect=True,
)


@IN_EVERY_LIGHT
async def test_edges_cursor_names_and_axes_are_seen_over_any_spectrogram(labeling: LabelingPage) -> None:
    await labeling.press("w", "1")
    await labeling.drag(0.8, 1.9)
    await labeling.drag(2.6, 3.3)
    await labeling.press("2")
    await labeling.put_cursor(2.25)
    await labeling.drawn()
    plot = labeling.page.locator("#wave")
    painted = await pixels(plot)
    height, width, _ = painted.shape
    for time_s in (0, 0.8, 1.9, 2.25, 2.6, 3.3, DURATION_S):
        x = round(time_s / DURATION_S * width)
        near = painted[height // 3 :, max(x - 5, 0) : x + 6]  # under the names of the marks
        steps = contrast(near[:, 1:], near[:, :-1])
        assert steps.max(axis=1).min() >= SEEN, time_s  # on every line of pixels
    for text in ("#axis", "#frequencies", "#drawn-marks span >> nth=0", "#drawn-marks span >> nth=2"):
        assert of_text(await pixels(labeling.page.locator(text))) >= READ, text


@pytest.mark.parametrize(
    "labeling", [("light", PHONE), ("dark", PHONE)], ids=["light", "dark"], indirect=True
)
async def test_edges_and_cursor_are_seen_by_themselves_over_every_shade(labeling: LabelingPage) -> None:
    """Over a sound, its own noise may hide that a line is not seen."""
    await labeling.drag(0.8, 1.9)
    await labeling.put_cursor(2.25)
    plot = labeling.page.locator("#wave")
    for shade in ("#000", "#404040", "#808080", "#c0c0c0", "#fff"):
        await plot.evaluate(SHADED, shade)
        painted = await pixels(plot)
        height, width, _ = painted.shape
        for time_s in (0.8, 1.9, 2.25):
            x = round(time_s / DURATION_S * width)
            near = painted[height // 3 :, x - 5 : x + 6]
            assert contrast(near[:, 1:], near[:, :-1]).max(axis=1).min() >= SEEN, (shade, time_s)


@IN_EVERY_LIGHT
async def test_the_waveform_is_seen(labeling: LabelingPage) -> None:
    assert of_text(await pixels(labeling.page.locator("#wave .wave"))) >= SEEN


async def test_a_lead_can_read_and_reach_everything_on_a_phone(gateway: GatewayInBrowser) -> None:
    names = ["Engine", "Black-headed gull", "Outboard motor with a worn bearing", "x" * 40]
    await gateway.classes(*names)
    await gateway.propose(1)
    labeling = await gateway.labeling_page(viewport=PHONE, has_touch=True, is_mobile=True)
    await labeling.press("w", "1", "2", "3")
    page = labeling.page
    assert await page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    for control in (
        await page.locator(".bar a, main a, button, input, select, #place, #time").filter(visible=True).all()
    ):
        box = await control.bounding_box()
        assert box
        assert box["x"] >= 0, await control.inner_text()
        assert box["x"] + box["width"] <= PHONE["width"], await control.inner_text()
    for name in names[:3]:
        box = await page.locator("#keyed-classes").get_by_text(name, exact=True).bounding_box()
        assert box
        assert box["height"] <= 24 * len(name.split()), name  # no word is broken
    await page.get_by_role("button", name="Keys").tap()
    box = await page.get_by_role("dialog", name="Keys").bounding_box()
    assert box
    assert box["width"] <= PHONE["width"]


async def test_the_name_of_a_mark_is_not_cut_by_the_end_of_the_plot(gateway: GatewayInBrowser) -> None:
    await gateway.classes("Outboard motor with a worn bearing")
    await gateway.propose(1)
    labeling = await gateway.labeling_page(viewport=PHONE)
    await labeling.drag(3.5, 3.8)
    await labeling.press("1")
    plot = await labeling.page.locator("#wave").bounding_box()
    name = await labeling.page.locator("#drawn-marks span").bounding_box()
    assert plot
    assert name
    assert plot["x"] <= name["x"]
    assert name["x"] + name["width"] <= plot["x"] + plot["width"]


async def test_names_longer_than_their_marks_do_not_lie_on_each_other(gateway: GatewayInBrowser) -> None:
    await gateway.classes("Bottlenose dolphin whistle", "Engine", "W" * 80)
    await gateway.propose(1)
    labeling = await gateway.labeling_page(viewport=PHONE)
    for key, onset_s in zip("123123", (0.4, 0.8, 1.2, 2.4, 2.8, 3.2), strict=True):
        await labeling.drag(onset_s, onset_s + 0.2)
        await labeling.press(key)
    plot = await labeling.page.locator("#wave").bounding_box()
    names = await labeling.page.locator("#drawn-marks span").evaluate_all(
        "names => names.map((name) => name.getBoundingClientRect())"
        ".map(({ left, right, top, bottom }) => [left, right, top, bottom])"
    )
    assert plot
    for left, right, _, _ in names:
        assert plot["x"] - 1 <= left
        assert right <= plot["x"] + plot["width"] + 1
    for one, other in itertools.combinations(names, 2):
        apart = [
            one[1] - 1 <= other[0],
            other[1] - 1 <= one[0],
            one[3] - 1 <= other[2],
            other[3] - 1 <= one[2],
        ]
        assert any(apart), (one, other)
    await labeling.press("/")
    await labeling.page.keyboard.type("WW")
    found = labeling.page.locator("#found-classes")
    assert await found.evaluate("list => list.scrollWidth <= list.clientWidth")


async def test_the_seconds_of_the_axis_do_not_lie_on_each_other(gateway: GatewayInBrowser) -> None:
    await gateway.classes("Engine")
    await gateway.propose(1)
    labeling = await gateway.labeling_page(viewport=PHONE)
    await labeling.page.locator("#axis span").first.wait_for()
    boxes = await labeling.page.locator("#axis span").evaluate_all(
        "labels => labels.map((it) => [it.getBoundingClientRect().left, it.getBoundingClientRect().right])"
    )
    assert len(boxes) >= 3
    for (_, right), (left, _) in itertools.pairwise(boxes):
        assert right < left
