"""Groups of simulated labelers, made by a lead and signed in by their links."""

from collections.abc import Sequence

from escolta.errors import Misconfigured, Transient
from escolta_demo.simulated_labelers.client import Client, open_client


async def session_token(link: str) -> tuple[str, str]:
    """The gateway's address and a session's token, for a one-time sign-in link, which is used up."""
    base_url, _, token = link.strip().partition("/sign-in#")
    async with open_client(base_url) as client:
        return base_url, (await client.ask("POST", "/api/session", {"token": token})).json()["token"]


async def set_up(lead: Client, groups: Sequence[int], answer_for: Sequence[str]) -> dict[str, Client]:
    """The groups `simulated-1` … of that many people, made as far as they are missing; name -> client.

    `answer_for`: people to simulate as well if they are in a group. Raises `Misconfigured` where somebody
    else is in a group, because every batch would wait for that person.
    """
    there = {labeler["name"]: labeler for labeler in await lead.json("/api/labelers")}
    wanted = {
        f"simulated-{group}-{number}": f"simulated-{group}"
        for group, size in enumerate(groups, start=1)
        for number in range(1, size + 1)
    }
    others = {name for name, who in there.items() if who["enabled"] and who["group"]} - set(wanted)
    if waited_for := others - set(answer_for):
        raise Misconfigured(f"{min(waited_for)!r} is in a group and not simulated: every batch would wait.")
    for group in sorted(set(wanted.values())):
        await lead.ask("POST", "/api/groups", {"name": group})
    for name, group in wanted.items():
        state = {"role": "labeler", "group": group}
        if name not in there:
            # 409: the answer to an earlier attempt was lost.
            await lead.ask("POST", "/api/labelers", {"name": name, **state}, but=[409])
        else:
            address = f"/api/labelers/{there[name]['labeler_id']}"
            await lead.ask("PUT", address, {**state, "enabled": True})
    there = {labeler["name"]: labeler for labeler in await lead.json("/api/labelers")}
    return {name: await _sign_in(lead, there[name]["labeler_id"]) for name in [*wanted, *sorted(others)]}


async def _sign_in(lead: Client, labeler_id: int) -> Client:
    for _ in range(3):  # a link whose answer was lost is used up: take another
        link = (await lead.ask("POST", f"/api/labelers/{labeler_id}/link")).json()["url"]
        token = {"token": link.partition("#")[2]}
        answer = await lead.ask("POST", "/api/session", token, but=[401])
        if answer.is_success:
            return lead.as_somebody(answer.json()["token"])
    raise Transient(f"labeler {labeler_id} could not sign in")
