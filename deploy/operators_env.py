"""What the operators of a cluster are told besides (`deploy/k8s/own/production` and `autoscaling`)."""

import secrets
from collections.abc import Mapping
from pathlib import Path

ARCHIVE = """\
# Of the S3 that keeps the catalog's backups: ObjectStore in overlays/production/postgres.yaml.
ACCESS_KEY_ID=
SECRET_ACCESS_KEY=
"""


def files_of_operators(own: Path, secret: Mapping[str, str]) -> dict[Path, str]:
    """The files with their texts; `secret` are a deployment's passwords. What you filled in stays."""
    return _of_production(own / "production", secret) | _of_autoscaling(own / "autoscaling")


def _of_production(folder: Path, secret: Mapping[str, str]) -> dict[Path, str]:
    catalog, broker = secret["POSTGRES_PASSWORD"], secret["RABBITMQ_PASSWORD"]
    files = {
        folder / "catalog-owner.env": f"username=escolta\npassword={catalog}\n",
        folder / "broker-owner.env": f"username=escolta\npassword={broker}\n",
        # The same in RabbitMQ's words, which its operator mounts.
        folder / "default_user.conf": f"default_user = escolta\ndefault_pass = {broker}\n",
    }
    archive = folder / "archive.env"
    return files if archive.exists() else {**files, archive: ARCHIVE}


def _of_autoscaling(folder: Path) -> dict[Path, str]:
    """Its password is read by the autoscaler, and by `escolta accounts`, which makes the account."""
    file = folder / "autoscaling.env"
    password = f"ESCOLTA_BROKER_WATCHER_PASSWORD={secrets.token_hex(24)}"
    return {} if file.exists() else {file: f"USERNAME=escolta-watcher\n{password}\nTLS=enable\n"}
