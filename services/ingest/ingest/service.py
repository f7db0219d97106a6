"""ingest: catalogs what nodes record, and keeps the list of what could not be used.

It has no `catch_up` job, because its input is not a row but a message of the node, which keeps its file and
sends again until it is answered. An audio whose answer was lost in a crash is answered when it comes again;
that the embedder missed it, the embedder finds out by itself.
"""

from escolta.events import AudioRecorded, MessageRejected, NodeStatus, SoundLeftOut
from escolta.service import Every, Platform, Service, Subscription
from ingest import http
from ingest.figures import figures
from ingest.held import Mended
from ingest.nodes import Statuses, with_chosen_nodes
from ingest.quarantine import LeftOut, Quarantine
from ingest.recorded import Cataloging


def build(on: Platform) -> Service:
    """The service on its platform."""
    return Service(
        "ingest",
        subscriptions=[
            Subscription(AudioRecorded, Cataloging(on).catalog, batch=64, linger_s=0.05),
            Subscription(NodeStatus, Statuses(on).keep, batch=32),
            Subscription(SoundLeftOut, LeftOut(on).keep, batch=32),
            Subscription(MessageRejected, Quarantine(on).keep, batch=32),
        ],
        jobs=[Every(60, Mended(on).forget)],
        router=http.router(on),
        lifespan=lambda: with_chosen_nodes(on),
        figures=figures(on),
    )
