"""Checkov's findings: each is mended, or argued here; what is argued and found nowhere is told, too."""

import json
import os
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
CHECKOV = ROOT / ".checkov/bin/checkov"
ARGUED = {
    "CKV_K8S_8": "what listens to nobody has no door to knock at: an operator's shell, and the backup's log,"
    " which ends with its connection",
    "CKV_K8S_9": "the same: nobody is sent there",
    "CKV_K8S_11": "a limit of processor time slows a batch while the machine is idle; requests share it"
    " when it is not. Memory has limits",
    "CKV_K8S_15": "a version's image does not change, and our own may be on the machine alone",
    "CKV_K8S_35": "who may read a pod's environment may read its files: the process itself, and whoever may"
    " `exec`",
    "CKV_K8S_40": "the images of PostgreSQL and RabbitMQ have user 999 of their own",
    "CKV_K8S_43": "our images are built by whoever deploys; a digest of another's is for one's own registry",
}
"""Why each of these stands: of every finding that is not mended."""


def unargued_findings(files: Sequence[Path]) -> list[str]:
    """What Checkov finds in manifests and Dockerfiles, without asking anybody elsewhere."""
    if not CHECKOV.exists():
        line = f"{CHECKOV} is absent: make .checkov/.ok"
        return [line] if os.environ.get("CI") == "true" else _told_aloud(line)
    command = [str(CHECKOV), "--framework", "kubernetes", "dockerfile", "--skip-download", "--compact"]
    command += ["--output", "json", "--file", *map(str, files)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    try:
        reports = json.loads(done.stdout)
    except ValueError:
        return [f"checkov: {done.stdout[-500:]}{done.stderr[-500:]}"]
    return list(unargued(reports if isinstance(reports, list) else [reports]))


def _told_aloud(line: str) -> list[str]:
    print(f"not checked: {line}")
    return []


def unargued(reports: Sequence[dict[str, Any]]) -> Iterator[str]:
    """Of Checkov's reports what is neither mended nor argued, and what is argued for nothing."""
    found = [finding for report in reports for finding in report["results"]["failed_checks"]]
    for finding in found:
        if finding["check_id"] not in ARGUED:
            yield f"checkov: {finding['resource']}: {finding['check_name']} ({finding['check_id']})"
    for unseen in sorted(ARGUED.keys() - {finding["check_id"] for finding in found}):
        yield f"checkov finds {unseen} nowhere, and it is argued"
