"""A labeler is never trapped: the worst audios that are accepted, labeled to the end by keys alone."""

import numpy as np
import pytest
from browser.at_work import GatewayInBrowser
from browser.sounds import Recording, recording

RATE_HZ = 16_000
NOISE = 0.1 * np.random.default_rng(1).standard_normal(RATE_HZ)
FORMATS = [
    ("WAV", "PCM_U8"),
    ("WAV", "PCM_24"),
    ("WAV", "PCM_32"),
    ("WAV", "FLOAT"),
    ("WAV", "DOUBLE"),
    ("WAV", "ULAW"),
    ("WAV", "IMA_ADPCM"),
    ("WAV", "MS_ADPCM"),
    ("WAV", "GSM610"),
    ("WAVEX", "PCM_24"),
    ("RF64", "PCM_16"),
    ("W64", "PCM_16"),
    ("AIFF", "PCM_16"),
    ("CAF", "PCM_16"),
    ("AU", "PCM_16"),
    ("FLAC", "PCM_S8"),
    ("FLAC", "PCM_24"),
    ("OGG", "VORBIS"),
    ("OGG", "OPUS"),
    ("MP3", "MPEG_LAYER_III"),
]


def the_worst() -> dict[str, Recording]:
    """By what is bad about them."""
    both = np.stack([NOISE, NOISE], axis=1)
    return {
        **{f"{n} samples": recording(NOISE[:n], RATE_HZ) for n in (1, 2, 319, 320)},
        "a minute": recording(np.tile(NOISE, 60), RATE_HZ),
        "silence": recording(np.zeros(RATE_HZ), RATE_HZ),
        "an offset": recording(np.full(RATE_HZ, 0.5), RATE_HZ),
        "far beyond full scale": recording(1e6 * NOISE, RATE_HZ, "WAV", "FLOAT"),
        "an inverted channel": recording(both * [1, -1], RATE_HZ),
        "a dead channel": recording(both * [0, 1], RATE_HZ),
        "eight channels": recording(np.tile(NOISE[:, None], 8), RATE_HZ),
        **{f"{rate} Hz": recording(NOISE, rate) for rate in (100, 1_000, 8_000, 384_000, 1_000_000)},
        **{" ".join(form): recording(NOISE, RATE_HZ, *form) for form in FORMATS},
    }


async def test_the_worst_batch_is_labeled_to_its_end_by_keys_alone(gateway: GatewayInBrowser) -> None:
    await gateway.classes("Engine")
    worst = the_worst()
    await gateway.propose_recordings(*worst.values())
    labeling = await gateway.labeling_page()
    for place, name in enumerate(worst, start=1):
        await labeling.shows(f"Audio {place} of {len(worst)}")
        heard = labeling.page.locator("#stage[aria-busy=false]")
        await heard.or_(labeling.page.get_by_text("cannot be played")).first.wait_for()
        assert await heard.is_visible(), name
        await labeling.press(*[["w", "1"], ["d"], ["1", "d"]][place % 3], "Enter")
    await labeling.shows("Nothing left to label")
    await gateway.submissions(len(worst))
    durations = [it.duration_s for it in worst.values()]
    labeled = {file_name: (onset_s, offset_s) for file_name, _, onset_s, offset_s in await gateway.said()}
    assert len(labeled) == len(worst)
    for duration_s, (onset_s, offset_s) in zip(durations, labeled.values(), strict=True):
        assert (onset_s, offset_s) == pytest.approx((0, duration_s))
