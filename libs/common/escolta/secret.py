"""The secret that signs sessions."""

import os
import secrets
import tempfile
from pathlib import Path

from escolta.errors import Misconfigured

LEAST_SECRET = 16
"""Characters of the secret that signs sessions. An empty one would be signed with as well."""


def kept_secret(state_dir: Path) -> str:
    """The secret of earlier starts; the first start makes it, whole or not at all."""
    path = state_dir / "secret"
    state_dir.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        descriptor, name = tempfile.mkstemp(prefix="secret-", dir=state_dir)  # of mode 600
        new = Path(name)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(32))
            file.flush()
            os.fsync(descriptor)
        try:
            os.link(new, path)
        except FileExistsError:
            pass  # another process was first: its secret counts
        except OSError:  # a file system without hard links
            new.replace(path)
        finally:
            new.unlink(missing_ok=True)
    secret = path.read_text().strip()
    if len(secret) < LEAST_SECRET:
        raise Misconfigured(f"{path} holds no secret: remove it, and the next start makes a new one")
    return secret
