"""Finding, adding and choosing classes."""

from browser.at_work import GatewayInBrowser


async def test_a_class_without_a_key_is_found_by_its_name(gateway: GatewayInBrowser) -> None:
    await gateway.classes(*(f"Ship {number:02}" for number in range(12)), "Crane")
    await gateway.propose(1)
    labeling = await gateway.labeling_page()
    assert not await labeling.page.get_by_role("button", name="Crane").is_visible()
    await labeling.press("/")
    await labeling.page.keyboard.type("cra")
    await labeling.press("Enter")
    await labeling.shows("The whole audio: Crane")
    assert await labeling.page.get_by_role("button", name="Crane", pressed=True, exact=True).is_visible()


async def test_a_new_class_is_added_under_its_exact_name_by_a_second_enter(gateway: GatewayInBrowser) -> None:
    await gateway.classes("Engine")
    await gateway.propose(1)
    labeling = await gateway.labeling_page()
    await labeling.press("/")
    await labeling.page.keyboard.type("RoRo ramp 2")
    await labeling.shows("Add the class “RoRo ramp 2”")
    await labeling.press("Enter")
    await labeling.shows("Enter once more: “RoRo ramp 2” becomes a class for everybody")
    assert "RoRo ramp 2" not in await gateway.classes()
    await labeling.press("Enter")
    await labeling.shows("The whole audio: RoRo ramp 2")
    button = labeling.page.get_by_role("button", name="RoRo ramp 2", pressed=True, exact=True)
    assert await button.is_visible()
    await labeling.press("Enter")
    await gateway.submissions(1)
    assert await gateway.said() == [("100000.wav", "RoRo ramp 2", 0, 4)]


async def test_a_slip_of_the_fingers_makes_no_class(gateway: GatewayInBrowser) -> None:
    before = await gateway.classes("Engine")
    await gateway.propose(1)
    labeling = await gateway.labeling_page()
    await labeling.press("/")
    await labeling.page.keyboard.type("Enginr")
    await labeling.press("Enter", "Backspace")
    await labeling.page.keyboard.type("e")
    await labeling.press("Enter")
    await labeling.shows("The whole audio: Engine")
    await labeling.press("/")
    await labeling.page.keyboard.type("Engne")
    await labeling.press("Enter", "x", "Enter", "Escape")  # another text wants two again
    assert await gateway.classes() == before


async def test_a_new_class_belongs_to_the_audio_on_which_it_was_typed(gateway: GatewayInBrowser) -> None:
    await gateway.classes("Engine")
    await gateway.propose(3)
    labeling = await gateway.labeling_page()
    await labeling.page.route(
        "**/api/classes", lambda _: None
    )  # the server takes the request and says nothing
    await labeling.press("/")
    await labeling.page.keyboard.type("Whale")
    await labeling.press("Enter", "Enter")
    assert await labeling.marks() == ["1 0.00 – 4.00 s Whale"]
    await labeling.press("Enter")
    await labeling.comes_to(2)
    await labeling.press("2", "Enter")  # it is at hand already
    await labeling.page.reload()  # and it is not forgotten
    await labeling.page.unroute("**/api/classes")
    await labeling.comes_to(3)
    assert await labeling.marks() == []
    await labeling.listen()
    await labeling.press("2", "Enter")
    await gateway.submissions(3)
    assert [name for _, name, _, _ in await gateway.said()] == ["Whale"] * 3
    assert [name for name in await gateway.classes() if name != "Doubt"] == ["Engine", "Whale"]
    assert await labeling.stored("escolta.untold") == [[]]
    gateway.faults.clear()  # the failures that the browser reports are what this test is about


async def test_a_name_composed_otherwise_is_the_same_class(gateway: GatewayInBrowser) -> None:
    await gateway.classes("Höhle")
    await gateway.propose(1)
    labeling = await gateway.labeling_page()
    await labeling.press("/")
    await labeling.page.keyboard.type("HO\u0308HLE")
    await labeling.press("Enter")
    await labeling.shows("The whole audio: Höhle")


async def test_a_class_that_the_server_refuses_is_told_and_traps_nobody(gateway: GatewayInBrowser) -> None:
    await gateway.classes("Engine")
    await gateway.propose(2)
    labeling = await gateway.labeling_page()
    refuse = {"status": 422, "json": {"detail": "That is no name."}}
    await labeling.page.route("**/api/classes", lambda route: route.fulfill(**refuse))
    await labeling.press("f")
    await labeling.page.keyboard.type("Bad")
    await labeling.press("Enter", "Enter")
    await labeling.shows("The class “Bad” was not added: That is no name.")
    await labeling.press("Enter")
    await labeling.shows("“100000.wav” was not taken and is put aside: That is no name.")
    await labeling.comes_to(2)
    gateway.faults.clear()
