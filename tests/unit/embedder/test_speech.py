"""How much speech is in an audio is kept for every model that knows what speech is, wherever it hides."""

from collections.abc import Sequence

import numpy as np
import pytest
from unit.embedder.at_work import EmbedderAtWork, another, tone

from embedder import older_speech
from embedder.models.audioset import cnn14_class_names, speech_names
from embedder.models.model import Embedded, FloatArray, PatchScores
from embedder.models.placeholder import Placeholder
from embedder.models.speech import speech_classes, speech_of
from embedder.models.yamnet import YamNet
from embedder.store import TOP, AudioKey
from embedder.waiting import LOWEST_ID

SIXTH = np.array([0.1, 0.9, 0.8, 0.7, 0.6, 0.5, 0.3, 0.2], np.float32)


class SpeechInSixthPlace:
    """Hears five classes more clearly than speech, which it hears in one of two patches."""

    name = "test"
    dim = 4
    rate_hz = 16_000
    model_id = "speech-in-sixth-place"
    class_names: tuple[str, ...] = ("Rain", "Wind", "Ship", "Gull", "Engine", "Water", "Speech", "Whispering")

    def embed(self, waveforms: Sequence[FloatArray]) -> Embedded:
        count = len(waveforms)
        patches = np.stack([SIXTH, np.roll(SIXTH, 1)]).astype(np.float16)
        return Embedded(
            np.zeros((count, self.dim), np.float32),
            np.tile(SIXTH, (count, 1)),
            [PatchScores(np.array([0.0, 0.5], np.float32), patches)] * count,
            np.tile(patches.astype(np.float32).max(axis=0), (count, 1)),
        )


def test_the_classes_are_those_below_speech_and_other_voices_that_talk():
    assert speech_names() == {
        *("Speech", "Male speech, man speaking", "Female speech, woman speaking"),
        *("Child speech, kid speaking", "Conversation", "Narration, monologue", "Babbling"),
        *("Speech synthesizer", "Shout", "Bellow", "Whoop", "Yell", "Battle cry", "Children shouting"),
        *("Whispering", "Chatter", "Hubbub, speech noise, speech babble"),
    }
    assert len(speech_classes(cnn14_class_names())) == len(speech_names())


def test_yamnet_knows_them_but_for_men_and_women():
    names = YamNet().class_names
    assert speech_names() - set(names) <= {
        *("Male speech, man speaking", "Female speech, woman speaking", "Battle cry"),
    }
    assert len(speech_classes(names)) >= 14


def test_speech_in_sixth_place_is_seen_and_unknown_is_not_none_of_it():
    scores = np.zeros((2, 527), np.float32)
    scores[0, 100:105] = 0.9
    scores[1, cnn14_class_names().index("Whispering")] = 0.4
    assert speech_of(scores, speech_classes(cnn14_class_names())) == pytest.approx(0.4)
    assert speech_of(np.ones(16, np.float32), speech_classes(Placeholder.class_names)) is None


async def test_an_audio_has_the_greatest_score_of_its_parts_beside_its_five_classes(
    embedder: EmbedderAtWork,
) -> None:
    await embedder.catalog(0, tone(440))
    async with another(embedder, SpeechInSixthPlace()) as embedding:
        [key] = await embedder.on.catalog.fetch("SELECT audio_id, start_utc AS start FROM audio.audios")
        assert not await embedding.embed([AudioKey(*key)])
    row = await embedder.on.catalog.fetchrow("SELECT speech, top_classes FROM audio.embeddings")
    assert row["speech"] == pytest.approx(0.5, abs=1e-3)  # in the second patch; 0.3 in the first
    assert row["top_classes"] == list(range(1, 1 + TOP))


async def test_of_a_model_without_classes_it_stays_unknown(embedder: EmbedderAtWork) -> None:
    await embedder.on.bus.publish(await embedder.catalog(0, tone(440)))
    await embedder.until_done(embedded=1)
    assert await embedder.on.catalog.fetchval("SELECT speech FROM audio.embeddings") is None


async def test_older_rows_get_it_from_their_patch_scores_once(embedder: EmbedderAtWork, monkeypatch) -> None:
    monkeypatch.setattr(older_speech, "AT_ONCE", 2)
    model, pool = SpeechInSixthPlace(), embedder.on.catalog
    for number in range(5):
        await embedder.catalog(number, tone(440))
    keys = await pool.fetch("SELECT audio_id, start_utc AS start FROM audio.audios")
    async with another(embedder, model) as embedding:
        assert not await embedding.embed([AudioKey(*key) for key in keys])
    await pool.execute("UPDATE audio.embeddings SET speech = NULL")
    await pool.executemany(
        "INSERT INTO audio.patch_scores (audio_id, start_utc, model_id, onsets_s, scores)"
        " VALUES ($1, $2, $3, '{0,0.5}', $4)",  # as the version before left them
        [
            (*key, model.model_id, np.stack([SIXTH, np.roll(SIXTH, 1)]).astype("<f2").tobytes())
            for key in keys
        ],
    )
    await older_speech.find(pool, model)  # a new model: nothing is older
    assert await pool.fetchval("SELECT count(speech) FROM audio.embeddings") == 0
    await pool.execute("UPDATE audio.models SET speech_found_to = $1", LOWEST_ID)
    await older_speech.find(pool, model)
    rows = await pool.fetch("SELECT speech FROM audio.embeddings")
    assert [row["speech"] for row in rows] == pytest.approx([0.5] * 5, abs=1e-3)
