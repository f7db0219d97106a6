"""When may one stop labeling? What each iteration tells about it, and advice with its reasons."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Literal
from uuid import UUID

import numpy as np
from pydantic import BaseModel, Field


class Share(BaseModel):
    """A share with its 95 % interval (Wilson), out of `of` audios."""

    value: float = Field(ge=0, le=1)
    low: float = Field(ge=0, le=1)
    high: float = Field(ge=0, le=1)
    of: int = Field(ge=0)


class PanelIteration(BaseModel):
    """What one iteration tells. Null: not known, or not yet: the batch is open, or there was no medoid."""

    iteration_id: UUID
    number: int = Field(ge=1, description="its place among the iterations with proposals, from 1")
    status: str
    proposed_at: datetime
    proposed: int
    labeled: int = Field(description="audios of the batch that got an agreed class")
    labels: int = Field(description="labeled audios up to and with this iteration")
    fitted_to: int = Field(description="labeled audios before it: what its classifier was fitted to")
    mismatched: Share | None = Field(description="share of the looked-at audios on which the two differ")
    changed: Share | None = Field(
        description="share of the audios that this iteration and the one before looked at whose class, by the"
        " committee's classifier, is another one than then"
    )
    new_classes: list[str] | None = Field(description="classes that no earlier iteration had met")
    control_accuracy: Share | None = Field(
        description="share of the control arm that the committee's classifier, fitted before the batch, was"
        " right about; it is smoother than the one that predicts (C = 1, not 100) and may be less often right"
    )


class ClassPrevalence(BaseModel):
    """How common a class is, by the control arms alone: unbiased for the audios not proposed before each."""

    name: str
    share: Share


class RandomPoint(BaseModel):
    """What a classifier fitted to the control arm alone would have learned: the curve of random labeling."""

    labels: int
    accuracy: Share


class ExpectedGain(BaseModel):
    """What the next `labels` labels are likely to bring, and by which method that was estimated."""

    labels: int
    new_classes: float | None
    accuracy: float | None = Field(description="in points of accuracy, from 0 to 1")
    method: str


class Panel(BaseModel):
    """The stopping panel: iterations in their order, what the control arm shows, advice with its reasons."""

    iterations: list[PanelIteration]
    prevalence: list[ClassPrevalence]
    random_curve: list[RandomPoint]
    expected_gain: ExpectedGain | None
    advice: Literal["go on", "consider stopping", "too early to say"]
    reasons: list[str]


Z95 = 1.959963984540054
ENOUGH_CONTROL = 30
"""Audios of the control arm below which its shares are too uncertain to advise from (ours)."""
LITTLE_MISMATCH, LITTLE_CHANGE, LITTLE_GAIN = 0.05, 0.02, 0.01
NEXT_LABELS = 100
STEADY_ITERATIONS = 2


def wilson(hits: int, audios: int) -> Share | None:
    """The share with its 95 % score interval (Wilson 1927); None of nothing."""
    if audios == 0:
        return None
    p, z2 = hits / audios, Z95**2
    center = (p + z2 / (2 * audios)) / (1 + z2 / audios)
    half = Z95 / (1 + z2 / audios) * (p * (1 - p) / audios + z2 / (4 * audios**2)) ** 0.5
    return Share(
        value=p, low=max(0.0, min(p, center - half)), high=min(1.0, max(p, center + half)), of=audios
    )


def prevalence(control_labels: Sequence[str]) -> list[ClassPrevalence]:
    """How common each class is among the audios, the most common first; labels of the control arm alone.

    The control arm of an iteration is a uniform sample of its unlabeled audios: of the windows that were
    looked at, without what was proposed before. Audios without agreement are left out.
    """
    counted = Counter(control_labels)
    return [
        ClassPrevalence(name=name, share=share)
        for name, count in sorted(counted.items(), key=lambda entry: (-entry[1], entry[0]))
        if (share := wilson(count, len(control_labels)))
    ]


def unseen_classes(labels: Sequence[str], more: int) -> float:
    """Classes that `more` random labels are expected to meet for the first time.

    `labels`: of a random sample, which the control arm is. How many classes are still unseen follows from
    those met once and twice (Chao 1984, bias-corrected where none was met twice), and how soon they are met
    from the chance that the next label is new (Good 1953; Colwell et al. 2012, equation 9).
    """
    n = len(labels)
    times = Counter(Counter(labels).values())
    once, twice = times[1], times[2]
    if once == 0:
        return 0.0
    unseen = (n - 1) / n * (once**2 / (2 * twice) if twice else once * (once - 1) / 2)
    if unseen == 0:
        return 0.0
    return float(unseen * (1 - (1 - once / (n * unseen + once)) ** more))


def accuracy_gain(points: Sequence[tuple[int, Share]], more: int) -> float | None:
    """Points of accuracy that `more` labels bring if the curve goes on as it went (ours).

    A weighted least-squares line of accuracy over the logarithm of the number of labels, each point weighing
    as much as its control arm has audios; None with fewer than three points, or all at one number of labels.
    """
    usable = [(labels, share) for labels, share in points if labels > 0]
    if len({labels for labels, _ in usable}) < 3:
        return None
    x = np.log([labels for labels, _ in usable])
    y = np.array([share.value for _, share in usable])
    weight = np.array([share.of for _, share in usable], float)
    center_x, center_y = np.average(x, weights=weight), np.average(y, weights=weight)
    slope = np.sum(weight * (x - center_x) * (y - center_y)) / np.sum(weight * (x - center_x) ** 2)
    last = usable[-1][0]
    return float(np.clip(slope * np.log1p(more / last), 0, 1 - y[-1]))


def expected_gain(points: Sequence[tuple[int, Share]], control_labels: Sequence[str]) -> ExpectedGain | None:
    """What the next labels are likely to bring; None before the control arm says anything.

    No estimate is made from less than `ENOUGH_CONTROL` audios of the control arm; `method` says so then.
    """
    heard, judged = len(control_labels), sum(share.of for _, share in points)
    if heard == 0:
        return None
    if heard < ENOUGH_CONTROL:
        return ExpectedGain(
            labels=NEXT_LABELS,
            new_classes=None,
            accuracy=None,
            method=(
                f"{_times(heard, 'labeled audio')} of control arms {'is' if heard == 1 else 'are'} too few"
                f" to estimate from: it takes {ENOUGH_CONTROL}."
            ),
        )
    return ExpectedGain(
        labels=NEXT_LABELS,
        new_classes=unseen_classes(control_labels, NEXT_LABELS),
        accuracy=accuracy_gain(points, NEXT_LABELS) if judged >= ENOUGH_CONTROL else None,
        method=(
            "New classes: Chao's estimate from the control arm, for labels bought at random; the"
            " strategy looks for rare sounds and meets more. Accuracy: a line through the control arm's"
            " accuracy over the logarithm of the labels; it supposes that the sound stays the same, and with"
            " few audios in the control arm it is rough. That accuracy is the committee's classifier's."
        ),
    )


def advise(
    iterations: Sequence[PanelIteration], gain: ExpectedGain | None
) -> tuple[Literal["go on", "consider stopping", "too early to say"], list[str]]:
    """Advice with its reasons, in sentences. To stop, nothing may speak for going on."""
    done = [iteration for iteration in iterations if iteration.status == "closed"]
    heard = sum(iteration.control_accuracy.of for iteration in done if iteration.control_accuracy)
    if len(done) <= STEADY_ITERATIONS or heard < ENOUGH_CONTROL:
        return "too early to say", [
            f"There {'is' if len(done) == 1 else 'are'} {_times(len(done), 'closed batch')} and"
            f" {_times(heard, 'labeled audio')} of control arms to tell how good the classifier is: advice"
            f" takes {STEADY_ITERATIONS + 1} batches and {ENOUGH_CONTROL} such audios."
        ]
    last = done[-STEADY_ITERATIONS:]
    go_on: list[str] = []
    stop: list[str] = []
    for speaks, reason in (_mismatch(last), _change(last), _new_classes(last), _gain(gain)):
        if reason:
            (go_on if speaks else stop).append(reason)
    if go_on:
        return "go on", go_on + stop
    return "consider stopping", stop


def _times(count: int, what: str) -> str:
    plural = what + ("es" if what.endswith(("s", "ch")) else "s")
    return f"{count} {what if count == 1 else plural}"


Reason = tuple[bool, str]
"""Whether it speaks for going on, and the sentence; an empty one where nothing is known."""


def _mismatch(last: Sequence[PanelIteration]) -> Reason:
    share = last[-1].mismatched
    if share is None:
        return False, ""
    much = share.value > LITTLE_MISMATCH
    return much, f"On {share.value:.0%} of the audios looked at the two of the committee still differ."


def _change(last: Sequence[PanelIteration]) -> Reason:
    share = last[-1].changed
    if share is None:
        return False, ""
    much = share.value > LITTLE_CHANGE
    return (
        much,
        f"The last batch changed what the committee's classifier says of {share.value:.1%} of the audios.",
    )


def _new_classes(last: Sequence[PanelIteration]) -> Reason:
    new = [name for iteration in last for name in iteration.new_classes or ()]
    if new:
        met = _times(len(new), "new class")
        return True, f"The last {len(last)} batches met {met}: {', '.join(new)}."
    return False, f"The last {len(last)} batches met no new class."


def _gain(gain: ExpectedGain | None) -> Reason:
    if gain is None or gain.accuracy is None:
        return False, ""
    much = gain.accuracy > LITTLE_GAIN
    return (
        much,
        f"The next {gain.labels} labels should raise the accuracy by {100 * gain.accuracy:.1f} points.",
    )
