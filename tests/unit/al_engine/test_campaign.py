"""Offline campaigns: what is held out, what is hidden, and that labels teach."""

import numpy as np
import pytest
from unit.al_engine.vectors import clustered

from al_engine.campaigns.campaign import Campaign, LabeledAudios, Point
from al_engine.campaigns.folder_embeddings import Embeddings
from al_engine.campaigns.results import Result, labels_needed, mean_curve, rows
from al_engine.campaigns.usable import usable
from al_engine.method.strategies import STRATEGIES
from escolta.errors import Misconfigured
from escolta.truth import Truth

N, CLASSES, FOLDS = 240, 6, 3


def audios(folds: bool = True, noise: float = 0.3) -> LabeledAudios:
    vectors, cluster = clustered(N, 24, CLASSES, seed=11, noise=noise)
    names = [f"{number}.wav" for number in range(N)]
    classes = np.array([f"class {number}" for number in cluster])
    fold = {name: number % FOLDS + 1 for number, name in enumerate(names)}
    truth = Truth(dict(zip(names, classes, strict=True)), folds=fold if folds else {})
    return LabeledAudios(truth, Embeddings(names, vectors, classes, np.full(N, 0.5)))


def campaign(strategy: str = "mal-mf", seed: int = 0, imbalance: bool = False, labels: int = 30) -> Campaign:
    return Campaign(strategy, seed, 1, imbalance, batch=6, labels=labels)


@pytest.mark.parametrize("folds", [True, False])
@pytest.mark.parametrize("imbalance", [True, False])
def test_what_is_tested_with_is_never_bought(folds, imbalance):
    known = audios(folds)
    for fold in known.fold_numbers():
        split = known.split(seed=3, fold=fold, imbalance=imbalance)
        assert not set(split.pool) & set(split.test)
        assert set(known.classes[split.test]) == set(known.classes[split.pool]) == set(known.classes)


def test_every_fold_is_held_out_once():
    known = audios()
    tests = [known.split(0, fold, False).test for fold in known.fold_numbers()]
    assert sorted(np.concatenate(tests)) == list(range(N))


def test_without_folds_a_quarter_of_each_class_is_held_out_anew_by_every_seed():
    known = audios(folds=False)
    assert known.fold_numbers() == [1]
    first, second = (known.split(seed, 1, False).test for seed in (0, 1))
    assert set(first) != set(second)
    for name in np.unique(known.classes):
        assert (known.classes[first] == name).sum() == round(0.25 * (known.classes == name).sum())


def test_a_seed_hides_a_tenth_of_the_pool():
    known = audios()
    pools = [set(known.split(seed, 1, False).pool) for seed in (0, 1)]
    for pool in pools:
        assert len(pool) == pytest.approx(0.9 * N * 2 / 3, abs=CLASSES)
    assert pools[0] != pools[1]


def test_imbalance_leaves_few_audios_of_a_third_of_the_classes():
    known = audios()
    whole, few = known.split(4, 1, False), known.split(4, 1, True)
    assert len(few.rare) == CLASSES // 3
    for name in np.unique(known.classes):
        kept, there = [(known.classes[split.pool] == name).sum() for split in (few, whole)]
        assert kept == pytest.approx(there / 4, abs=1) if name in few.rare else kept == there


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_labels_teach(strategy):
    points = audios().run(campaign(strategy), max_set=1000)
    assert [point.labels for point in points] == [6, 12, 18, 24, 30]
    assert points[-1].macro_f1 > 0.9
    assert all(point.macro_f1_rare is None for point in points)
    assert points[-1].classes == CLASSES


def test_the_first_batch_of_mal_mf_teaches_more_than_a_random_one():
    first = {name: audios().run(campaign(name, labels=6), 1000)[0].macro_f1 for name in ("mal-mf", "random")}
    assert first["mal-mf"] > first["random"] + 0.1


def test_a_campaign_is_the_same_when_run_again():
    again = [audios().run(campaign("random", 2, imbalance=True), 1000) for _ in range(2)]
    assert again[0] == again[1]
    assert all(point.macro_f1_rare is not None for point in again[0])


def test_a_campaign_ends_with_its_pool():
    known = audios()
    pool = len(known.split(0, 1, True).pool)
    assert known.run(campaign("random", imbalance=True, labels=10_000), 50)[-1].labels == pool


def result(seed: int, values: list[float]) -> Result:
    points = [Point(10 * (place + 1), value, None, 2 + place) for place, value in enumerate(values)]
    return Result(Campaign("random", seed, 1, False, 10, 30), points)


def test_labels_needed_are_where_the_mean_first_reaches_the_target():
    results = [result(0, [0.5, 1.0, 1.0]), result(1, [0.7, 0.8, 0.96, 0.97])]
    curve = mean_curve(results)
    assert curve.labels == [10, 20, 30]  # what both have reached
    assert curve.mean == pytest.approx([0.6, 0.9, 0.98])
    assert labels_needed(curve) == 30
    assert labels_needed(curve, 0.9) == 20
    assert labels_needed(curve, 0.99) is None


def test_a_smaller_pool_that_ends_at_a_number_of_its_own_is_not_averaged_with_another():
    small = Result(
        Campaign("random", 1, 2, False, 10, 30), [Point(10, 0.6, None, 2), Point(17, 0.8, None, 2)]
    )
    curve = mean_curve([result(0, [0.5, 0.9, 1.0]), small])
    assert curve.labels == [10]
    assert curve.mean == pytest.approx([0.55])


def test_a_row_says_what_was_run_and_what_came_of_it():
    [row] = rows([result(3, [0.5])])
    assert row == {
        "strategy": "random",
        "seed": 3,
        "fold": 1,
        "imbalance": False,
        "labels": 10,
        "macro_f1": 0.5,
        "classes": 2,
    }


def truth_of(*classes: str, folds: str = "") -> Truth:
    names = [f"{number}.wav" for number in range(len(classes))]
    return Truth(
        dict(zip(names, classes, strict=True)),
        folds=dict(zip(names, map(int, folds), strict=True)) if folds else {},
    )


def test_a_class_that_cannot_be_tested_is_left_out_and_told():
    truth, notes = usable(truth_of("low", "low", "rare", "mid", "mid"))
    assert sorted(set(truth.categories.values())) == ["low", "mid"]
    [note] = notes
    assert note.startswith("class rare is left out: it has one audio")
    truth, notes = usable(truth_of("low", "low", "mid", "mid", "odd", "odd", folds="121233"))
    assert sorted(set(truth.categories.values())) == ["low", "mid"]
    assert notes == ["class odd is left out: all of it is in fold 3, so nothing else could teach it"]


def test_what_has_nothing_to_tell_apart_is_refused():
    with pytest.raises(Misconfigured, match=r"two classes or more to tell apart, and here are low$"):
        usable(truth_of("low", "low", "low"))
    with pytest.raises(Misconfigured, match="here are low, rare; rare is left out: it has one audio"):
        usable(truth_of("low", "low", "rare"))
    with pytest.raises(Misconfigured, match="all of it is in fold 1"):
        usable(truth_of("low", "low", "mid", "mid", folds="1111"))


def test_audios_without_truth_are_in_no_campaign():
    truth = Truth({"a.wav": "low", "b.wav": "mid"})
    embeddings = Embeddings(
        ["c.wav", "b.wav", "a.wav"], np.eye(3, dtype=np.float32), np.array(["x"] * 3), np.ones(3, np.float32)
    )
    audios = LabeledAudios(truth, embeddings)
    rows = dict(zip(audios.classes, audios.vectors.tolist(), strict=True))
    assert rows == {"mid": [0, 1, 0], "low": [0, 0, 1]}
