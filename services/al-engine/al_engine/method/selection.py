"""One batch of the active-learning iteration: which audios people should listen to next.

Naranjo-Alcazar et al. 2024, section 2.4: the unlabeled audios are partitioned into disjoint sets; a
strategy proposes from the first, by default MAL (Zhao, Heittola & Virtanen 2017) while there is no medoid,
then MAL-MF (2020). Part of the batch, the control arm (ours), is drawn at random from all of them. Rows are
put in order of audio id first: the same audios, settings and medoids give the same batch.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

import numpy as np
from numpy.typing import ArrayLike, NDArray

from al_engine.exact.audio_ids import Ids, by_id, ids_of, uuids
from al_engine.exact.distances import KnownNearest
from al_engine.exact.vectors import UnitVectors, unit_vectors
from al_engine.method import strategies
from al_engine.method.checks import check_finite, check_shapes, finite_vectors
from al_engine.method.committee import Classes, Committee, Opinion
from al_engine.method.draw import draw, draw_places
from al_engine.method.earlier import Earlier
from al_engine.method.partition import partition
from al_engine.method.strategies import View


@dataclass(frozen=True)
class SelectionSettings:
    """`batch`: audios to propose, B. `max_set`: the most audios of one disjoint set, N_max.

    `strategy`: a name in `strategies.STRATEGIES`. `control_share`: part of the batch that is drawn at
    random, 0 to 1. `seed`: of everything random; another one for every iteration, or audios that arrive
    between two iterations would be in the second control arm more often than those that stayed.
    """

    batch: int
    max_set: int
    strategy: str = "mal-mf"
    control_share: float = 0.0
    seed: int = 0


@dataclass(frozen=True)
class Proposal:
    """One audio of the batch. What the committee says of it is None where there was no medoid yet.

    `rank` and `disjoint_set` count from 1. `nearest_medoid` is a row of the given medoids.
    `predicted_class` and its probability are None as well while the medoids have one class only.
    `nearest_unresolved`, a row of those that earlier batches left, its distance, and how probable it is that
    nobody would agree here either, are None while all that was heard has a class.
    `control`: drawn at random from all audios. Whoever labels must not be told.
    """

    rank: int
    audio_id: UUID
    disjoint_set: int
    nearest_medoid: int | None = None
    medoid_distance: float | None = None
    propagated_class: str | None = None
    predicted_class: str | None = None
    predicted_probability: float | None = None
    nearest_unresolved: int | None = None
    unresolved_distance: float | None = None
    unresolved_probability: float | None = None
    mismatched: bool = False
    control: bool = False


@dataclass(frozen=True)
class Judged:
    """Rows of the given embeddings, intp `[judged]`, and what the committee says of each."""

    rows: NDArray[np.intp]
    opinion: Opinion


@dataclass(frozen=True)
class Selection:
    """The batch by rank, and what the committee said on the way.

    `judged`: the disjoint sets that were looked at, one by one, then the control arm, whose audios are in
    no other entry. Empty while there is no medoid.
    """

    proposals: list[Proposal]
    judged: list[Judged]


@dataclass(frozen=True)
class Unlabeled:
    """The set U, in order of audio id, without its embeddings: they may be millions, and few are needed.

    `ids [audios, 2]`; `top_classes` and `top_probabilities` `[audios]`: the tagger's top-1 class and its
    probability. `load(rows)` gives the embeddings of those rows, `[rows, dim]`; `known(rows)` what is known
    already of their nearest medoids, if anything is.
    """

    ids: Ids
    top_classes: NDArray[np.generic]
    top_probabilities: NDArray[np.floating]
    load: Callable[[NDArray[np.intp]], NDArray[np.floating]]
    known: Callable[[NDArray[np.intp]], KnownNearest | None] = lambda rows: None

    def __len__(self) -> int:
        return len(self.ids)


def select_batch(
    embeddings: NDArray[np.floating],
    audio_ids: Sequence[UUID],
    top_classes: ArrayLike,
    top_probabilities: ArrayLike,
    medoid_embeddings: NDArray[np.floating],
    medoid_classes: ArrayLike,
    settings: SelectionSettings,
    known: KnownNearest | None = None,
    earlier: Earlier | None = None,
) -> Selection:
    """`select` where everything is at hand, in any order of rows.

    `embeddings [samples, dim]` float16 or float32 of any length; `audio_ids`, `top_classes`,
    `top_probabilities` `[samples]`; `known`: what is known already of the samples' nearest medoids;
    `earlier`: what else earlier batches have left, if anything.
    """
    classes, p = np.asarray(top_classes), np.asarray(top_probabilities)
    check_shapes(embeddings, audio_ids, classes, p, medoid_embeddings, np.asarray(medoid_classes))
    ids = ids_of(audio_ids)
    order = by_id(ids)
    unlabeled = Unlabeled(
        ids[order],
        classes[order],
        p[order],
        lambda rows: embeddings[order[rows]],
        lambda rows: known and KnownNearest(known.index[order[rows]], known.distance[order[rows]], known.new),
    )
    selection = select(unlabeled, medoid_embeddings, medoid_classes, settings, earlier)
    judged = [Judged(order[judged.rows], judged.opinion) for judged in selection.judged]
    return Selection(selection.proposals, judged)


def select(
    unlabeled: Unlabeled,
    medoid_embeddings: NDArray[np.floating],
    medoid_classes: ArrayLike,
    settings: SelectionSettings,
    earlier: Earlier | None = None,
) -> Selection:
    """Propose `settings.batch` of the unlabeled audios, or all when there are fewer; best first.

    `medoid_embeddings [medoids, dim]` and `medoid_classes [medoids]`, in the order in which medoids are
    wanted: of equally near ones the first counts. There may be none of either. `earlier`: what else earlier
    batches have left; open proposals count as taken.

    1. Partition the audios into disjoint sets.
    2. Draw the control arm from all of them; its audios leave their sets.
    3. Take D_1; the strategy proposes.
    4. A set that is used up leaves the rest of the batch to the next one.
    5. Mix the control arm in, at ranks drawn at random.

    Raises `Misconfigured` for an unknown strategy, `Rejected` when an embedding is not finite.
    """
    strategy = strategies.find(settings.strategy)
    wanted = min(settings.batch, len(unlabeled))
    earlier = earlier or Earlier.nothing(medoid_embeddings.shape[1])
    window = _Window(unlabeled, medoid_embeddings, np.asarray(medoid_classes, np.str_), earlier)
    sets = partition(unlabeled.top_classes, unlabeled.top_probabilities, settings.max_set)
    set_of = np.empty(len(unlabeled), np.intp)
    for number, members in enumerate(sets, 1):
        set_of[members] = number
    control = control_arm(unlabeled.ids, wanted, settings)
    arm = window.look_at(control)
    chosen: list[Proposal] = []
    judged: list[Judged] = []
    taken = [arm.samples] if len(control) else []
    for number, members in enumerate(sets, 1):
        if len(chosen) >= wanted - len(control):
            break
        left = members[~np.isin(members, control)]
        if not len(left):
            continue
        looked = window.look_at(left)
        view = window.view(looked, taken, settings)
        for row in strategy(view, wanted - len(control) - len(chosen)):
            chosen.append(_proposal(looked, row, number))
        taken = [*taken, looked.samples]
        judged += looked.judged()
    drawn = [_proposal(arm, row, int(set_of[control[row]]), control=True) for row in range(len(control))]
    return Selection(_mixed(chosen, drawn, settings.seed), judged + arm.judged())


def control_arm(audio_ids: Sequence[UUID] | Ids, batch: int, settings: SelectionSettings) -> NDArray[np.intp]:
    """Rows of `round(control_share * batch)` audios, uniformly at random (ours).

    What people say of them estimates, without bias, how often each class sounds among the audios, and how
    often the classifier is right.
    """
    return draw(audio_ids, round(settings.control_share * batch), settings.seed, "control arm")


def _mixed(chosen: list[Proposal], control: list[Proposal], seed: int) -> list[Proposal]:
    """Both in one batch, ranked: the chosen in their order, the control arm at ranks drawn at random."""
    count = len(chosen) + len(control)
    places = set(draw_places(count, len(control), seed, "control ranks").tolist())
    from_chosen, from_control = iter(chosen), iter(control)
    return [
        replace(next(from_control if place in places else from_chosen), rank=place + 1)
        for place in range(count)
    ]


@dataclass(frozen=True)
class _Looked:
    """Some audios of the window: their rows, ids, unit vectors, and what the committee says."""

    rows: NDArray[np.intp]
    ids: list[UUID]
    samples: UnitVectors
    opinion: Opinion | None

    def judged(self) -> list[Judged]:
        return [Judged(self.rows, self.opinion)] if self.opinion and len(self.rows) else []


class _Window:
    """The unlabeled audios, what earlier batches have left, and the committee fitted to the medoids."""

    def __init__(
        self,
        unlabeled: Unlabeled,
        medoid_embeddings: NDArray[np.floating],
        medoid_classes: Classes,
        earlier: Earlier,
    ) -> None:
        self._unlabeled = unlabeled
        self.medoids = finite_vectors(medoid_embeddings, "medoid")
        self.unresolved = finite_vectors(earlier.unresolved, "unresolved audio")
        self.open_proposals = finite_vectors(earlier.open_proposals, "open proposal")
        self.medoid_classes = medoid_classes
        self._committee = (
            Committee(self.medoids, medoid_classes, self.unresolved) if len(medoid_classes) else None
        )

    def view(self, of: _Looked, taken: list[UnitVectors], settings: SelectionSettings) -> View:
        known = (self.medoids, self.medoid_classes, self.unresolved, self.open_proposals)
        return View(of.samples, of.ids, of.opinion, *known, taken, settings.batch, settings.seed)

    def look_at(self, rows: NDArray[np.intp]) -> _Looked:
        ids = uuids(self._unlabeled.ids[rows])
        samples = unit_vectors(self._unlabeled.load(rows))
        check_finite(samples, [f"audio {audio_id}" for audio_id in ids])
        opinion = (
            self._committee.judge(samples, self._unlabeled.known(rows))
            if self._committee and len(rows)
            else None
        )
        return _Looked(rows, ids, samples, opinion)


def _proposal(looked: _Looked, row: int, disjoint_set: int, control: bool = False) -> Proposal:
    """The audio at `row` of those looked at, with the reason; its rank is still to be given."""
    audio_id, opinion = looked.ids[row], looked.opinion
    if opinion is None:
        return Proposal(0, audio_id, disjoint_set, control=control)
    prediction, unresolved = opinion.prediction, opinion.unresolved
    return Proposal(
        0,
        audio_id,
        disjoint_set,
        nearest_medoid=int(opinion.nearest_medoid[row]),
        medoid_distance=float(opinion.medoid_distance[row]),
        propagated_class=str(opinion.propagated[row]),
        predicted_class=None if prediction is None else str(prediction.classes[row]),
        predicted_probability=None if prediction is None else float(prediction.probabilities[row]),
        nearest_unresolved=None if unresolved is None else int(unresolved.nearest[row]),
        unresolved_distance=None if unresolved is None else float(unresolved.distance[row]),
        unresolved_probability=None if unresolved is None else float(unresolved.probability[row]),
        mismatched=bool(opinion.mismatched[row]),
        control=control,
    )
