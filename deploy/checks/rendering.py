"""What `kubectl apply -k` would send to a cluster, by kubectl's own Kustomize, with secrets that are none."""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import yaml

from checks.parts import Part

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
OVERLAYS = ("single-node", "production")
EVERYTHING = "with-everything"
"""Production with every component that stands there as a comment; made here alone."""


class NotRendered(Exception):
    """Kustomize refuses a folder; the message is its own."""


@contextmanager
def copy_with_secrets() -> Iterator[Path]:
    """A copy of deploy/ with what an operator adds: secrets, and files in place of certificates."""
    with TemporaryDirectory() as folder:
        deploy = Path(folder) / "deploy"
        private = shutil.ignore_patterns("tls", "secrets", "__pycache__")
        shutil.copytree(ROOT / "deploy", deploy, ignore=private)
        own = deploy / "k8s/own"
        for path in own.glob("*.env"):
            if path.name != "settings.env":
                path.unlink()
        made = [sys.executable, str(deploy / "make_env.py"), "--k8s"]
        subprocess.run(made, check=True, capture_output=True, cwd=folder)
        for name in set(re.findall(r"tls/[\w./-]+", (own / "kustomization.yaml").read_text("utf-8"))):
            (own / name).parent.mkdir(parents=True, exist_ok=True)
            (own / name).write_text("checked\n", "utf-8")
        _with_everything(deploy)
        yield deploy


def _with_everything(deploy: Path) -> None:
    """Production with every component, each on its line."""
    folder = deploy / "k8s/overlays" / EVERYTHING
    shutil.copytree(deploy / "k8s/overlays/production", folder)
    file = folder / "kustomization.yaml"
    file.write_text(re.sub(r"^  # - ", "  - ", file.read_text("utf-8"), flags=re.MULTILINE), "utf-8")


def rendered(folder: Path) -> str:
    """The manifests of an overlay. Raises `NotRendered`."""
    command: Sequence[str] = (str(BIN / "kubectl"), "kustomize", str(folder))
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise NotRendered(f"kubectl kustomize {folder.name}: {done.stderr}")
    return done.stdout


def parts_of(text: str) -> list[Part]:
    """Each object of the manifests."""
    return [part for part in yaml.safe_load_all(text) if part]
