"""Audios that hold several classes: the one of a label, and how a classifier is judged by all of them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, recall_score

from al_engine.campaigns.all_classes import Presence, agreed, longest
from escolta.listening.agreement import Marked, agree
from escolta.truth import Sound, Truth

CLASSES = "abcdef"
seconds = st.integers(0, 40).map(lambda quarter: quarter / 4)
sound = st.tuples(st.sampled_from(CLASSES), seconds, seconds).filter(lambda it: it[1] < it[2])
sounds = st.lists(sound.map(lambda it: Sound(*it)), min_size=1, max_size=8)


@given(sounds)
def test_the_class_of_a_label_is_what_a_group_agrees_on_that_marks_every_sound(heard):
    marks = [
        Marked(labeler, CLASSES.index(it.category), it.onset_s, it.offset_s)
        for it in heard
        for labeler in (1, 2, 3)
    ]
    assert agree({1: 1, 2: 1, 3: 1}, marks, set()).class_id == CLASSES.index(longest(heard))


@st.composite
def judging(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Which classes are where, in every audio one at least; which were met; probabilities, often equal."""
    audios, classes = draw(st.integers(1, 12)), draw(st.integers(1, len(CLASSES)))
    row = st.lists(st.booleans(), min_size=classes, max_size=classes).filter(any)
    there = np.array(draw(st.lists(row, min_size=audios, max_size=audios)))
    sounding = [CLASSES[place] for place in np.flatnonzero(there.any(axis=0))]
    met = np.array(sorted(draw(st.sets(st.sampled_from(sounding), min_size=1))))
    number = st.integers(0, 4)
    of_met = st.lists(number, min_size=len(met), max_size=len(met))
    given = np.array(draw(st.lists(of_met, min_size=audios, max_size=audios)), float) + 0.5
    return there, met, given / given.sum(axis=1, keepdims=True)


def judge(there: np.ndarray, met: np.ndarray, probabilities: np.ndarray):
    """What the classes of the audios, by their letters, make of these probabilities."""
    names = [f"{number}.wav" for number in range(len(there))]
    heard = {
        name: [Sound(CLASSES[place], 0, 1) for place in np.flatnonzero(row)]
        for name, row in zip(names, there, strict=True)
    }
    return Presence(Truth({}, heard), names).judge(np.arange(len(names)), met, probabilities)


def of_class(letter: str, met: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """The probability of a class in each audio; nothing of one that was not met."""
    return sum((probabilities[:, at] for at in np.flatnonzero(met == letter)), np.zeros(len(probabilities)))


def slow_average_precision(there: np.ndarray, scores: np.ndarray) -> float:
    """By its definition: of each positive, precision at its score, whatever scores alike taken together."""
    return float(np.mean([there[scores >= score].mean() for score in scores[there]]))


@given(judging())
def test_mean_average_precision_is_that_of_its_definition_and_of_scikit_learn(case):
    there, met, probabilities = case
    slow, library = [], []
    for place, letter in enumerate(CLASSES[: there.shape[1]]):
        if there[:, place].any():
            scores = of_class(letter, met, probabilities)
            slow.append(slow_average_precision(there[:, place], scores))
            library.append(average_precision_score(there[:, place], scores))
    judged = judge(*case)
    assert judged.mean_average_precision == pytest.approx(np.mean(slow))
    assert judged.mean_average_precision == pytest.approx(np.mean(library))


@given(judging())
def test_recall_asks_for_as_many_classes_as_sound(case):
    there, met, probabilities = case
    found, sounding = dict.fromkeys(CLASSES, 0), dict.fromkeys(CLASSES, 0)
    held = [letter for place, letter in enumerate(CLASSES[: there.shape[1]]) if there[:, place].any()]
    scores = {letter: of_class(letter, met, probabilities) for letter in held}
    for audio, row in enumerate(there):
        here = [CLASSES[place] for place in np.flatnonzero(row)]
        best = sorted(held, key=lambda letter: (-scores[letter][audio], letter))[: len(here)]
        for letter in here:
            sounding[letter] += 1
            found[letter] += letter in best
    judged = judge(*case)
    assert judged.recall == pytest.approx({letter: found[letter] / sounding[letter] for letter in held})
    assert judged.mean_recall == pytest.approx(np.mean(list(judged.recall.values())))


def test_with_one_class_an_audio_it_is_recall_as_it_is_known():
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 4, 60)
    probabilities = rng.dirichlet(np.ones(4), 60)
    judged = judge(np.eye(4, dtype=bool)[truth], np.array(list("abcd")), probabilities)
    expected = recall_score(truth, probabilities.argmax(axis=1), average=None)
    assert list(judged.recall.values()) == pytest.approx(expected.tolist())


def test_a_class_that_no_label_has_named_counts_as_guessed_at_random():
    there = np.array([[True, False], [False, True], [False, True], [True, True]])
    judged = judge(there, np.array(["a"]), np.ones((4, 1)))
    assert judged.mean_average_precision == pytest.approx((2 / 4 + 3 / 4) / 2)
    assert judged.recall == {"a": 1.0, "b": pytest.approx(1 / 3)}


def test_labels_say_what_sounds_longest_and_what_differs_is_told():
    truth = Truth(
        {"one.wav": "horn", "two.wav": "gull", "three.wav": "silence"},
        sounds={
            "one.wav": [Sound("gull", 0, 2), Sound("horn", 1, 4), Sound("gull", 1, 3)],
            "two.wav": [Sound("gull", 0, 1), Sound("horn", 2, 4)],
            "four.wav": [Sound("horn", 0, 1)],
        },
    )
    of_labels, notes = agreed(truth)
    assert of_labels.categories == {"one.wav": "gull", "two.wav": "horn", "three.wav": "silence"}
    assert notes == [
        "files whose category is not what sounds longest in them: 2, first one.wav: labels say gull, and not"
        " horn",
        "files that --events alone names: 1, first four.wav: they are left out",
    ]
