"""No work is lost, and nobody is trapped: the server is away, hangs or refuses, or there is a second tab."""

import asyncio

from browser.at_work import GatewayInBrowser, LabelingPage
from playwright.async_api import Route

from label_gateway.people.sign_in import sign_in_link

IMPATIENT = """
    const wait = AbortSignal.timeout;
    AbortSignal.timeout = (ms) => wait.call(AbortSignal, window.impatient ? ms / 20 : ms);
"""
FORBID_SOUND = """
    const play = HTMLMediaElement.prototype.play;
    HTMLMediaElement.prototype.play = function () {
      HTMLMediaElement.prototype.play = play;
      return Promise.reject(new DOMException("not before a gesture", "NotAllowedError"));
    };
"""


def hang(_: Route) -> None:
    """A server that takes the request and says nothing."""


async def test_the_first_key_only_starts_the_sound_where_the_browser_forbids_it(
    gateway: GatewayInBrowser,
) -> None:
    await gateway.propose(1)
    labeling = await gateway.labeling_page(prepare=FORBID_SOUND)
    await labeling.shows("Press any key to listen")
    await labeling.press("Shift", "d")
    await labeling.plays_until(0.1)
    assert await labeling.marks() == []
    await labeling.press("d")
    assert await labeling.marks() == ["1 0.00 – 4.00 s Doubt"]


async def test_what_cannot_be_sent_is_kept_and_sent_later(gateway: GatewayInBrowser) -> None:
    await gateway.classes("Engine")
    await gateway.propose(3)
    labeling = await gateway.labeling_page()
    await labeling.page.route("**/api/tasks**", lambda route: route.abort())
    await labeling.press("1", "Enter")
    await labeling.comes_to(2)  # it was fetched in advance
    await labeling.press("d", "Enter")
    await labeling.shows("Not sent yet: 2")
    await labeling.page.reload()
    await labeling.shows("Not sent yet: 2")
    await labeling.page.unroute("**/api/tasks**")
    await labeling.comes_to(3)
    await gateway.submissions(2)
    assert [name for _, name, _, _ in await gateway.said()] == ["Engine", "Doubt"]
    await labeling.keeps_no("escolta.unsent")
    gateway.faults.clear()  # the failures that the browser reports are what this test is about


async def test_a_server_that_hangs_is_waited_for_in_words(gateway: GatewayInBrowser) -> None:
    await gateway.classes("Engine")
    await gateway.propose(3)
    labeling = await gateway.labeling_page(prepare=IMPATIENT)
    await labeling.page.evaluate("window.impatient = true")
    await labeling.page.route("**/api/tasks**", hang)
    await labeling.press("1", "Enter")
    await labeling.comes_to(2)
    await labeling.press("1", "Enter")
    await labeling.shows("Waiting for the server")
    await labeling.shows("Not sent yet: 2")
    assert not await labeling.page.get_by_text("Nothing left to label").is_visible()
    await labeling.page.evaluate("window.impatient = false")
    await labeling.page.unroute("**/api/tasks**")
    await labeling.comes_to(3)
    assert await labeling.marks() == []
    await labeling.press("1", "Enter")
    await labeling.shows("Nothing left to label")
    await gateway.submissions(3)
    assert len(await gateway.said()) == 3
    gateway.faults.clear()


async def test_keys_do_nothing_where_no_audio_is_shown(gateway: GatewayInBrowser) -> None:
    await gateway.classes("Engine")
    await gateway.labeler("Marina", "everyone")  # there is a group
    labeling = await gateway.labeling_page(shows="Nothing left to label")
    await labeling.press("i", "o", "w", "1", "d", "/", "Enter", "Enter")
    assert await labeling.stored("escolta.draft") == []
    await gateway.propose(1)
    await labeling.comes_to(1)
    assert await labeling.marks() == []
    assert await gateway.on.catalog.fetchval("SELECT count(*) FROM label.submissions") == 0


async def test_keys_wait_for_the_audio_that_they_are_about(gateway: GatewayInBrowser) -> None:
    await gateway.classes("Engine")
    await gateway.propose(1)
    page = await gateway.page()
    held: list[Route] = []
    await page.route("**/api/audio/**", lambda route: held.append(route))
    await page.goto(await sign_in_link(gateway.on, "lead"))
    labeling = LabelingPage(page)
    await labeling.shows("Waiting for the server: this audio is not here yet.")
    await labeling.press("1", "Enter", "Enter")
    await labeling.shows("This audio is not here yet")
    assert await labeling.marks() == []
    await held[0].continue_()
    await labeling.is_ready()
    await labeling.press("1", "Enter")
    await labeling.shows("Nothing left to label")


async def test_a_refused_audio_is_put_aside_and_the_next_comes(gateway: GatewayInBrowser) -> None:
    await gateway.classes("Engine")
    await gateway.propose(3)
    labeling = await gateway.labeling_page()
    refuse = {"status": 422, "json": {"detail": "This audio is too odd."}}
    await labeling.page.route("**/api/tasks/**", lambda route: route.fulfill(**refuse))
    await labeling.press("1", "Enter")
    await labeling.shows("“100000.wav” was not taken and is put aside: This audio is too odd.")
    await labeling.page.unroute("**/api/tasks/**")
    for place in (2, 3):
        await labeling.comes_to(place)
        await labeling.press("1", "Enter")
    await labeling.shows("Nothing left but what was put aside")
    await labeling.shows("Put aside: 1")
    await labeling.page.reload()
    await labeling.comes_to(1)  # with what was marked on it
    assert await labeling.marks() == ["1 0.00 – 4.00 s Engine"]
    await labeling.listen()
    await labeling.press("Enter")
    await labeling.shows("Nothing left to label")
    gateway.faults.clear()


async def test_an_audio_on_which_the_server_stumbles_holds_up_no_other(gateway: GatewayInBrowser) -> None:
    await gateway.classes("Engine")
    await gateway.propose(3)
    labeling = await gateway.labeling_page()
    tasks = await (await labeling.page.request.get(gateway.on.http_url + "/api/tasks")).json()
    stumble = {"status": 500, "json": {"detail": "Something broke."}}
    await labeling.page.route(f"**/{tasks[0]['audio_id']}", lambda route: route.fulfill(**stumble))
    await labeling.press("1", "Enter")
    await labeling.comes_to(2)
    await labeling.press("1", "Enter")
    await labeling.comes_to(3)
    await gateway.submissions(1)
    await labeling.shows("1 not sent yet, trying again")
    await labeling.page.unroute(f"**/{tasks[0]['audio_id']}")
    await gateway.submissions(2)
    gateway.faults.clear()


async def test_a_browser_that_keeps_nothing_is_told_of(gateway: GatewayInBrowser) -> None:
    await gateway.classes("Engine")
    await gateway.propose(1)
    full = "Storage.prototype.setItem = () => { throw new DOMException('full', 'QuotaExceededError'); };"
    labeling = await gateway.labeling_page(prepare=full)
    told = labeling.page.get_by_text("Leave the page open until nothing is unsent")
    await labeling.press("1")
    await told.wait_for()  # of the draft already
    await labeling.page.get_by_role("button", name="Close").click()
    await labeling.press("w")
    assert not await told.is_visible()
    await labeling.press("Enter")
    await told.wait_for()
    await gateway.submissions(1)


async def test_a_refused_audio_can_be_labeled_again_at_once(gateway: GatewayInBrowser) -> None:
    await gateway.classes("Engine")
    await gateway.propose(1)
    labeling = await gateway.labeling_page()
    await labeling.page.route(
        "**/api/tasks/**", lambda route: route.fulfill(status=400, json={"detail": "No."})
    )
    await labeling.press("1", "Enter")
    await labeling.shows("Put aside: 1")
    await labeling.page.unroute("**/api/tasks/**")
    await labeling.page.get_by_role("button", name="Label it again").click()
    await labeling.comes_to(1)
    await labeling.press("Enter")
    await labeling.shows("Nothing left to label")
    await gateway.submissions(1)
    gateway.faults.clear()


async def test_an_audio_that_is_no_longer_ours_is_told_and_left(gateway: GatewayInBrowser) -> None:
    await gateway.classes("Engine")
    await gateway.propose(2)
    labeling = await gateway.labeling_page()
    await gateway.on.catalog.execute("DELETE FROM label.assignments WHERE place = 1")
    await labeling.press("1", "Enter")
    await labeling.shows("“100000.wav” was not taken and is put aside: This audio is not")
    await labeling.comes_to(2)
    assert len(await labeling.stored("escolta.draft")) == 1
    gateway.faults.clear()


async def test_a_session_that_ends_takes_no_work_with_it(gateway: GatewayInBrowser) -> None:
    await gateway.classes("Engine")
    await gateway.propose(2)
    labeling = await gateway.labeling_page()
    await labeling.page.context.clear_cookies()
    await labeling.press("1", "Enter")
    await labeling.shows("You are signed out. Your work is kept in this browser.")
    assert await gateway.said() == []
    await labeling.page.goto(await sign_in_link(gateway.on, "lead"))
    await labeling.comes_to(2)
    await gateway.submissions(1)
    assert await gateway.said() == [("100000.wav", "Engine", 0, 4)]
    gateway.faults.clear()  # the refusals that the browser reports are what this test is about


async def test_what_is_no_submission_in_the_storage_holds_up_none(gateway: GatewayInBrowser) -> None:
    await gateway.classes("Engine")
    await gateway.propose(1)
    labeling = await gateway.labeling_page()
    lead = (await gateway.on.catalog.fetchrow("SELECT labeler_id FROM audio.labelers"))["labeler_id"]
    await labeling.page.evaluate("(id) => localStorage.setItem(`escolta.unsent.${id}.a.b`, '{half')", lead)
    await labeling.page.reload()
    await labeling.is_ready()
    await labeling.listen()
    await labeling.press("1", "Enter")
    await gateway.submissions(1)


async def test_nothing_is_sent_in_the_name_of_somebody_else(gateway: GatewayInBrowser) -> None:
    await gateway.classes("Engine")
    marina = await gateway.labeler("Marina", "everyone")
    await gateway.propose(2)
    labeling = await gateway.labeling_page()
    other = await labeling.page.context.new_page()
    await other.goto(marina)
    await LabelingPage(other).is_ready()
    await labeling.press("1", "Enter")
    await labeling.shows("You are signed out. Your work is kept in this browser.")
    assert await gateway.on.catalog.fetchval("SELECT count(*) FROM label.submissions") == 0
    assert len(await labeling.stored("escolta.unsent")) == 1


async def test_an_audio_that_cannot_be_played_is_no_dead_end(gateway: GatewayInBrowser) -> None:
    await gateway.propose(2)
    page = await gateway.page()
    broken = "**/api/audio/**"
    await page.route(broken, lambda route: route.fulfill(body=b"no sound", content_type="audio/wav"))
    await page.goto(await sign_in_link(gateway.on, "lead"))
    labeling = LabelingPage(page)
    await labeling.shows(
        "This audio cannot be played: The browser cannot decode this audio. Give it Doubt (D)"
    )
    await labeling.press("i")
    assert await labeling.marks() == []
    await labeling.press("d", "Enter")
    await labeling.shows("Audio 2 of 2")
    await page.unroute(broken)
    await page.get_by_role("button", name="Try again").click()
    await labeling.comes_to(2)


async def test_a_second_tab_is_told_and_can_go_on_instead(gateway: GatewayInBrowser) -> None:
    await gateway.classes("Engine")
    await gateway.propose(2)
    first = await gateway.labeling_page()
    await first.press("w", "1")
    second = LabelingPage(await first.page.context.new_page())
    await second.page.goto(gateway.on.http_url + "/label")
    await second.shows("You are labeling in another tab")
    await second.press("w", "d", "Enter")
    await second.page.get_by_role("button", name="Go on here").click()
    await second.comes_to(1)
    await first.shows("You are labeling in another tab")
    await first.press("d", "Enter")
    assert await second.marks() == ["1 0.00 – 4.00 s Engine"]
    await second.press("Enter")
    await second.comes_to(2)
    await second.page.close(run_before_unload=True)
    await first.comes_to(2)  # by itself
    await gateway.submissions(1)
    assert await gateway.said() == [("100000.wav", "Engine", 0, 4)]


async def test_a_server_that_asks_for_patience_is_asked_again_later(gateway: GatewayInBrowser) -> None:
    await gateway.propose(1)
    page = await gateway.page()
    asked: list[float] = []

    async def too_much(route: Route) -> None:
        asked.append(asyncio.get_running_loop().time())
        if len(asked) > 1:
            await route.continue_()
            return
        patience = {"retry-after": "3"}
        await route.fulfill(status=429, json={"detail": "Too much was asked for."}, headers=patience)

    await page.route("**/api/tasks?*", too_much)
    await page.goto(await sign_in_link(gateway.on, "lead"))
    await LabelingPage(page).shows("Audio 1 of 1")
    assert asked[1] - asked[0] > 2, "it waits longer than it would by itself"
    gateway.faults.clear()
