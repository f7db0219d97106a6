"""What an annotation in BAT means here, or why it cannot be taken over and what to do: pure functions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from escolta.listening.agreement import Marked
from label_gateway.bat.spans import Outside, Span, inside
from label_gateway.labeling.submissions import MOST_EVENTS


@dataclass(frozen=True)
class Why:
    """Why an answer is not taken over, and what somebody does about it."""

    reason: str
    todo: str


class NotTaken(Exception):
    """Raised where an answer waits for somebody. `detail`: what is wrong with this one."""

    def __init__(self, why: Why, detail: str | None = None) -> None:
        super().__init__(why.reason)
        self.why, self.detail = why, detail


CORRECT_IT = "Let the user correct it in BAT and finish it again."
NOTHING_TO_DO = "Nothing has to be done:"

UNKNOWN_USER = Why(
    "nobody here labels in BAT as this user",
    "Give the name to a labeler under Who labels where, and what they have finished is taken over.",
)
DISABLED = Why(
    "this user's labeler may not sign in", "Let them in again, or leave it: nobody waits for them."
)
UNKNOWN_WAV = Why(
    "this wav is in our project, and we have not brought it there",
    "Leave our projects to us in BAT: nothing is taken over from such a wav.",
)
WITHHELD = Why("this audio may not be heard any longer", f"{NOTHING_TO_DO} its node's policy withholds it.")
TOO_LATE = Why(
    "this came, or was changed, after the audio was settled",
    f"{NOTHING_TO_DO} what was settled stays as it is.",
)
NOT_THEIRS = Why(
    "the audio is not, or no longer, for the labeler's group",
    "Tell the user which project is theirs; or put the labeler into that group.",
)
NO_CLASS = Why("a mark has no class", CORRECT_IT)
OUTSIDE = Why("a mark lies outside the audio, or ends before it begins", CORRECT_IT)
TOO_MANY = Why(f"it has more than {MOST_EVENTS} marks", CORRECT_IT)
UNREADABLE = Why(
    "BAT cannot show what was said",
    "It is read again in every round. Letters other than those of ASCII in a tag or a class break BAT's"
    " pages: have them removed there.",
)


def unknown_class(name: str) -> Why:
    """For a class of BAT that is none of ours."""
    return Why(
        f"the class {name!r} of BAT is none of ours",
        "Let the user choose one that the project offers and finish again; or add a class of that name here,"
        " on the labeling page.",
    )


def events_of(
    spans: Sequence[Span], labeler_id: int, class_ids: Mapping[str, int], duration_s: float, shown_s: float
) -> list[Marked]:
    """What the labeler says of an audio of `duration_s`, of which BAT shows `shown_s`.

    `class_ids`: by name in BAT.
    Raises `NotTaken` for the first thing that is wrong: nothing is taken over by half.
    """
    if len(spans) > MOST_EVENTS:
        raise NotTaken(TOO_MANY, f"{len(spans)} marks")
    return [_event(span, labeler_id, class_ids, duration_s, shown_s) for span in spans]


def _event(
    span: Span, labeler_id: int, class_ids: Mapping[str, int], duration_s: float, shown_s: float
) -> Marked:
    if not span.class_name:
        raise NotTaken(NO_CLASS, f"at {span.start_s:g} s")
    if span.class_name not in class_ids:
        raise NotTaken(unknown_class(span.class_name))
    try:
        cut = inside(span, duration_s, shown_s)
    except Outside as error:
        raise NotTaken(OUTSIDE, str(error)) from None
    return Marked(labeler_id, class_ids[span.class_name], cut.start_s, cut.end_s)
