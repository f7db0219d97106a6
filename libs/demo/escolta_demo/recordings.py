"""Whether a folder holds anything to play, before anything is started."""

from pathlib import Path

from escolta.audio import CONTAINERS
from escolta.clock import SystemClock
from escolta.errors import Misconfigured
from escolta.names import on_screen

REASONS_SHOWN = 20


def require_recordings(folder: Path) -> None:
    """Raises `Misconfigured` with what is there instead, where `folder` holds no sound that can be read."""
    from node_agent.recording.folder import look

    try:
        found = look(folder, SystemClock().now())
    except OSError as error:
        raise Misconfigured(f"AUDIO={folder} cannot be read: {error.strerror}") from None
    if not found.sounds:
        reasons = "".join(f"\n  {on_screen(left_out.reason)}" for left_out in found.left_out[:REASONS_SHOWN])
        rest = f"{found.others} other files, {found.hidden} hidden, {len(found.left_out)} left out"
        raise Misconfigured(
            f"AUDIO={folder} holds no recording that can be read ({rest}): put {', '.join(CONTAINERS)} files"
            f" there, or name another{reasons}"
        )
