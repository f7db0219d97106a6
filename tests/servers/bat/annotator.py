"""A person who labels in BAT with a browser: what it sends as they drag, choose, solve overlaps, finish."""

import json
import re
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import httpx

from servers.bat.browser_page import LabelingPage, labeling_page

TOOL = "/annotation_tool"
PASSWORD = "listen!"
UNUSED = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""BAT speaks no TLS, and to read every certificate of the machine takes a while."""
SALIENT = 5
RELOADS = 20
"""How often a person tries again to hear what another's page has taken away."""


@dataclass(frozen=True)
class Heard:
    """What the person hears: a class by BAT's name of it, in seconds of the audio.

    Where several are heard at once the page wants one of them to be of prominence 5.
    """

    name: str
    onset_s: float
    offset_s: float
    tags: tuple[str, ...] = ()
    prominence: int = SALIENT


Hears = Callable[[str], Sequence[Heard]]
"""What somebody hears in the wav of a name."""


class Annotator:
    """Signed up with BAT, and signed in after `login`."""

    def __init__(self, url: str, name: str, password: str = PASSWORD) -> None:
        self.name = name
        self._password = password
        self.browser = httpx.AsyncClient(base_url=url, trust_env=False, verify=UNUSED, timeout=240)

    async def sign_up(self) -> None:
        """As anybody can."""
        form = {"username": self.name, "password": self._password, "confirm_password": self._password}
        response = await self.browser.post(f"{TOOL}/", data={**form, "signup": ""})
        assert response.status_code == 302, response.text

    async def login(self) -> None:
        await self.browser.get(f"{TOOL}/")
        form = {"username": self.name, "password": self._password, "login": ""}
        response = await self.browser.post(f"{TOOL}/", data=form)
        assert response.status_code == 302, response.text
        assert "sessionid" in self.browser.cookies

    async def projects(self) -> dict[str, int]:
        """Those that everybody may choose from: names and ids."""
        text = (await self.browser.get(f"{TOOL}/new_annotation/")).text
        return {name: int(number) for number, name in re.findall(r'<option value="(\d+)">([^<]*)<', text)}

    async def label_all(self, project: str, hears: Hears) -> int:
        """Everything that the project has for them; how many audios that was."""
        done = 0
        page = await self.next(project)
        while page:
            await self.mark(page, hears(page.wav))
            done += 1
            following = await self.finish(page, goes_on=True)
            page = await self.open(following) if following else None
        return done

    async def label_next(self, project: str, hears: Hears) -> LabelingPage | None:
        """One audio, or None where nothing is left."""
        page = await self.next(project)
        if page:
            await self.mark(page, hears(page.wav))
            await self.finish(page)
        return page

    async def next(self, project: str) -> LabelingPage | None:
        """The page of an audio on which they have no annotation yet."""
        where = f"{TOOL}/new_annotation/?project={(await self.projects())[project]}"
        response = await self.browser.get(where)
        if response.status_code == 200 and "no more segments" in response.text:
            return None
        assert response.status_code == 302, response.text
        return await self.open(response.headers["location"])

    async def mine(self, project: str) -> dict[str, str]:
        """The address of each annotation of theirs by the name of its wav."""
        text = (await self.browser.get(f"{TOOL}/my_annotations/", params={"project": project})).text
        rows = [re.findall(r"<td>(.*?)</td>", row) for row in text.split("<tr>")[2:]]
        return {row[6]: re.findall(r'href="([^"]+)"', row[10])[0] for row in rows}

    async def again(self, project: str, wav: str, heard: Sequence[Heard]) -> None:
        """Go back to a finished annotation, and say something else."""
        await self.back(project, wav)
        await self.say_instead(project, wav, heard)

    async def back(self, project: str, wav: str) -> None:
        """`Back to annotation`: regions go, and it stays finished until an event is touched."""
        page = await self.open((await self.mine(project))[wav])
        sent = {"annotation": page.annotation_id, "padding": page.padding_s}
        await self._tell("remove_regions", "back_data", sent)

    async def say_instead(self, project: str, wav: str, heard: Sequence[Heard]) -> None:
        """Other events in place of those that the page shows, and finish."""
        page = await self.open((await self.mine(project))[wav])
        for item in page.items:
            await self._tell("remove_event", "region_data", {"event_id": item.item_id})
        await self.mark(page, heard)
        await self.finish(page)

    async def mark(self, page: LabelingPage, heard: Sequence[Heard]) -> None:
        """Drag over each sound, choose its class; solve what overlaps."""
        for one in heard:
            times = _times(page, one.onset_s, one.offset_s)
            told = await self._tell(
                "update_end_event", "region_data", {"annotation": page.annotation_id, **times}
            )
            chosen = {"event_class": one.name, "color": "rgba(0, 0, 0, 0.5)", "tags": list(one.tags)}
            await self._tell("update_event", "region_data", {"event_id": told["event_id"], **times, **chosen})
        if any(_overlap(one, other) for rank, one in enumerate(heard) for other in heard[:rank]):
            assert page.allows_overlaps, "nobody can mark two at once in a project without overlaps"
            await self._solve_overlaps(page, heard)

    async def finish(self, page: LabelingPage, *, goes_on: bool = False) -> str:
        """Done with it; the address of the next one where they go on and one is left."""
        where = f"{TOOL}/annotation/{page.annotation_id}/finish/"
        answer = await self._post(where, {"load next": str(int(goes_on))})
        return answer.get("next_annotation_url", "")

    async def _solve_overlaps(self, page: LabelingPage, heard: Sequence[Heard]) -> None:
        edges = sorted({edge for one in heard for edge in (one.onset_s, one.offset_s)})
        for start_s, end_s in pairwise(edges):
            within = [one for one in heard if one.onset_s <= start_s and end_s <= one.offset_s]
            if within:
                await self._make_region(page, start_s, end_s, within)

    async def _make_region(
        self, page: LabelingPage, start_s: float, end_s: float, within: Sequence[Heard]
    ) -> None:
        classes = {one.name: one.prominence for one in within}
        tags = sorted({tag for one in within for tag in one.tags})
        sent: dict = {"annotation": page.annotation_id, **_times(page, start_s, end_s)}
        sent |= {"classes": " ".join(classes), "tags": tags, "color": "rgba(0, 0, 0, 0.5)"}
        told = await self._tell("create_region", "region_data", sent)
        if len(classes) < 2:
            return
        assert SALIENT in classes.values(), "one of those that are heard at once must be the most salient"
        for name, prominence in classes.items():
            pair = {"region_id": told["region_id"], "class_name": name, "prominence": prominence}
            await self._tell("update_class_prominence", "prom_dict", pair)

    async def open(self, address: str) -> LabelingPage:
        """The page and its sound; again from the start where somebody else's page has taken the sound."""
        ids = [int(number) for number in re.findall(r"=(\d+)", address)]
        for _ in range(RELOADS):
            response = await self.browser.get(address)
            assert response.status_code == 200, f"{response.status_code}: {response.text[:300]}"
            page = labeling_page(response.text, *ids)
            if (await self.browser.get(page.audio)).status_code == 200:
                return page
        raise AssertionError(f"somebody takes {page.audio} away, time and again")

    async def _tell(self, function: str, field: str, value: dict) -> dict:
        return await self._post(f"{TOOL}/{function}/", {field: json.dumps(value)})

    async def _post(self, where: str, form: dict[str, str]) -> dict:
        token = {"X-CSRFToken": self.browser.cookies["csrftoken"]}
        response = await self.browser.post(where, data=form, headers=token)
        assert response.status_code == 200, f"{where}: {response.status_code} {response.text[:300]}"
        answer = response.json()
        assert "error" not in answer, answer
        return answer


def _times(page: LabelingPage, start_s: float, end_s: float) -> dict[str, float]:
    """On the axis of what is heard, which begins with the padding."""
    padding_s = page.padding_s
    return {"start_time": start_s + padding_s, "end_time": end_s + padding_s, "padding": padding_s}


def _overlap(one: Heard, other: Heard) -> bool:
    return one.onset_s < other.offset_s and other.onset_s < one.offset_s
