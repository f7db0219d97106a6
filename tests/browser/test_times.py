"""What is drawn at a time is heard at it and saved as it, whatever form the recording has."""

import numpy as np
import pytest
from browser.at_work import GatewayInBrowser
from browser.sounds import click, recording

from escolta import audio

NEAR_S = 0.002
DURATION_S = 1.6

FORMATS = {
    "8 bits": ("WAV", "PCM_U8", 48_000),
    "16 bits": ("WAV", "PCM_16", 48_000),
    "24 bits": ("WAV", "PCM_24", 48_000),
    "float": ("WAV", "FLOAT", 48_000),
    "double": ("WAV", "DOUBLE", 48_000),
    "ADPCM": ("WAV", "MS_ADPCM", 48_000),
    "FLAC": ("FLAC", "PCM_16", 48_000),
    "Vorbis": ("OGG", "VORBIS", 48_000),
    "Opus": ("OGG", "OPUS", 48_000),
    "MP3": ("MP3", "MPEG_LAYER_III", 48_000),
    "AIFF": ("AIFF", "PCM_24", 48_000),
    "11 kHz": ("WAV", "PCM_16", 11_025),
    "384 kHz": ("WAV", "PCM_16", 384_000),
}

# The page's own player and the file that it plays, to be asked about.
LISTEN_IN = """
    const made = URL.createObjectURL;
    URL.createObjectURL = (file) => { window.played = file; return made.call(URL, file); };
    window.Audio = new Proxy(Audio, { construct: (kind, given) => (window.player = new kind(...given)) });
"""
# Where the waveform is highest and the spectrogram darkest, as a part of the width.
DRAWN = """() => {
  const loudest = (canvas) => {
    const { data, width, height } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    const ink = new Array(width).fill(0);
    for (let i = 0; i < data.length; i += 4) {
      ink[(i / 4) % width] += (data[i + 3] / 255) * (765 - data[i] - data[i + 1] - data[i + 2]);
    }
    const most = Math.max(...ink);
    const at = ink.flatMap((sum, x) => (sum > 0.98 * most ? [x] : []));
    return ((at[0] + at.at(-1)) / 2 + 0.5) / width;
  };
  return [...document.querySelectorAll("#wave canvas")].map(loudest);
}"""
HEARD = """async () => {
  const context = new OfflineAudioContext(1, 1, 48000);
  const decoded = await context.decodeAudioData(await window.played.arrayBuffer());
  const loudness = decoded.getChannelData(0).map(Math.abs);
  return loudness.indexOf(Math.max(...loudness)) / 48000;
}"""
PLAYED_THROUGH = """() => new Promise((resolve) => {
  window.player.addEventListener("ended", () => resolve(window.player.duration));
  window.player.playbackRate = 4;
  window.player.play();
})"""


@pytest.mark.parametrize("form", FORMATS)
async def test_a_click_is_drawn_heard_and_saved_at_its_time(gateway: GatewayInBrowser, form: str) -> None:
    container, subtype, rate_hz = FORMATS[form]
    at_s = 0.2 + 0.09 * list(FORMATS).index(form)
    clicked = recording(click(at_s, DURATION_S, rate_hz), rate_hz, container, subtype)
    waveform, _ = audio.read(clicked.data)
    true_s = int(np.argmax(np.abs(waveform))) / rate_hz
    await gateway.classes("Click")
    await gateway.propose_recordings(clicked)
    labeling = await gateway.labeling_page(prepare=LISTEN_IN)

    await labeling.drawn()
    for drawn in await labeling.page.evaluate(DRAWN):
        assert drawn * clicked.duration_s == pytest.approx(true_s, abs=NEAR_S)
    assert await labeling.page.evaluate(HEARD) == pytest.approx(true_s, abs=NEAR_S)
    assert await labeling.page.evaluate(PLAYED_THROUGH) == pytest.approx(clicked.duration_s, abs=0.0001)

    await labeling.page.mouse.click(*await labeling.at(true_s, clicked.duration_s))
    assert await labeling.page.evaluate("window.player.currentTime") == pytest.approx(true_s, abs=NEAR_S)
    await labeling.press("i")
    await labeling.page.mouse.click(*await labeling.at(true_s + 0.1, clicked.duration_s))
    await labeling.press("o", "1", "Enter")
    await gateway.submissions(1)
    [(_, _, onset_s, offset_s)] = await gateway.said()
    assert [onset_s, offset_s] == pytest.approx([true_s, true_s + 0.1], abs=NEAR_S)
