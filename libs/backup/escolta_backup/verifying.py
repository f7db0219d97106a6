"""Checks a base backup against the manifest that the server wrote with it, and reads the log that it needs.

PostgreSQL's own `pg_verifybackup` does the same; the one that comes with the programs of the embedded
catalog does not start.
"""

import hashlib
import json
from pathlib import Path

from escolta.errors import Rejected
from escolta_backup.programs import run

MANIFEST = "backup_manifest"
READ_BYTES = 1 << 20
NO_USE = "make another base backup, or restore an older one by --to-time"


def check_files(data: Path) -> int:
    """Every file that the manifest lists is there with its size and digest, and the manifest itself is whole.

    Returns their bytes. Raises `Rejected` with the first that is not.
    """
    text = (data / MANIFEST).read_bytes()
    manifest = json.loads(text)
    signed = text[: text.rindex(b'"Manifest-Checksum"')]
    if hashlib.sha256(signed).hexdigest() != manifest["Manifest-Checksum"]:
        raise Rejected(f"{data / MANIFEST} is damaged: {NO_USE}")
    total = 0
    for file in manifest["Files"]:
        path = data / (file["Path"] if "Path" in file else bytes.fromhex(file["Encoded-Path"]).decode())
        if not path.is_file() or path.stat().st_size != file["Size"]:
            raise Rejected(f"{path} is missing or has another size than it had: {NO_USE}")
        if file["Checksum-Algorithm"] != "SHA256" or _sha256(path) != file["Checksum"]:
            raise Rejected(f"{path} is damaged: {NO_USE}")
        total += file["Size"]
    return total


async def check_log(data: Path, binaries: Path) -> None:
    """The log that the base backup needs to be consistent can be read to its end. Raises `Transient`."""
    for part in json.loads((data / MANIFEST).read_bytes())["WAL-Ranges"]:
        await run(
            binaries / "pg_waldump",
            "--quiet",
            f"--path={data / 'pg_wal'}",
            f"--timeline={part['Timeline']}",
            f"--start={part['Start-LSN']}",
            f"--end={part['End-LSN']}",
        )


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(READ_BYTES):
            digest.update(block)
    return digest.hexdigest()
