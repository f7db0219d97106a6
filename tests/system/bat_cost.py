"""What a round over finished annotations costs: requests, seconds and memory of `escolta bat pull`."""

from dataclasses import dataclass

from system.bat_commands import Commands, Used
from system.bat_team import TeamInBat


@dataclass(frozen=True)
class Cost:
    """Of one command: what it asked BAT for, and what it took."""

    what: str
    answers: int
    requests: int
    seconds: float
    peak_mb: float


async def costs(team: TeamInBat, commands: Commands, audios: int) -> list[Cost]:
    """Push `audios`, let one person label all that their group has, and read it: a command after the other.

    The first list of finished annotations is only noted; the second has them read; later ones find nothing.
    """
    await team.propose(audios)
    found = [await _cost(team, commands, f"push of {audios}")]
    while await team.what_bat_lacks():
        await commands.run("push")
    await team.label("ana")
    for what in ("first round: they are finished", "second round: they are read", "a round without news"):
        found.append(await _cost(team, commands, what))
    wrong = await team.what_is_wrong()
    assert not wrong, wrong[:3]
    return found


async def _cost(team: TeamInBat, commands: Commands, what: str) -> Cost:
    await team.bat.forget_requests()
    used: Used = await commands.run("push" if what.startswith("push") else "pull")
    asked = await team.bat.asked()
    assert await team.bat.most_at_once() <= 1, "one request at a time"
    assert all(one["toolbar_off"] for one in asked)
    return Cost(
        what, await team.answers(), len(asked), round(used.seconds, 1), round(used.peak_bytes / 1e6, 1)
    )
