"""The committee: propagation by the nearest medoid, logistic regression, and where they differ."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from unit.al_engine.vectors import clustered, tying_embeddings

from al_engine.exact.distances import nearest
from al_engine.exact.vectors import unit_vectors
from al_engine.method.committee import Committee, predict


@settings(max_examples=50, deadline=None)
@given(tying_embeddings(), tying_embeddings(), st.data())
def test_a_sample_is_mismatched_exactly_where_the_two_members_differ(embeddings, others, data):
    dim = min(embeddings.shape[1], others.shape[1])
    samples, medoids = unit_vectors(embeddings[:, :dim]), unit_vectors(others[:, :dim])
    names = st.lists(st.sampled_from(["gull", "horn", "rain"]), min_size=len(medoids), max_size=len(medoids))
    classes = np.array(data.draw(names))
    opinion = Committee(medoids, classes).judge(samples)

    index, distance = nearest(samples, medoids)
    assert opinion.nearest_medoid.tolist() == index.tolist()
    assert opinion.medoid_distance.tolist() == distance.tolist()
    assert opinion.propagated.tolist() == classes[index].tolist()
    if len(set(classes)) == 1:
        assert opinion.prediction is None
        assert not opinion.mismatched.any()
    else:
        said = opinion.prediction
        assert said is not None
        assert set(said.classes) <= set(classes)
        assert ((said.probabilities > 0) & (said.probabilities <= 1)).all()
        assert opinion.mismatched.tolist() == (said.classes != opinion.propagated).tolist()


@pytest.mark.parametrize("offset", [0, 10])
def test_a_few_labels_a_class_are_learned_with_confidence_however_narrow_the_cone_is(offset):
    """With the offset, cosine distances are hundredths, as those of some models are."""
    rows, cluster = clustered(600, 256, 5, seed=0)
    classes = np.array(list("abcde"))[cluster]
    said = predict(rows[:30] + offset, classes[:30], rows[30:] + offset)
    assert (said.classes == classes[30:]).mean() > 0.98
    assert said.probabilities.mean() > 0.95


def test_a_rare_class_is_not_drowned_by_a_frequent_one():
    rows, cluster = clustered(2000, 64, 2, seed=1, noise=1.0)
    rare, frequent = rows[cluster == 0], rows[cluster == 1]
    said = predict(
        np.vstack([rare[:5], frequent[:200]]), ["rare"] * 5 + ["frequent"] * 200, np.vstack([rare, frequent])
    )
    right = said.classes == np.repeat(["rare", "frequent"], [len(rare), len(frequent)])
    assert right[: len(rare)].mean() > 0.9
    assert right[len(rare) :].mean() > 0.9


def test_the_length_of_embeddings_does_not_matter_to_the_classifier():
    rows, cluster = clustered(100, 32, 3, seed=2)
    classes = np.array(list("abc"))[cluster]
    said, louder = (
        predict(rows[:20], classes[:20], rows[20:]),
        predict(8 * rows[:20], classes[:20], rows[20:]),
    )
    assert said.classes.tolist() == louder.classes.tolist()
    assert said.probabilities.tolist() == louder.probabilities.tolist()


def test_the_most_probable_class_is_the_one_predicted():
    rows, cluster = clustered(300, 32, 4, seed=3)
    said = predict(rows[:40], np.array(list("abcd"))[cluster[:40]], rows[40:])
    assert (said.probabilities >= 1 / 4).all()


@pytest.mark.parametrize("seed", range(5))
def test_identical_medoids_of_two_classes_leave_the_classifier_undecided(seed):
    rows = np.random.default_rng(seed).random((2, 64))
    said = predict(rows[[0] * 7], ["gull"] * 4 + ["horn"] * 3, rows)
    assert said.probabilities.tolist() == pytest.approx([0.5, 0.5])


def test_with_one_class_every_sample_is_of_that_class():
    said = predict(np.eye(2, 3), ["gull", "gull"], np.eye(3))
    assert said.classes.tolist() == ["gull"] * 3
    assert said.probabilities.tolist() == [1, 1, 1]


def test_without_a_medoid_there_is_nothing_to_predict_with():
    with pytest.raises(ValueError, match="at least one medoid"):
        predict(np.empty((0, 3)), [], np.eye(3))


def test_what_is_said_of_a_sample_does_not_depend_on_its_row():
    rows, cluster = clustered(3000, 64, 4, seed=4)
    medoids, classes = unit_vectors(rows[:40]), np.array(list("abcd"))[cluster[:40]]
    order = np.random.default_rng(0).permutation(2960)
    committee = Committee(medoids, classes)
    said = committee.judge(unit_vectors(rows[40:])).prediction
    shuffled = committee.judge(unit_vectors(rows[40:][order])).prediction
    assert said is not None
    assert shuffled is not None
    assert said.probabilities[order].tolist() == shuffled.probabilities.tolist()


def test_what_is_unresolved_is_a_class_to_both_members_and_to_no_answer():
    rows, cluster = clustered(300, 32, 4, seed=3, noise=0.8)
    names = np.array(["gull", "horn", "rain", ""])[cluster]
    heard, left = unit_vectors(rows[:60]), unit_vectors(rows[60:])
    agreed = names[:60] != ""
    medoids, unresolved = heard.take(np.flatnonzero(agreed)), heard.take(np.flatnonzero(~agreed))
    opinion = Committee(medoids, names[:60][agreed], unresolved).judge(left)
    everything = Committee(heard, names[:60]).judge(left)
    assert everything.prediction is not None
    assert opinion.prediction is not None
    assert opinion.unresolved is not None
    np.testing.assert_array_equal(opinion.mismatched, everything.mismatched)
    resolved = everything.prediction.classes != ""
    assert 0 < resolved.sum() < len(left)
    np.testing.assert_array_equal(
        opinion.prediction.classes[resolved], everything.prediction.classes[resolved]
    )
    np.testing.assert_allclose(
        opinion.unresolved.probability[~resolved], everything.prediction.probabilities[~resolved], atol=1e-4
    )
    assert "" not in {*opinion.prediction.classes.tolist(), *opinion.propagated.tolist()}
    index, distance = nearest(left, unresolved)
    np.testing.assert_array_equal(opinion.unresolved.nearest, index)
    np.testing.assert_array_equal(opinion.unresolved.distance, distance)


def test_one_class_and_what_is_unresolved_differ_without_a_prediction():
    rows, cluster = clustered(80, 16, 2, seed=4, noise=0.8)
    medoids, unresolved = rows[:20][cluster[:20] == 0], rows[:20][cluster[:20] == 1]
    opinion = Committee(
        unit_vectors(medoids), np.array(["gull"] * len(medoids)), unit_vectors(unresolved)
    ).judge(unit_vectors(rows[20:]))
    assert opinion.prediction is None
    assert opinion.unresolved is not None
    assert set(opinion.propagated) == {"gull"}
    nearer = opinion.unresolved.distance < opinion.medoid_distance
    np.testing.assert_array_equal(opinion.mismatched, nearer != (opinion.unresolved.probability > 0.5))
