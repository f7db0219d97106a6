"""Whatever form a recorder writes is played from a folder, and no file can stop the others."""

from pathlib import Path

import numpy as np
import pytest
import soundfile
from unit.node_agent.playing import played, replay_of
from unit.node_agent.sounds import write_noise

FORMS = [
    *(
        ("WAV", subtype)
        for subtype in ("PCM_U8", "PCM_24", "DOUBLE", "ULAW", "IMA_ADPCM", "MS_ADPCM", "GSM610")
    ),
    *(("W64", "PCM_16"), ("AIFF", "PCM_16"), ("CAF", "ALAC_16"), ("AU", "PCM_16")),
    *(("FLAC", "PCM_24"), ("OGG", "VORBIS"), ("OGG", "OPUS"), ("MP3", "MPEG_LAYER_III")),
]


@pytest.mark.parametrize(("container", "subtype"), FORMS)
async def test_every_form_is_played_silent_or_not(container: str, subtype: str, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, 16_000).astype(np.float32)
    for name, sound in (("noise", noise), ("silence", np.zeros_like(noise))):
        soundfile.write(tmp_path / "in" / name, sound, 8000, format=container, subtype=subtype)
    replay = replay_of(tmp_path / "in", tmp_path / "state")
    assert [audio.file_name for audio in await played(replay)] == ["noise", "silence"]
    assert list(replay.account().left_out) == []


async def test_a_defect_of_ours_at_one_file_is_told_and_the_others_are_played(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a.wav", "b.wav", "c.wav"):
        write_noise(tmp_path / "in" / name, 1, seed=ord(name[0]))
    from node_agent.recording import replay as module

    plan = module.plan

    def stumbling(path: Path) -> object:
        if path.name == "b.wav":
            raise ValueError("a case that nobody thought of")
        return plan(path)

    monkeypatch.setattr(module, "plan", stumbling)
    replay = replay_of(tmp_path / "in", tmp_path / "state")
    assert [audio.file_name for audio in await played(replay)] == ["a.wav", "c.wav"]
    [left_out] = replay.account().left_out
    assert left_out.file_name == "b.wav"
    assert "a defect of Escolta's: ValueError('a case that nobody thought of')" in left_out.reason
