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


SPECTRUM = """async ([samples, rate_hz, highest_hz, columns, rows]) => {
  const { spectrogram } = await import("/label/static/spectrum.js");
  return [...spectrogram(Float32Array.from(samples), rate_hz, highest_hz, columns, rows)];
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
        assert (max(levels) == 255) == any(samples)


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
