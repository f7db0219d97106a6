"""label-gateway keeps BAT in step by itself, round after round, and beside everything else that it does."""

from pathlib import Path

import pytest
from pydantic import SecretStr
from unit.label_gateway.at_work import GatewayAtWork, gateway_at_work

from escolta.errors import Misconfigured
from servers.bat.annotator import Annotator, Heard
from servers.bat.process import PASSWORD, USER, BatProcess

ACCOUNT = {"bat_user": USER, "bat_password": SecretStr(PASSWORD), "bat_every_s": 1.0, "bat_settle_s": 0.0}


async def wavs_are(bat: BatProcess, number: int) -> bool:
    return len(bat.rows("SELECT * FROM wavs")) == number


async def submitted(gateway: GatewayAtWork, number: int) -> bool:
    return await gateway.on.catalog.fetchval("SELECT count(*) FROM label.submissions") == number


async def test_a_batch_goes_to_bat_and_what_is_finished_there_settles_it(
    bat: BatProcess, catalog_url: str, tmp_path: Path
):
    async with gateway_at_work(catalog_url, tmp_path, bat_url=bat.url, **ACCOUNT) as gateway:
        lead = await gateway.lead()
        await gateway.team(lead, "harbor", "Marina")
        await gateway.class_named(lead, "Gull")
        [marina] = [it for it in (await lead.get("/api/labelers")).json() if it["name"] == "Marina"]
        where = f"/api/labelers/{marina['labeler_id']}/bat-user"
        assert (await lead.put(where, json={"bat_user": "marina"})).status_code == 200
        await bat.fault("cut after", "POST", "upload_data")
        await gateway.propose(2)
        await gateway.until(lambda: wavs_are(bat, 2))
        person = Annotator(bat.url, "marina")
        await person.sign_up()
        await person.login()
        [project] = await person.projects()
        assert await person.label_all(project, lambda wav: [Heard("Gull", 1, 2)]) == 2
        await gateway.until(lambda: submitted(gateway, 2))
        await person.browser.aclose()
        settled = await gateway.on.catalog.fetch("SELECT class_id FROM label.agreements")
        assert len(settled) == 2
        assert all(row["class_id"] for row in settled)


async def test_while_bat_is_away_the_page_and_its_batches_go_on(
    bat: BatProcess, catalog_url: str, tmp_path: Path
):
    async with gateway_at_work(catalog_url, tmp_path, bat_url=bat.url, **ACCOUNT) as gateway:
        lead = await gateway.lead()
        [pau] = await gateway.team(lead, "harbor", "Pau")
        bat.kill()
        iteration_id = await gateway.propose(1)
        [task] = await gateway.until_tasks(pau, 1)
        answer = await pau.put(f"/api/tasks/{iteration_id}/{task['audio_id']}", json={"events": []})
        assert answer.status_code == 200
        assert (await lead.get("/readyz")).status_code == 200


async def test_without_an_address_nothing_of_it_runs(bat: BatProcess, catalog_url: str, tmp_path: Path):
    await bat.forget_requests()
    async with gateway_at_work(catalog_url, tmp_path, **ACCOUNT) as gateway:
        assert len(gateway.service.jobs) == 1
    assert await bat.asked() == []


async def test_an_address_without_an_account_ends_the_start(catalog_url: str, tmp_path: Path):
    with pytest.raises(Misconfigured, match="ESCOLTA_BAT_USER and ESCOLTA_BAT_PASSWORD"):
        async with gateway_at_work(catalog_url, tmp_path, bat_url="http://127.0.0.1:9"):
            pass
