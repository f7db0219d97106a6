"""What every embedding model promises."""

import re

import numpy as np
import pytest
from unit.embedder.parts import noise, tone

from embedder.models.model import EmbeddingModel, FloatArray
from embedder.models.opening import open_model
from escolta.errors import Misconfigured


def require_alike(model: EmbeddingModel, got: FloatArray, expected: FloatArray) -> None:
    """Sums in another order differ by what their type cannot hold.

    Where the model has 16 bits a coordinate may be off by a hundredth of the largest: there it is the cosine
    that is promised, and a length.
    """
    if not re.search(r"-(bf|fp)16\.", model.model_id):
        np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-5)
        return
    lengths = np.linalg.norm(got, axis=-1), np.linalg.norm(expected, axis=-1)
    np.testing.assert_array_less(0.9999, np.vecdot(got, expected) / (lengths[0] * lengths[1]))
    np.testing.assert_allclose(*lengths, rtol=1e-2)


def test_shapes_are_those_of_the_port(model: EmbeddingModel) -> None:
    embedded = model.embed([noise(model.rate_hz, seed=seed) for seed in range(3)])
    assert embedded.vectors.dtype == embedded.probabilities.dtype == np.float32
    assert embedded.vectors.shape == (3, model.dim)
    assert embedded.probabilities.shape == (3, len(model.class_names))
    assert len(set(model.class_names)) == len(model.class_names)


def test_the_model_id_begins_with_the_name(model: EmbeddingModel) -> None:
    assert model.model_id.startswith(f"{model.name}-")


def test_silence_has_finite_numbers(model: EmbeddingModel) -> None:
    embedded = model.embed([np.zeros(2 * model.rate_hz, np.float32)])
    assert np.isfinite(embedded.vectors).all()
    assert np.isfinite(embedded.probabilities).all()


@pytest.mark.parametrize("peak", [1e-8, 1.0, 1e4])
def test_the_level_breaks_nothing(model: EmbeddingModel, peak: float) -> None:
    embedded = model.embed([tone(model.rate_hz, peak=peak)])
    assert np.isfinite(embedded.vectors).all()
    assert (embedded.probabilities >= 0).all()
    assert (embedded.probabilities <= 1).all()


def test_a_batch_gives_what_its_audios_give_alone(model: EmbeddingModel) -> None:
    lengths_s = [1.0, 0.2, 1.0, 1.7]
    audios = [noise(model.rate_hz, length_s, seed) for seed, length_s in enumerate(lengths_s)]
    together = model.embed(audios)
    alone = [model.embed([audio]) for audio in audios]
    vectors = np.concatenate([one.vectors for one in alone])
    probabilities = np.concatenate([one.probabilities for one in alone])
    require_alike(model, together.vectors, vectors)
    require_alike(model, together.probabilities, probabilities)


def test_rows_keep_the_order_of_the_audios(model: EmbeddingModel) -> None:
    first, second = tone(model.rate_hz), noise(model.rate_hz)
    forth = model.embed([first, second]).vectors
    back = model.embed([second, first]).vectors
    require_alike(model, forth, back[::-1])
    assert not np.allclose(forth[0], forth[1], atol=1e-3)


@pytest.mark.parametrize("samples", [0, 1, 300, 5000])
def test_a_short_audio_is_followed_by_silence(model: EmbeddingModel, samples: int) -> None:
    short = noise(model.rate_hz)[:samples]
    padded = np.zeros(round(0.975 * model.rate_hz), np.float32)
    padded[:samples] = short
    embedded = model.embed([short, padded])
    require_alike(model, embedded.vectors[0], embedded.vectors[1])


def test_a_long_audio_is_the_mean_of_its_segments(
    model: EmbeddingModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("embedder.models.segments.LONGEST_S", 2.0)
    long = noise(model.rate_hz, 3.0)
    embedded = model.embed([long, long[: 2 * model.rate_hz], long[model.rate_hz :]])
    require_alike(model, embedded.vectors[0], embedded.vectors[1:].mean(axis=0))


def test_several_channels_are_refused(model: EmbeddingModel) -> None:
    with pytest.raises(ValueError, match="one channel"):
        model.embed([np.zeros((model.rate_hz, 2), np.float32)])


@pytest.mark.parametrize("name", ["placeholder", "yamnet"])
def test_similar_sounds_are_near(name: str, request: pytest.FixtureRequest) -> None:
    model: EmbeddingModel = request.getfixturevalue(name)
    rate_hz = model.rate_hz
    low, lower, hiss, hiss_again = model.embed(
        [tone(rate_hz, hz=440), tone(rate_hz, hz=430), noise(rate_hz, seed=1), noise(rate_hz, seed=2)]
    ).vectors
    assert np.linalg.norm(low - lower) < 0.5 * np.linalg.norm(low - hiss)
    assert np.linalg.norm(hiss - hiss_again) < 0.5 * np.linalg.norm(lower - hiss_again)


def test_the_placeholder_is_the_same_in_every_process() -> None:
    sound = [tone(16_000)]
    np.testing.assert_array_equal(
        open_model("placeholder").embed(sound).vectors, open_model("placeholder").embed(sound).vectors
    )


def test_an_unknown_model_is_a_matter_of_settings() -> None:
    with pytest.raises(Misconfigured, match="ESCOLTA_MODEL"):
        open_model("vggish")
