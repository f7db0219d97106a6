"""What a line of the log costs the entrance: one for each audio, or one for a batch with all its ids.

    python bench/log_lines.py

Prints one line of JSON: microseconds of processor for an audio, the lines written to /dev/null.
"""

import json
import logging
import time
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

from escolta.observe import JsonLines, tell_of

BATCH, BATCHES = 32, 2_000


def us_an_audio(tell: Callable[[logging.Logger, list], None]) -> float:
    """Microseconds of processor that `tell` takes for each audio of a batch."""
    with Path("/dev/null").open("w") as nowhere:
        log, handler = logging.Logger("escolta.bench"), logging.StreamHandler(nowhere)
        handler.setFormatter(JsonLines())
        log.addHandler(handler)
        audio_ids = [uuid4() for _ in range(BATCH)]
        begun = time.process_time()
        for _ in range(BATCHES):
            tell(log, audio_ids)
        return round((time.process_time() - begun) / BATCH / BATCHES * 1e6, 2)


def a_line_each(log: logging.Logger, audio_ids: list) -> None:
    for audio_id in audio_ids:
        log.info("cataloged", extra={"audio_id": audio_id})


def a_line_for_all(log: logging.Logger, audio_ids: list) -> None:
    tell_of(log, "cataloged %d audios", audio_ids)


if __name__ == "__main__":
    print(
        json.dumps({"line_each_us": us_an_audio(a_line_each), "line_for_32_us": us_an_audio(a_line_for_all)})
    )
