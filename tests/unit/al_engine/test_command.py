"""`escolta iterate` and `escolta iteration replay`, beside an al-engine that shares no bus with them."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path
from uuid import UUID

import pytest
from unit.al_engine.at_work import EngineAtWork

from escolta import cli


async def escolta(engine: EngineAtWork, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = Path(sys.executable).with_name("escolta")
    environment = os.environ | {"ESCOLTA_CATALOG_URL": engine.on.settings.catalog_url}
    return await asyncio.to_thread(
        subprocess.run,
        [str(command), *arguments],
        capture_output=True,
        text=True,
        timeout=240,
        env=environment,
        cwd=engine.on.settings.state_dir,
        check=False,
    )


async def test_somebody_asks_waits_and_repeats(engine):
    ids = await engine.add_audios(20)
    window = ["--from", "2024-05-01T10:00", "--to", "2024-05-01T10:01:40", "--hours", "9-11"]
    asked = await escolta(engine, "iterate", "--node", "quay-1", *window, "--batch", "4", "--wait")
    assert asked.returncode == 0, asked.stderr
    assert "4 of 10 unlabeled audios are proposed" in asked.stderr
    again = await escolta(engine, "iteration", "replay", asked.stdout.strip())
    assert again.returncode == 0, again.stderr
    assert set(again.stdout.split()) <= {str(audio_id) for audio_id in ids[:10]}
    assert "as recorded: 4 audios" in again.stderr


async def test_herding_proposes_from_a_catalog_and_repeats_itself(engine):
    await engine.add_audios(30)
    labeled = await engine.labeled_batch(6)
    asked = await escolta(engine, "iterate", "--strategy", "mal-then-herding", "--batch", "5", "--wait")
    assert asked.returncode == 0, asked.stderr
    assert "5 of 24 unlabeled audios are proposed" in asked.stderr
    iteration_id = asked.stdout.strip()
    again = await escolta(engine, "iteration", "replay", iteration_id)
    assert "as recorded: 5 audios" in again.stderr, again.stderr
    recorded = await engine.on.catalog.fetch(
        "SELECT predicted_class FROM al.wavs_proposed WHERE iteration_id = $1", UUID(iteration_id)
    )
    assert iteration_id != str(labeled)
    assert all(row["predicted_class"] is not None for row in recorded)


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--hours", "night"], "two hours of the day in UTC, such as 22-6"),
        (["--hours", "\u00b2-\u00b3"], "two hours of the day in UTC, such as 22-6"),
        (["--hours", "2-" + "1" * 5000], "two hours of the day in UTC, such as 22-6"),
        (["--from", "yesterday"], "'yesterday' is no time: write 2024-05-01"),
        (["--from", "2024-05-01", "--from", "2024-06-01"], "give them in pairs"),
        (["--strategy", "guess"], "there is no strategy 'guess'"),
        (["--node", "Quay 1"], "nodes"),
        (["--from", "0001-01-01"], "window_start: a time must lie between"),
        (["--batch", str(2**31)], "batch: Input should be less than or equal to 2147483647"),
        (["--strategy", "s" * 300], "strategy: String should have at most 255 characters"),
        (
            ["--from", "2024-05-01", "--to", "2024-05-02"] * 54,
            "further_windows: Tuple should have at most 52",
        ),
    ],
)
def test_what_cannot_be_asked_is_said_in_a_sentence(
    catalog_url, monkeypatch, tmp_path, capsys, arguments, reason
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ESCOLTA_CATALOG_URL", catalog_url)
    monkeypatch.setattr(sys, "argv", ["escolta", "iterate", *arguments])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 2
    assert reason in capsys.readouterr().err


def test_what_only_some_strategies_need_is_read_by_no_start():
    """It takes longer than all the rest of a start."""
    look = "import sys, al_engine.service; sys.exit('sklearn' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", look], check=False).returncode == 0
