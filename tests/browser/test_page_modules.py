"""Modules of the labeling page by themselves, in the browser that runs them."""

import itertools
import random
from typing import Any

import numpy as np
import pytest
from browser.at_work import GatewayInBrowser
from playwright.async_api import Page

DURATION_S = 9.98459
SHORTEST_S = 0.02

RUN_MARKS = """async ([duration_s, operations]) => {
  const { Marks } = await import("/label/static/marks.js");
  const marks = new Marks();
  marks.reset(duration_s);
  const states = [];
  for (const [name, ...values] of operations) {
    const mark = marks.list.length ? marks.list[values[0] % marks.list.length] : null;
    if (name === "add") marks.add(values[1], values[2]);
    else if (mark && name === "onset") marks.move(mark.id, { onset_s: values[1] });
    else if (mark && name === "offset") marks.move(mark.id, { offset_s: values[1] });
    else if (mark && name === "class") marks.toggleClass(mark.id, values[0] % 3);
    else if (mark && name === "remove") marks.remove(mark.id);
    states.push(marks.list);
  }
  let undone = 0;
  while (marks.undo()) undone++;
  const before = marks.list;
  while (marks.redo());
  return { states, before, after: marks.list, undone };
}"""


@pytest.fixture
async def page(gateway: GatewayInBrowser) -> Page:
    await gateway.propose(1)
    return (await gateway.labeling_page()).page


async def test_marks_stay_inside_the_audio_and_every_change_can_be_undone(page: Page) -> None:
    for seed in range(5):
        operations = _operations(random.Random(seed))
        result: dict[str, Any] = await page.evaluate(RUN_MARKS, [DURATION_S, operations])
        for marks in result["states"]:
            assert marks == sorted(marks, key=lambda mark: (mark["onset_s"], mark["offset_s"], mark["id"]))
            for mark in marks:
                assert 0 <= mark["onset_s"] < mark["offset_s"] <= DURATION_S
                assert mark["offset_s"] - mark["onset_s"] >= SHORTEST_S - 0.001
        assert result["undone"] > 50
        assert result["before"] == []
        assert result["after"] == result["states"][-1]


def _operations(rng: random.Random) -> list[tuple[str, int, float, float]]:
    names = ["add", "onset", "offset", "offset", "class", "remove"]
    return [
        (rng.choice(names), rng.randrange(100), rng.uniform(-2, 12), rng.uniform(-2, 12)) for _ in range(200)
    ]


async def test_a_class_keeps_its_key_until_a_newer_one_needs_it(page: Page) -> None:
    with_used = """async ([keyed, recent]) =>
        (await import("/label/static/classes.js")).withUsed(keyed, recent)"""
    nine = list(range(1, 10))
    assert await page.evaluate(with_used, [nine, [5, 1]]) == nine
    assert await page.evaluate(with_used, [[1, 2], [7, 1]]) == [1, 2, 7]
    # 3 was used longest ago of those that were; the others never were, and the last of them gives way first.
    assert await page.evaluate(with_used, [nine, [42, *range(4, 10), 1, 2, 3]]) == [1, 2, 42, *range(4, 10)]
    assert await page.evaluate(with_used, [nine, [42, 9]]) == [*range(1, 8), 42, 9]


async def test_marks_are_found_again_in_the_events_of_a_refused_submission(page: Page) -> None:
    marks_of = 'async (events) => (await import("/label/static/drafts.js")).marksOf(events)'
    events = [
        {"class_id": 2, "onset_s": 0, "offset_s": 4},
        {"class_id": 3, "onset_s": 1, "offset_s": 2},
        {"class_id": 5, "onset_s": 0, "offset_s": 4},
    ]
    assert await page.evaluate(marks_of, events) == [
        {"onset_s": 0, "offset_s": 4, "class_ids": [2, 5]},
        {"onset_s": 1, "offset_s": 2, "class_ids": [3]},
    ]


SPECTRUM = """async ([samples, rate_hz, highest_hz, columns, rows, asked]) => {
  const { spectrogram } = await import("/label/static/spectrum.js");
  const audio = { samples: Float32Array.from(samples), rate_hz, highest_hz };
  const whole = { from_s: 0, to_s: samples.length / rate_hz, columns, rows };
  return [...spectrogram(audio, { ...whole, scale: "mel", loudest_db: 0, range_db: 70, ...asked })];
}"""


async def test_the_spectrogram_shows_a_tone_at_its_pitch_and_its_time(page: Page) -> None:
    columns, rows = 80, 64
    for rate_hz, part in itertools.product((3_000, 16_000, 192_000), (0.02, 0.4, 0.9)):
        samples = np.sin(np.pi * part * np.arange(rate_hz // 2))
        samples[: rate_hz // 8] = samples[3 * rate_hz // 8 :] = 0
        found = await page.evaluate(SPECTRUM, [samples.tolist(), rate_hz, rate_hz / 2, columns, rows])
        levels = np.reshape(found, (rows, columns))
        heard = np.flatnonzero(levels.max(axis=0) > 200)
        assert [heard[0], heard[-1]] == pytest.approx([20, 59], abs=2), (rate_hz, part)
        mel = np.log1p(part * rate_hz / 2 / 700) / np.log1p(rate_hz / 2 / 700)
        assert levels[:, 25:55].argmax(axis=0) == pytest.approx(np.full(30, int(rows * (1 - mel))), abs=1)


async def test_the_spectrogram_of_next_to_nothing_is_dark_but_for_a_sound(page: Page) -> None:
    for samples in ([0.0], [0.5], [0.0] * 5_000, [1.0] * 5_000):
        levels = await page.evaluate(SPECTRUM, [samples, 16_000, 8_000, 50, 20])
        assert (max(levels) > 0) == any(samples)


async def test_the_levels_of_the_spectrogram_are_those_of_the_sound(page: Page) -> None:
    """A sine is as loud as its amplitude says, in every size of window and at every place in time."""
    for rate_hz, hz, amplitude_db in itertools.product((8_000, 44_100), (1_000, 3_200), (0, -20, -50)):
        samples = 10 ** (amplitude_db / 20) * np.sin(2 * np.pi * hz * np.arange(rate_hz) / rate_hz)
        for from_s, to_s in ((0, 1), (0.3, 0.55), (0.7, 0.75)):
            asked = {"from_s": from_s, "to_s": to_s, "range_db": 102}
            found = await page.evaluate(SPECTRUM, [samples.tolist(), rate_hz, rate_hz / 2, 30, 100, asked])
            loudest = np.reshape(found, (100, 30))[:, 5:25].max(axis=0)
            # Between two bins a Hann window loses up to 1.4 dB.
            assert loudest / 255 * 102 - 102 == pytest.approx(np.full(20, amplitude_db - 0.5), abs=1.2)


async def test_a_span_of_the_spectrogram_is_that_part_of_the_whole(page: Page) -> None:
    """Two windows of one transform are told apart, and each lies at its own time."""
    samples = np.random.default_rng(3).standard_normal(32_000) * np.repeat([0.001, 0.1, 0.01, 0.0], 8_000)
    given = [samples.tolist(), 16_000, 8_000]
    whole = np.reshape(await page.evaluate(SPECTRUM, [*given, 101, 40]), (40, 101))
    for first, last in ((0, 100), (10, 101), (20, 97)):
        asked = {"from_s": first / 101 * 2, "to_s": last / 101 * 2}
        part = await page.evaluate(SPECTRUM, [*given, last - first, 40, asked])
        difference = np.reshape(part, (40, last - first)) - whole[:, first:last]
        assert np.abs(difference).mean() < 2  # a window begins at a whole sample


async def test_the_spectrogram_of_a_slow_recorder_tells_its_low_tones_apart(page: Page) -> None:
    time_s = np.arange(8 * 8_000) / 8_000
    for hz, row in ((10, 16), (30, 8)):  # of 20 rows up to 50 Hz, nearly linear there
        samples = np.sin(2 * np.pi * hz * time_s).tolist()
        found = await page.evaluate(SPECTRUM, [samples, 8_000, 50, 40, 20])
        assert np.reshape(found, (20, 40))[:, 10:30].argmax(axis=0) == pytest.approx(np.full(20, row), abs=1)


async def test_opposite_channels_are_not_drawn_as_silence(page: Page) -> None:
    mono = """async (channels) => {
      const { mono } = await import("/label/static/audio.js");
      return [...mono(channels.map((it) => Float32Array.from(it)))];
    }"""
    assert await page.evaluate(mono, [[1, -0.5, 0.25], [-1, 0.5, -0.25]]) == [1, -0.5, 0.25]
    assert await page.evaluate(mono, [[1, -0.5, 0.25], [0, 0, 0]]) == [0.5, -0.25, 0.125]
    assert await page.evaluate(mono, [[1, -0.5], [0.5, 1]]) == [0.75, 0.25]
