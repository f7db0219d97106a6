"""Writes fresh secrets for Docker Compose (`.env`) or, with --k8s, for Kustomize (`deploy/k8s/*.env`).

Files that are there already are left alone.
"""

import os
import secrets
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def main() -> None:
    """Write what is missing."""
    # Hexadecimal, because passwords stand inside URLs.
    rabbitmq, postgres, s3, secret, metrics = (secrets.token_hex(24) for _ in range(5))
    passwords = {"RABBITMQ_PASSWORD": rabbitmq, "POSTGRES_PASSWORD": postgres, "S3_SECRET": s3}
    shared = {"ESCOLTA_SECRET": secret, "ESCOLTA_METRICS_TOKEN": metrics}
    objects = {"ESCOLTA_OBJECTS_URL": f"s3://escolta:{s3}@seaweedfs:8333/escolta"}
    if "--k8s" not in sys.argv:
        _write(ROOT / ".env", passwords | shared)
        return
    folder = ROOT / "deploy/k8s"
    if (folder / "passwords.env").exists():
        print(f"{folder / 'passwords.env'} is there already; left as it is")
        return
    _write(folder / "passwords.env", passwords)
    urls = {
        "ESCOLTA_BUS_URL": f"amqp://escolta:{rabbitmq}@rabbitmq:5672/",
        "ESCOLTA_CATALOG_URL": f"postgresql://escolta:{postgres}@postgres:5432/escolta",
    }
    _write(folder / "urls.env", urls | objects | shared)
    # A node has neither the catalog's password nor the secret that signs sessions.
    node = {"ESCOLTA_BUS_URL": f"mqtt://escolta:{rabbitmq}@rabbitmq:1883", "ESCOLTA_METRICS_TOKEN": metrics}
    _write(folder / "node.env", node | objects)


def _write(path: Path, values: dict[str, str]) -> None:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        print(f"{path} is there already; left as it is")
        return
    with os.fdopen(descriptor, "w") as file:
        file.writelines(f"{name}={value}\n" for name, value in values.items())
    print(f"Wrote {path} with fresh secrets")


if __name__ == "__main__":
    main()
