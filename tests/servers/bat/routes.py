"""Which view answers which path, and who may ask."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from starlette.responses import Response

from servers.bat import admin, annotating, classes, events, lists, open_files, projects, signing_in, uploading
from servers.bat.answers import Refused, not_found, redirect
from servers.bat.call import Call
from servers.bat.door import refusal

TOOL = "/annotation_tool"


@dataclass(frozen=True)
class Route:
    """`kind` as in `door.refusal`; a group of the path is an argument of the view."""

    path: str
    methods: str
    view: Callable[..., Response]
    kind: str = "page"
    for_superusers: bool = False


ROUTES = [
    Route("/", "GET", lambda call: redirect(f"{TOOL}/"), "open"),
    Route(f"{TOOL}/", "GET POST", signing_in.login_page, "open"),
    Route(f"{TOOL}/logout/", "GET POST", signing_in.logout, "open"),
    Route(f"{TOOL}/classes/", "GET POST", classes.classes, "page", True),
    Route(rf"{TOOL}/class/(\d+)/", "DELETE", classes.one_class, "api", True),
    Route(f"{TOOL}/projects/", "GET POST", projects.projects, "page", True),
    Route(rf"{TOOL}/project/(\d+)/", "DELETE", projects.one_project, "api", True),
    Route(f"{TOOL}/upload_data/", "GET POST", uploading.upload, "page", True),
    Route(f"{TOOL}/annotations/", "GET", lists.annotations, "page", True),
    Route(f"{TOOL}/my_annotations/", "GET", lists.my_annotations),
    Route(f"{TOOL}/new_annotation/", "GET", annotating.new_annotation),
    Route(rf"{TOOL}/annotation/(\d+)/", "DELETE", annotating.remove, "api", True),
    Route(rf"{TOOL}/annotation/(\d+)/finish/", "POST", annotating.finish, "api"),
    Route(f"{TOOL}/update_end_event/", "GET POST", events.update_end_event, "function"),
    Route(f"{TOOL}/update_event/", "GET POST", events.update_event, "function"),
    Route(f"{TOOL}/remove_event/", "GET POST", events.remove_event, "function"),
    Route(f"{TOOL}/create_region/", "GET POST", events.create_region, "function"),
    Route(f"{TOOL}/remove_regions/", "GET POST", events.remove_regions, "function"),
    Route(f"{TOOL}/update_class_prominence/", "GET POST", events.update_class_prominence, "function"),
    Route("/admin/", "GET", admin.index, "open"),
    Route(r"/admin/annotation_tool/(\w+)/", "GET", admin.change_list, "open"),
    Route(r"/admin/annotation_tool/(\w+)/(\d+)/change/", "GET", admin.change_page, "open"),
    Route("/tmp/(.*)", "GET", open_files.open_file, "open"),
    Route("/media/(.*)", "GET", open_files.media, "open"),
]


def answer(call: Call) -> Response:
    """What the view says, or who asks may not hear it."""
    for route in ROUTES:
        matched = re.fullmatch(route.path, call.path)
        if matched:
            return _asked(call, route, matched.groups())
    return not_found()


def _asked(call: Call, route: Route, parts: tuple[str, ...]) -> Response:
    if call.method not in route.methods.split():
        return Response("Method Not Allowed", 405)
    kind = route.kind
    if route.path == f"{TOOL}/" and call.user is not None:
        kind = "page"  # the token is asked of who is signed in
    if refused := refusal(call, kind, route.for_superusers):
        return refused
    try:
        return route.view(call, *parts)
    except Refused as refused_by_view:
        return refused_by_view.answer
