"""People label in BAT, answers change, rounds fail: in any order, the catalog ends as the people have it."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass, replace
from uuid import UUID

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry
from pydantic import SecretStr

from escolta.errors import Transient
from escolta.settings import Settings
from label_gateway.bat.client import open_bat
from label_gateway.bat.pull import pulling
from label_gateway.bat.sync import Sync
from label_gateway.batches.handlers import Batches
from servers.bat.faults import Kind
from servers.bat.process import PASSWORD, USER
from system.bat_commands import Request
from system.bat_run import ADD_CLASS, ADD_PROJECT, BEGIN, GET_CLASSES, KINDS, READ, SEND
from system.bat_team import GROUPS, TeamInBat, group_of, hears, in_bat, team_in_bat

AUDIOS = 4
EXAMPLES = 6
"""One after another on the same catalog and BAT, so that nothing can be said of a smaller one alone."""
MOST_ROUNDS = 8
PEOPLE = [who for people in GROUPS.values() for who in people]
REQUESTS = (*BEGIN, GET_CLASSES, ADD_CLASS, ADD_PROJECT, *SEND, *READ)


@dataclass(frozen=True)
class Round:
    """A round in which a request fails, or that ends at it."""

    kind: Kind | None
    at: Request
    skip: int


@dataclass(frozen=True)
class Labels:
    """Somebody labels the next audio that BAT has for them."""

    who: str


@dataclass(frozen=True)
class Changes:
    """Somebody goes back to what they have finished, unless everybody of their group is done with it."""

    who: str


WELL = Round(None, BEGIN[0], 0)

rounds = st.builds(
    Round,
    st.sampled_from([None, *KINDS, "held before", "held after"]),
    st.sampled_from(REQUESTS),
    st.integers(0, 3),
)
labels, changes = st.builds(Labels, st.sampled_from(PEOPLE)), st.builds(Changes, st.sampled_from(PEOPLE))
steps = st.lists(st.one_of(rounds, labels, labels, changes), min_size=4, max_size=14)


@dataclass(repr=False)
class World:
    """A team, and the rounds of the label-gateway that it has."""

    team: TeamInBat
    sync: Sync
    settings: Settings


@pytest.fixture
async def world(catalog_url, bat, tmp_path):
    async with team_in_bat(catalog_url, bat, tmp_path) as team:
        chosen = {
            "bat_url": bat.url,
            "bat_user": USER,
            "bat_password": SecretStr(PASSWORD),
            "bat_settle_s": 0.0,
        }
        at_work = team.gateway.on.of_service  # type: ignore[attr-defined]  # SeenByOwner's
        apart = replace(
            at_work,
            settings=at_work.settings.model_copy(update=chosen),
            metrics=CollectorRegistry(),  # the service counts in its own
        )
        yield World(team, Sync(apart, pulling(apart, Batches(apart))), apart.settings)


@settings(max_examples=EXAMPLES, suppress_health_check=list(HealthCheck), phases=[Phase.generate])
@given(steps)
async def test_whatever_happens_in_whatever_order_nothing_is_lost_or_double(world, steps):
    team = world.team
    await team.propose(AUDIOS)
    await _round(world, WELL)
    for step in steps:
        await _take(world, step)
    await _until(world, team.what_bat_lacks)
    await team.label(*PEOPLE)
    await _until(world, team.what_is_wrong)
    assert await team.answers() == len(team.said)
    assert await team.what_bat_lacks() == []


async def _until(world: World, what_is_amiss) -> None:
    for _ in range(MOST_ROUNDS):
        if not await what_is_amiss():
            return
        await _round(world, WELL)
    assert await what_is_amiss() == []


async def _take(world: World, step: Round | Labels | Changes) -> None:
    if isinstance(step, Round):
        await _round(world, step)
    elif isinstance(step, Labels):
        await _label_next(world.team, step.who)
    else:
        await _change(world.team, step.who)


async def _round(world: World, step: Round) -> None:
    """In this process; one that ends in the middle is canceled."""
    bat = world.team.bat
    if step.kind:
        await bat.fault(step.kind, step.at.method, step.at.where, skip=step.skip)
    doing = asyncio.create_task(_one_round(world))
    while not doing.done() and not await bat.held():
        await asyncio.sleep(0.01)
    doing.cancel()
    with suppress(asyncio.CancelledError):
        await doing
    await bat.mend()


async def _one_round(world: World) -> None:
    with suppress(Transient):
        async with open_bat(world.settings) as bat:
            await world.sync.round(bat)


async def _label_next(team: TeamInBat, who: str) -> None:
    wavs, names, annotator = await team.wavs(), await team.bat_names(), await team.annotator(who)
    there = await annotator.projects()
    for project in (await team.projects())[group_of(who)]:
        if project not in there:
            continue

        def heard(wav: str, project: str = project):
            audio_id = wavs[project, wav]
            team.said[who, audio_id] = hears(who, audio_id)
            return in_bat(team.said[who, audio_id], names)

        if await annotator.label_next(project, heard):
            return


async def _change(team: TeamInBat, who: str) -> None:
    for (other, audio_id), _ in sorted(team.said.items(), key=str):
        if other == who and await _is_open(team, audio_id):
            await team.label_again(who, audio_id)
            return


async def _is_open(team: TeamInBat, audio_id: UUID) -> bool:
    people = GROUPS[group_of(next(who for who, known in team.said if known == audio_id))]
    return any((who, audio_id) not in team.said for who in people)
