"""People label in BAT while everything fails that can, and `escolta bat` is killed at every step of a round.

In the end BAT has to hold each audio once, and the catalog what the people did. The same seed fails alike.
"""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeVar

from servers.bat.faults import Kind
from system.bat_commands import Commands, Request, Verb
from system.bat_team import TeamInBat, hears

Choice = TypeVar("Choice")

BROKEN = 3
CHANGED = 8
MOST_ROUNDS = 30
"""After so many without a failure something will never come."""

GET_CLASSES = Request("GET", "/classes/")
ADD_CLASS = Request("POST", "/classes/")
ADD_PROJECT = Request("POST", "/projects/")
UPLOAD = Request("POST", "/upload_data/")
REGION = Request("GET", r"/admin/annotation_tool/region/\d+/")
BEGIN = (
    Request("GET", "/annotation_tool/$"),
    Request("POST", "/annotation_tool/$"),
    Request("GET", "/projects/"),
)
SEND = (Request("GET", "/admin/annotation_tool/wav/"), UPLOAD)
READ = (
    REGION,
    Request("GET", r"/admin/annotation_tool/classprominence/\?"),
    Request("GET", r"/annotations/\?"),
    Request("GET", r"/admin/annotation_tool/region/\?"),
)
KINDS: tuple[Kind, ...] = ("cut before", "cut after", "failed", "session expired", "elsewhere")
When = Literal["before", "after"]
WHEN: tuple[When, ...] = ("before", "after")


@dataclass
class Result:
    """What failed, and what is not as it should be in the end: nothing, if all is well."""

    seed: int
    audios: int
    annotations: int = 0
    changed: int = 0
    commands: int = 0
    kills: dict[str, int] = field(default_factory=dict)
    faults: dict[str, int] = field(default_factory=dict)
    never_struck: list[str] = field(default_factory=list)
    lacking: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def whole(self) -> bool:
        """BAT holds what it should, the catalog what was said, and everything that was to fail has failed."""
        return not (self.lacking or self.wrong or self.never_struck)


class Run:
    """`thorough`: everything at each request, and what takes a minute to fail; else a kill and a fault."""

    def __init__(
        self, team: TeamInBat, commands: Commands, audios: int, seed: int, *, thorough: bool = False
    ) -> None:
        self.team, self._commands, self._thorough = team, commands, thorough
        self._chance = random.Random(seed)
        self.result = Result(seed, audios)

    async def all(self) -> Result:
        """Push through failures; label, and pull through failures, with answers that change meanwhile."""
        begun = time.monotonic()
        half = self.result.audios // 2
        await self.team.propose(half)
        await self._make_projects()
        await self._send(self._no_answer_comes)
        await self.team.propose(self.result.audios - half)
        await self._make_further_projects()
        await self._send(self._upload_ends_late)
        self.result.lacking = await self.team.what_bat_lacks()
        await self._read()
        await self.team.label("carla", "enric")
        if self._thorough:
            await self._through_reading(skip=0)
        await self._until("pull", self._all_are_read)
        self.result.lacking += await self.team.what_bat_lacks()
        self.result.wrong = await self.team.what_is_wrong()
        self.result.annotations = len(self.team.said)
        self.result.seconds = round(time.monotonic() - begun, 1)
        return self.result

    async def _make_projects(self) -> None:
        """What comes before the first upload: the login, classes, and the projects of two groups."""
        for at in (*BEGIN, GET_CLASSES, ADD_CLASS):
            for when in self._of(WHEN):
                await self._kill("push", at, when, drop=True)
        for at in BEGIN:
            await self._fail("push", at, "failed" if at.method == "POST" else "elsewhere")
        await self._fail("push", ADD_CLASS, "cut after", stop_at_uploads=True)
        await self._fail("push", ADD_CLASS, "failed", stop_at_uploads=True)
        await self._kill("push", ADD_PROJECT, "before", drop=True)
        await self._fail("push", ADD_PROJECT, "failed", stop_at_uploads=True)
        await self._kill("push", ADD_PROJECT, "after")

    async def _make_further_projects(self) -> None:
        """The classes are there by now."""
        await self._fail("push", GET_CLASSES, "elsewhere", stop_at_uploads=True)
        await self._fail("push", ADD_PROJECT, "cut after", stop_at_uploads=True)

    async def _send(self, slowly: Callable[[], Awaitable[None]]) -> None:
        await self._through("push", SEND, skip=self._some())
        await self._kill_bat("push", UPLOAD)
        if self._thorough:
            await slowly()
        await self._until("push", self._all_are_there)

    async def _read(self) -> None:
        """Some answers are read, some change while they are, and some after."""
        await self.team.label("ana")
        await self._run("pull")
        await self._kill_bat("pull", REGION)
        await self._change_while_it_is_read()
        await self._break_the_admin()
        await self.team.label("ben", "dora")
        await self._through_reading(skip=self._some())
        await self._until("pull", self._all_are_read)
        for who, audio_id in self._chance.sample(sorted(self.team.said, key=str), CHANGED):
            await self.team.label_again(who, audio_id)
            self.result.changed += 1
        await self._through("pull", READ, skip=0)
        await self._until("pull", self._all_are_read)

    async def _through_reading(self, skip: int) -> None:
        """What is finished is noted in one round, and read in those after it."""
        await self._run("pull")
        await self._through("pull", READ, skip)

    async def _through(self, verb: Verb, requests: tuple[Request, ...], skip: int) -> None:
        for at in requests:
            for when in self._of(WHEN):
                await self._kill(verb, at, when, skip=skip)
            for kind in self._of(KINDS):
                await self._fail(verb, at, kind, skip=skip, stop=at)

    def _of(self, choices: Sequence[Choice]) -> Sequence[Choice]:
        return choices if self._thorough else [self._chance.choice(choices)]

    def _some(self) -> int:
        """How many requests of a kind go well first, so that it is in the middle."""
        return self._chance.randrange(1 + self.result.audios // 100)

    async def _kill(self, verb: Verb, at: Request, when: When, *, skip: int = 0, drop: bool = False) -> None:
        name = f"{verb}: {when} {at.method} {at.where}"
        self.result.commands += 1
        if await self._commands.killed(verb, at, when, skip=skip, drop=drop):
            self.result.kills[name] = self.result.kills.get(name, 0) + 1
        else:
            self.result.never_struck.append(f"{name} (kill -9)")

    async def _fail(
        self,
        verb: Verb,
        at: Request,
        kind: Kind,
        *,
        skip: int = 0,
        stop: Request | None = None,
        stop_at_uploads: bool = False,
    ) -> None:
        """Let a request fail. So that work is left the command is killed: at the second `stop` after it, or
        before BAT gets anything."""
        before = len(await self.team.bat.struck())
        await self.team.bat.fault(kind, at.method, at.where, skip=skip)
        self.result.commands += 1
        if stop_at_uploads:
            await self._commands.killed(verb, UPLOAD, "before", drop=True)
        elif stop:
            await self._commands.killed(verb, stop, "before", skip=skip + 1)
        else:
            await self._commands.run(verb)
            await self.team.bat.mend()
        name = f"{verb}: {kind}, {at.method} {at.where}"
        struck = [one["kind"] for one in (await self.team.bat.struck())[before:]]
        self._note(name, kind in struck)

    async def _kill_bat(self, verb: Verb, at: Request) -> None:
        """BAT itself ends while it is at work, and is there again later."""
        await self.team.bat.fault("held after", at.method, at.where)
        running = asyncio.create_task(self._commands.run(verb))
        self.result.commands += 1
        while not await self.team.bat.held() and not running.done():
            await asyncio.sleep(0.02)
        held = await self.team.bat.held()
        self.team.bat.kill()
        await running
        await self.team.bat.start()
        name = f"{verb}: BAT killed at {at.method} {at.where}"
        self._note(name, bool(held))

    async def _no_answer_comes(self) -> None:
        await self._fail("push", UPLOAD, "silent after", skip=self._some())

    async def _upload_ends_late(self) -> None:
        """We have gone, and have looked whether the wav is there, before BAT does what it was asked for."""
        await self.team.bat.fault("held before", UPLOAD.method, UPLOAD.where, skip=self._some())
        await self._run("push", ESCOLTA_BAT_SETTLE_S="3600")
        held = await self.team.bat.held()
        await self._run("push", ESCOLTA_BAT_SETTLE_S="3600")  # what may be under way is left alone
        await self.team.bat.mend()
        self._note("push: an upload ends after we have looked for it", bool(held))

    async def _break_the_admin(self) -> None:
        """A tag beyond ASCII breaks pages that we read, for everybody, until somebody takes it away."""
        # All of ana's answers may have been read by now. Of three that need those pages two are in one
        # project; where nobody has opened a page for 15 s, on a slow machine, a round reads one by its own.
        hers = sorted(audio for who, audio in self.team.said if who == "ana")
        for audio_id in [audio for audio in hers if hears("ana", audio, again=1)][:BROKEN]:
            await self.team.label_again("ana", audio_id)
            self.result.changed += 1
        self.team.bat.kill()
        self.team.bat.change("INSERT INTO tags (name) VALUES ('naïve')")
        await self.team.bat.start()
        await self._run("pull")
        await self._run("pull")
        listed = await self.team.listed("BAT cannot show what was said")
        self.team.bat.kill()
        self.team.bat.change("DELETE FROM tags WHERE name = 'naïve'")
        await self.team.bat.start()
        self._note("pull: a tag beyond ASCII", bool(listed))

    def _note(self, fault: str, came_to_be: bool) -> None:
        if came_to_be:
            self.result.faults[fault] = self.result.faults.get(fault, 0) + 1
        else:
            self.result.never_struck.append(fault)

    async def _change_while_it_is_read(self) -> None:
        """Somebody goes back to an annotation, and finishes it again, while its regions are read."""
        at = REGION
        await self.team.bat.fault("held before", at.method, at.where)
        running = asyncio.create_task(self._commands.run("pull"))
        self.result.commands += 1
        while not await self.team.bat.held() and not running.done():
            await asyncio.sleep(0.02)
        if not running.done():
            path = (await self.team.bat.struck())[-1]["path"]
            [(who, project, wav)] = self.team.bat.rows(
                "SELECT users.name, projects.name, wavs.name FROM regions"
                " JOIN annotations ON annotations.id = annotation_id JOIN users ON users.id = user_id"
                " JOIN segments ON segments.id = segment_id JOIN wavs ON wavs.id = wav_id"
                " JOIN projects ON projects.id = project_id WHERE regions.id = ?",
                int(path.split("/")[-3]),
            )
            await self.team.label_again(who, (await self.team.wavs())[project, wav])
            self.result.changed += 1
            self.result.faults["pull: finished again while it is read"] = 1
        else:
            self.result.never_struck.append("finished again while it is read")
        await self.team.bat.mend()
        await running

    async def _until(self, verb: Verb, done: Callable[[], Awaitable[bool]]) -> None:
        for _ in range(MOST_ROUNDS):
            await self._run(verb)
            if await done():
                return

    async def _run(self, verb: Verb, **more: str) -> None:
        self.result.commands += 1
        await self._commands.run(verb, **more)

    async def _all_are_there(self) -> bool:
        return not await self.team.what_bat_lacks()

    async def _all_are_read(self) -> bool:
        return await self.team.answers() == len(self.team.said) and not await self.team.what_is_wrong()
