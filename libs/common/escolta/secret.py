"""The secret that signs sessions."""

import secrets
from pathlib import Path

from escolta.disk import put_first, whole_file
from escolta.errors import Misconfigured

LEAST_SECRET = 16
"""Characters of the secret that signs sessions. An empty one would be signed with as well."""


def kept_secret(state_dir: Path) -> str:
    """The secret of earlier starts; the first start makes it, whole or not at all."""
    path = state_dir / "secret"
    state_dir.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        with whole_file(path, put=put_first) as file:  # another process may be first: its secret counts
            file.write(secrets.token_urlsafe(32).encode())
    secret = path.read_text().strip()
    if len(secret) < LEAST_SECRET:
        raise Misconfigured(f"{path} holds no secret: remove it, and the next start makes a new one")
    return secret
