"""`escolta bat status`, `push` and `pull`, as an operator types them."""

import asyncio
import os
import sys
from pathlib import Path

from unit.label_gateway.bat_at_work import TeamInBat
from unit.label_gateway.bat_pulled import pulled

from servers.bat.annotator import Heard
from servers.bat.process import BatProcess


async def escolta(team: TeamInBat, *arguments: str) -> tuple[int, str]:
    """The status and what was printed."""
    settings = team.on.settings
    assert settings.secret
    assert settings.bat_password
    environment = os.environ | {
        "ESCOLTA_CATALOG_URL": settings.catalog_url,
        "ESCOLTA_OBJECTS_URL": settings.objects_url,
        "ESCOLTA_SECRET": settings.secret.get_secret_value(),
        "ESCOLTA_STATE_DIR": str(settings.state_dir / "operator"),
        "ESCOLTA_BAT_URL": settings.bat_url,
        "ESCOLTA_BAT_USER": settings.bat_user,
        "ESCOLTA_BAT_PASSWORD": settings.bat_password.get_secret_value(),
        "ESCOLTA_BAT_SETTLE_S": "0",
    }
    program = str(Path(sys.executable).with_name("escolta"))
    done = await asyncio.create_subprocess_exec(
        program,
        *arguments,
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    out, _ = await done.communicate()
    assert done.returncode is not None
    return done.returncode, out.decode()


async def test_an_operator_pushes_pulls_and_sees_how_it_stands(
    bat: BatProcess, catalog_url: str, tmp_path: Path
):
    async with pulled(bat, catalog_url, tmp_path, audios=2) as team:
        await team.finishes("marina", [Heard("Gull", 1, 2)])
        await team.finishes("dani", [])
        for _ in range(2):
            status, told = await escolta(team, "bat", "pull")
            assert status == 0, told
        assert len(await team.answered()) == 1
        assert f"{await team.project_name} (group harbor): 2 of 2 audios are there; last round" in told
        assert "marina (Marina): 1 finished, 1 taken over" in told
        assert "! dani, 1 audio: nobody here labels in BAT as this user." in told
        second = await team.given_out(1)
        status, told = await escolta(team, "bat", "push")
        assert status == 0, told
        assert (await team.project(second))["name"] in told
        assert len(team.wavs_in_bat()) == 3
        team.bat.kill()
        status, told = await escolta(team, "bat", "pull")
        assert (status, told.count("\n")) == (2, 1)
        assert "does not answer" in told
        status, told = await escolta(team, "bat", "status")
        assert status == 0
        assert "does not answer" in told, "the error of the last round"
