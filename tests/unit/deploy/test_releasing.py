"""What a release has to pass: digests, no known vulnerability, no license that binds others."""

import audit
import pin
import pytest
import sbom

DIGEST = "sha256:" + "0" * 64
TEXT = """FROM python:3.11-slim-bookworm AS build
    image: rabbitmq:4.3-management
    image: ${ESCOLTA_REGISTRY:-localhost/escolta}/ingest:0.1.0
          image: localhost/escolta/ingest:0.1.0
          image: escolta/ingest
"""


def test_images_of_others_get_the_digest_behind_their_tag():
    text = pin.pinned(TEXT, lambda _: DIGEST)
    assert f"FROM python:3.11-slim-bookworm@{DIGEST} AS build\n" in text
    assert f"image: rabbitmq:4.3-management@{DIGEST}\n" in text
    assert text.count(DIGEST) == 2


def test_a_digest_is_brought_up_to_date():
    newer = "sha256:" + "1" * 64
    text = pin.pinned(pin.pinned(TEXT, lambda _: DIGEST), lambda _: newer)
    assert DIGEST not in text
    assert text.count(newer) == 2


def test_what_has_no_digest_is_told():
    assert pin.unpinned(TEXT) == ["python:3.11-slim-bookworm", "rabbitmq:4.3-management"]
    assert pin.unpinned(pin.pinned(TEXT, lambda _: DIGEST)) == []


def test_every_file_that_names_images_is_looked_at():
    named = {found["image"] for path in pin.files(pin.ROOT) for found in pin.NAMED.finditer(path.read_text())}
    others = {image.partition(":")[0] for image in named if not image.startswith(pin.OURS)}
    assert others >= {"python", "rabbitmq", "postgres", "chrislusf/seaweedfs", "grafana/grafana"}


def test_a_vulnerability_is_told_with_where_it_is_mended():
    report = {
        "dependencies": [
            {"name": "sound", "version": "1.0", "vulns": [{"id": "PYSEC-2026-1", "fix_versions": ["1.1"]}]},
            {"name": "well", "version": "1.0", "vulns": []},
            {"name": "odd", "skip_reason": "Dependency not found on PyPI"},
        ]
    }
    found, unknown, asked = audit.findings(report)
    assert found == ["sound 1.0: PYSEC-2026-1, mended in ['1.1']"]
    assert (unknown, asked) == (["odd"], 2)


def test_an_image_is_built_from_what_compose_says():
    builds = sbom.builds()
    assert set(builds) == {"ingest", "embedder", "al-engine", "label-gateway", "node-agent", "backup"}
    assert builds["ingest"]["EXTRAS"] == "[operator]"
    assert builds["embedder"]["EXTRAS"] == "[yamnet]"
    assert builds["backup"]["FOLDER"] == "libs/backup"


@pytest.mark.parametrize(
    ("licenses", "told"),
    [
        ([{"license": {"id": "GPL-3.0-or-later"}}], True),
        ([{"license": {"name": "GNU Affero General Public License v3"}}], True),
        ([{"expression": "MIT AND GPL-2.0-only"}], True),
        ([{"expression": "MIT OR GPL-2.0-only"}], False),
        ([{"license": {"id": "LGPL-2.1-or-later"}}], False),
        ([{"license": {"name": "GNU Lesser General Public License v2"}}], False),
        ([{"license": {"id": "Apache-2.0"}}], False),
        ([], False),
    ],
)
def test_a_license_that_binds_who_passes_it_on_is_told(licenses, told):
    document = {"components": [{"name": "sound", "licenses": licenses}]}
    assert bool(sbom.strong_copyleft(document)) == told
