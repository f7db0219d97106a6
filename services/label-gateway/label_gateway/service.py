"""label-gateway: gives batches to groups of labelers, keeps what they say, and finds what they agree on."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from escolta.errors import Misconfigured
from escolta.events import BatchProposed
from escolta.service import Always, Every, Platform, Service, Subscription
from label_gateway import http
from label_gateway.bat.pull import pulling
from label_gateway.bat.session import account
from label_gateway.bat.sync import Sync
from label_gateway.batches.asking import EVERYBODY
from label_gateway.batches.handlers import Batches
from label_gateway.figures import figures
from label_gateway.people.address import keep_address
from label_gateway.people.sign_in import greeting


def build(on: Platform) -> Service:
    """The service on its platform."""
    batches = Batches(on)

    async def greet() -> str:
        line = await greeting(on)
        await batches.follow_people()  # to the first lead, who may just have come
        return line

    pull = pulling(on, batches)
    jobs: list[Every | Always] = [Every(60, batches.catch_up)]
    if on.settings.bat_url:
        everybody_hears(on.settings.listening)
        account(on.settings)  # what is missing ends the start, and not every round
        jobs.append(Always(Sync(on, pull).keep_bat_in_step, on.settings.bat_every_s))

    @asynccontextmanager
    async def pages_have_an_address() -> AsyncIterator[None]:
        await keep_address(on.catalog, on.http_url)
        yield

    return Service(
        "label-gateway",
        subscriptions=[Subscription(BatchProposed, batches.on_proposed)],
        router=http.router(on, batches),
        jobs=jobs,
        lifespan=pages_have_an_address,
        greeting=greet,
        figures=figures(on),
    )


def everybody_hears(policy: str) -> None:
    """A project in BAT is for all of its people at once. Raises `Misconfigured` where not all are to hear."""
    if policy != EVERYBODY:
        raise Misconfigured(
            f"ESCOLTA_LISTENING is {policy}, which asks one person after another, and a project"
            f" in BAT asks all of a group: write {EVERYBODY}, or unset ESCOLTA_BAT_URL"
        )
