"""How large a set may be follows from the memory, of the machine or of the container."""

import pytest

from al_engine.exact import memory


@pytest.mark.parametrize(
    ("limit", "first", "expected"),
    [
        (2**30, True, 11_585),  # half of 11,585² distances of 4 bytes are a quarter of 1 GiB
        (2**30, False, 32_768),  # as are 32,768 embeddings of 8 KiB
        (2**50, True, 20_000),
        (2**50, False, 100_000),
        (1, True, 1),
        (1, False, 1),
    ],
)
def test_a_set_takes_a_quarter_of_the_memory_at_most(limit, first, expected, monkeypatch):
    monkeypatch.setattr(memory, "memory_bytes", lambda: limit)
    assert memory.most_samples(first) == expected


def test_a_container_may_have_less_than_its_machine(tmp_path, monkeypatch):
    machine = memory.memory_bytes()
    monkeypatch.setattr(memory, "CGROUP_LIMIT", tmp_path / "memory.max")
    (tmp_path / "memory.max").write_text("1048576\n")
    assert memory.memory_bytes() == 1048576
    (tmp_path / "memory.max").write_text("max\n")
    assert memory.memory_bytes() >= machine
