"""The labelers of docs/deploy.md, made by its own commands, word for word, at a label-gateway at work."""

import asyncio
import os
import re
import sys
import textwrap
from pathlib import Path

from unit.label_gateway.at_work import GatewayAtWork

from escolta.settings import Settings

ROOT = Path(__file__).parents[3]
WITHOUT_DOCKER = """set -eu
docker() { shift 5; "$ESCOLTA" "$@"; }
curl() { command curl --noproxy '*' "${@/"https://sound.example.org:8443"/"$GATEWAY"}"; }
"""
"""What runs in a container there runs beside us, and the entrance is left out."""


def commands() -> str:
    """The block of the page that adds labelers, with Docker Compose."""
    page = (ROOT / "docs/deploy.md").read_text("utf-8")
    blocks = re.findall(r"^ *```\n(.*?)^ *```$", page, re.DOTALL | re.MULTILINE)
    [block] = [block for block in blocks if "api labelers" in block and "docker compose" in block]
    return textwrap.dedent(block).replace("--cacert deploy/tls/ca.crt ", "")


async def test_five_labelers_in_two_groups_each_get_a_link(gateway: GatewayAtWork):
    settings: Settings = gateway.on.settings
    assert settings.secret
    environment = os.environ | {
        "ESCOLTA": str(Path(sys.executable).with_name("escolta")),
        "GATEWAY": gateway.on.http_url,
        "ESCOLTA_CATALOG_URL": settings.catalog_url,
        "ESCOLTA_OBJECTS_URL": settings.objects_url,
        "ESCOLTA_SECRET": settings.secret.get_secret_value(),
        "ESCOLTA_PUBLIC_URL": gateway.on.http_url,
        "ESCOLTA_STATE_DIR": str(settings.state_dir / "operator"),
    }
    done = await asyncio.create_subprocess_exec(
        "bash", "-c", WITHOUT_DOCKER + commands(), env=environment, stdout=asyncio.subprocess.PIPE
    )
    out, _ = await done.communicate()
    assert done.returncode == 0
    people = ("Anna", "Ben", "Carla", "Dana", "Emil")
    told = out.decode()
    assert [name for name in people if f"Open this link to sign in as {name!r}" not in told] == []
    async with gateway.client() as lead:
        added = (await lead.get("/api/labelers")).json()
    groups = {person["name"]: person["group"] for person in added if person["name"] in people}
    assert groups == {**dict.fromkeys(people[:3], "harbor"), **dict.fromkeys(people[3:], "campus")}
