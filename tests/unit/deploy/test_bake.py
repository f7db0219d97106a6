"""What builds all images for a registry builds what Compose does."""

from pathlib import Path

import pytest

from checks.bake import wrong_bake

TEXT = Path(__file__).parents[3].joinpath("deploy/bake.hcl").read_text("utf-8")


def test_it_builds_what_compose_builds():
    assert wrong_bake() == []


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ('group "default" {', 'group "default"', "deploy/bake.hcl cannot be read"),
        ("[yamnet,cnn14]", "[cnn14]", "deploy/bake.hcl builds embedder-cpu with"),
        ('"[operator]"', '""', "deploy/bake.hcl builds ingest with"),
        ('target "backup"', 'target "backups"', "backup is built by only one of"),
        ('"embedder-cuda", ', "", "embedder-cuda is a target or in the group"),
        ("/ingest:${VERSION}", "/ingest", "ingest has the tags"),
        ("deploy/Dockerfile", "Dockerfile", "dockerfile of ingest is not there"),
        ('inherits = ["image"]', 'inherits = ["picture"]', "cannot be read: 'picture'"),
    ],
)
def test_where_it_does_not_that_is_told(before: str, after: str, told: str):
    assert before in TEXT
    assert told in "\n".join(wrong_bake(TEXT.replace(before, after)))
