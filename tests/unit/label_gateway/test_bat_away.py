"""A BAT that is away, or stands still, delays nobody on the page, and is made up for once it is back."""

from pathlib import Path

from pydantic import SecretStr
from unit.label_gateway.at_work import GatewayAtWork, gateway_at_work

from escolta.events import AudioLabeled
from servers.bat.annotator import Annotator
from servers.bat.process import PASSWORD, USER, BatProcess


async def test_while_bat_stands_still_the_page_goes_on_and_then_bat_gets_its_audios(
    bat: BatProcess, catalog_url: str, tmp_path: Path
):
    settings = {
        "bat_url": bat.url,
        "bat_user": USER,
        "bat_password": SecretStr(PASSWORD),
        "bat_every_s": 1.0,
    }
    async with gateway_at_work(catalog_url, tmp_path, **settings) as gateway:
        lead = await gateway.lead()
        [ana] = await gateway.team(lead, "harbor", "ana")
        await gateway.team(lead, "campus", "mar")
        await gateway.class_named(lead, "Gull")
        labelers = (await lead.get("/api/labelers")).json()
        [mar_id] = [one["labeler_id"] for one in labelers if one["name"] == "mar"]
        assert (await lead.get("/api/me")).json()["bat"]
        bat.freeze()
        answer = await lead.put(f"/api/labelers/{mar_id}/bat-user", json={"bat_user": "mar"})
        assert answer.status_code == 200
        await gateway.propose(2)
        [task] = await gateway.until_tasks(ana, 1)
        await gateway.until(lambda: waits_for_bat(gateway))
        address = f"/api/tasks/{task['iteration_id']}/{task['audio_id']}"
        assert (await ana.put(address, json={"events": []})).status_code == 200
        await gateway.until_heard(AudioLabeled, 1)
        assert (await lead.get("/readyz")).status_code == 200
        assert len((await lead.get("/api/bat")).json()["projects"]) == 1
        bat.thaw()
        await gateway.until(lambda: is_there(bat))
        person = Annotator(bat.url, "mar")
        await person.sign_up()
        await person.login()
        [name] = await person.projects()
        await person.label_all(name, lambda wav: [])
        await person.browser.aclose()
        await gateway.until_heard(AudioLabeled, 2)


async def waits_for_bat(gateway: GatewayAtWork) -> bool:
    """Whether a round has come so far that it talks to BAT."""
    return await gateway.on.catalog.fetchval("SELECT count(*) = 1 FROM label.bat_projects")


async def is_there(bat: BatProcess) -> bool:
    return len(bat.rows("SELECT * FROM wavs")) == 1
