"""al-engine: proposes what people should listen to next, by partitioned MAL-MF."""

from al_engine.figures import figures
from al_engine.iterations import http
from al_engine.iterations.handlers import Iterations
from al_engine.iterations.schedule import Schedule
from al_engine.maps import http as inspection
from al_engine.maps.drawing import Maps
from al_engine.method import strategies
from escolta.events import AudioEmbedded, AudioLabeled, IterationClosed, IterationRequested
from escolta.service import Always, Every, Platform, Service, Subscription

CATCH_UP_S = 60.0
SCHEDULE_S = 30.0


def build(on: Platform) -> Service:
    """The service on its platform."""
    strategies.find(on.settings.strategy)  # a slip in the setting is told now, not to every iteration
    iterations = Iterations(on)
    schedule = Schedule(on, iterations)
    maps = Maps(on)
    routes = http.router(on, iterations)
    routes.include_router(inspection.router(on, maps))
    return Service(
        "al-engine",
        subscriptions=[
            Subscription(IterationRequested, iterations.hear_requests, batch=64),
            Subscription(AudioEmbedded, iterations.count_embedded, batch=256, linger_s=0.5),
            Subscription(AudioLabeled, iterations.hear_labels, batch=64, linger_s=0.05),
            Subscription(IterationClosed, iterations.hear_closings),
        ],
        router=routes,
        figures=figures(on),
        jobs=[
            Every(CATCH_UP_S, iterations.catch_up),
            Always(iterations.work.for_ever),
            Every(SCHEDULE_S, schedule.ask_if_due),
            Always(maps.work.for_ever),
        ],
    )
