"""When may one stop labeling? What each iteration tells about it, and advice with its reasons."""

from datetime import datetime
from typing import Literal
from uuid import UUID

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
    mismatched: Share | None = Field(description="share of the looked-at audios on which the two differ")
    changed: Share | None = Field(
        description="share of the unlabeled audios whose predicted class is another one than an iteration ago"
    )
    new_classes: list[str] | None = Field(description="classes that no earlier iteration had met")
    control_accuracy: Share | None = Field(
        description="share of the control arm that the classifier, fitted before the batch, was right about"
    )


class ClassPrevalence(BaseModel):
    """How common a class is among the audios, by the control arm alone: unbiased."""

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
