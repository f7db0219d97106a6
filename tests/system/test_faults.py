"""Everything fails by chance, but the same by the same seed: nothing is lost, double or left to a person."""

from system import fault_run

AUDIOS = 60


async def test_by_whatever_faults_every_audio_arrives_once_and_nobody_has_to_help(servers_folder):
    result = await fault_run.run(AUDIOS, seed=1, folder=servers_folder / "faults", patience_s=1200)
    assert (result.rows, result.embeddings, result.doubled) == (AUDIOS, AUDIOS, 0), result
    assert result.manual_steps == 0, result.by_hand
    assert len(result.faults) >= 14, result.faults
