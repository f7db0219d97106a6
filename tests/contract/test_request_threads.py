"""What hangs on a request runs where the request does.

FastAPI sends a function that is not `async` through a thread. It costs a request more than a question to the
catalog, and a page makes many requests.
"""

from collections.abc import Callable, Iterator
from inspect import iscoroutinefunction
from typing import Any

from fastapi.dependencies.models import Dependant
from fastapi.routing import iter_route_contexts

from escolta.app import make_app
from escolta.runtime import find_services
from escolta.service import Platform


def hanging_on(dependant: Dependant) -> Iterator[Callable[..., Any]]:
    """The function that answers, and everything it asks for first."""
    if dependant.call is not None:
        yield dependant.call
    for needed in dependant.dependencies:
        yield from hanging_on(needed)


def goes_through_a_thread(call: Callable[..., Any]) -> bool:
    return not iscoroutinefunction(call) and not iscoroutinefunction(getattr(call, "__call__", None))  # noqa: B004


def test_no_request_goes_through_a_thread_to_be_answered(platform: Platform):
    app = make_app(platform, [build(platform) for build in find_services()])
    served = [route for route in iter_route_contexts(app.routes) if hasattr(route, "dependant")]
    assert len(served) > 40
    through_threads = {
        (route.path, call.__qualname__)
        for route in served
        for call in hanging_on(route.dependant)
        if goes_through_a_thread(call)
    }
    assert through_threads == set()
