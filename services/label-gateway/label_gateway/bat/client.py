"""BAT, as far as we need it: each verb is a page of its protocol. Things are known by their names alone."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from escolta.service import Settings
from label_gateway.bat import admin, parsing
from label_gateway.bat.admin import A_PAGE, Marks, Prominence, Row
from label_gateway.bat.annotation_page import AnnotationPage, annotation_page
from label_gateway.bat.errors import UnexpectedPage
from label_gateway.bat.parsing import Annotation, Named
from label_gateway.bat.session import TOOL, Session, open_session

_MODELS = "admin/annotation_tool/"
MOST_PAGES = 1_000
NO_SUCH_PAGE = "e=1"
"""Where the admin leads who asks for a page behind the last one."""


@dataclass
class Bat:
    """A BAT. Every verb raises the errors of `label_gateway.bat.errors`.

    Those that change something raise `UnexpectedPage` with BAT's reason where it refuses, and may be repeated
    but for `upload`: after a `BatUnreachable` one has to look before.
    """

    session: Session

    async def classes(self) -> list[Named]:
        """Every class, of all projects and teams."""
        return parsing.classes(await self.session.get(f"{TOOL}classes/"))

    async def add_class(self, name: str) -> None:
        """A class that may be there already."""
        shown = await self.session.post(f"{TOOL}classes/", {"name": name})
        if shown is not None and "already exists" not in parsing.refusal(shown):
            raise _refused(f"class {name!r}", shown)

    async def projects(self) -> list[Named]:
        """Every project, of all teams."""
        return parsing.projects(await self.session.get(f"{TOOL}projects/"))

    async def add_project(self, name: str, classes: Sequence[str]) -> None:
        """A project in which events may overlap, with these classes for good."""
        form = {"project_name": name, "classes": list(classes), "overlap": "true"}
        shown = await self.session.post(f"{TOOL}projects/", form)
        if shown is not None:
            raise _refused(f"project {name!r}", shown)

    async def delete_project(self, project_id: int) -> bool:
        """With its wavs and all that was said of them; whether it was there."""
        return await self.session.delete(f"{TOOL}project/{project_id}/")

    async def upload(self, project_id: int, name: str, wav: bytes) -> None:
        """One wav, as one segment. Repeated, it is there twice."""
        form = {"project": str(project_id), "segments_length": "-1"}
        files = {"upload_file_field": (name, wav, "audio/wav")}
        shown = await self.session.post(f"{TOOL}upload_data/", form, files)
        if shown is not None:
            raise _refused(f"wav {name!r}", shown)

    async def wavs(self, project_id: int, name: str | None = None) -> list[Row]:
        """The wavs of a project, or those of that name."""
        only: dict[str, str | int] = {"project": project_id} | ({"name": name} if name else {})
        return await self._rows("wav", **only)

    async def annotations(self, project: str, status: str = "finished", **only: str) -> list[Annotation]:
        """What was said in the project of that name, the newest first; `only` that of a wav or a user.

        An unknown project has none.
        """
        html = await self.session.get(f"{TOOL}annotations/", project=project, status=status, **only)
        return parsing.annotations(html)

    async def regions(self, *annotation_ids: int) -> list[Row]:
        """The regions of annotations: what was marked, cut into parts that do not overlap."""
        many = ",".join(map(str, annotation_ids))
        return await self._rows("region", **{"annotation" + "__in" * (len(annotation_ids) > 1): many})

    async def events(self, annotation_id: int) -> list[Row]:
        """The events of an annotation, as they were marked, also once there are regions."""
        return await self._rows("event", annotation=annotation_id)

    async def prominences(self, region_id: int) -> list[Row]:
        """The classes of a region; the label is the name of the class."""
        return await self._rows("classprominence", region=region_id)

    async def region(self, region_id: int) -> Marks:
        """Where a region is."""
        return admin.region(await self.session.get(f"{_MODELS}region/{region_id}/change/"))

    async def event(self, event_id: int) -> Marks:
        """Where an event is, and its class."""
        return admin.event(await self.session.get(f"{_MODELS}event/{event_id}/change/"))

    async def prominence(self, prominence_id: int) -> Prominence:
        """How much a class of a region stands out."""
        return admin.prominence(await self.session.get(f"{_MODELS}classprominence/{prominence_id}/change/"))

    async def annotation_page(self, project_id: int, annotation_id: int) -> AnnotationPage:
        """What a labeler sees. It takes the audio away from whoever opens a page of theirs at that moment."""
        html = await self.session.get(f"{TOOL}new_annotation/", project=project_id, annotation=annotation_id)
        return annotation_page(html)

    async def _rows(self, model: str, **only: str | int) -> list[Row]:
        """All rows of a list of the admin's, the oldest first."""
        found: set[Row] = set()
        for page in range(MOST_PAGES):
            html = await self.session.get_unless(NO_SUCH_PAGE, f"{_MODELS}{model}/", **only, p=page)
            rows = admin.rows(html, model) if html is not None else []
            found.update(rows)
            if len(rows) < A_PAGE:
                return sorted(found, key=lambda row: row.bat_id)
        raise UnexpectedPage(f"an end of the admin's list of {model}s", f"page {MOST_PAGES}")


@asynccontextmanager
async def open_bat(settings: Settings) -> AsyncIterator[Bat]:
    """The BAT of the settings. Raises `Misconfigured` where one is missing."""
    async with open_session(settings) as session:
        yield Bat(session)


def _refused(what: str, html: str) -> UnexpectedPage:
    return UnexpectedPage(f"that it takes {what}", parsing.refusal(html) or parsing.described(html))
