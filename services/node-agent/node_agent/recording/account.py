"""What a source comes to: how much sound, where its times are from, what is left out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from node_agent.recording.left_out import LeftOut


@dataclass(frozen=True)
class Account:
    """The source in a sentence or two, and everything that was left out of it or is doubtful."""

    source: str
    left_out: Sequence[LeftOut]


def sentence(times: Mapping[str, int], moved: int, audios: int, others: int, hidden: int) -> str:
    """How many sounds have their time from where, how many were moved in time, and what else is there."""
    sentences = [f"{_counted(sum(times.values()), 'sound')} in {_counted(audios, 'audio')}"]
    if times:
        counts = (f"{source}: {count:,}" for source, count in times.items())
        sentences.append(f"Times from {', from '.join(counts)}")
    if moved:
        sentences.append(f"{moved:,} with the time of another, set some microseconds later")
    rest = [f"{_counted(others, 'other file')}"] * bool(others) + [f"{hidden:,} hidden"] * bool(hidden)
    if rest:
        sentences.append(f"No sounds: {', '.join(rest)}")
    return ". ".join(sentences) + "."


def _counted(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"
