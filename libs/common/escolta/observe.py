"""Logs: JSON lines that carry the ids of what they tell of, so that one search finds the way of an audio."""

import json
import logging
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from itertools import islice
from typing import TextIO
from uuid import UUID

from escolta.fields import WORD_CHARS, shortened

LONGEST_MESSAGE, LONGEST_ERROR = 4_000, 20_000
"""Characters. What comes from outside may end up in a line; it must not fill the disk."""
CARRIED = ("audio_id", "iteration_id", "node", "queue", "model_id")
AUDIO_IDS = "audio_ids"
"""What a line carries that tells of many audios at once."""
AUDIOS_A_LINE = 200


class JsonLines(logging.Formatter):
    """One JSON object a line: time, level, logger, message, and the ids that the record carries."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": shortened(record.getMessage(), LONGEST_MESSAGE),
        }
        carried = {name: record.__dict__.get(name) for name in CARRIED}
        line |= {
            name: shortened(str(value), WORD_CHARS) for name, value in carried.items() if value is not None
        }
        if audio_ids := record.__dict__.get(AUDIO_IDS):
            line[AUDIO_IDS] = [str(audio_id) for audio_id in audio_ids]
        if record.exc_info:
            line["error"] = _ends_of(self.formatException(record.exc_info))
        return json.dumps(line, ensure_ascii=False)


def _ends_of(traceback: str) -> str:
    """A traceback says where at its beginning and what at its end."""
    if len(traceback) <= LONGEST_ERROR:
        return traceback
    half = LONGEST_ERROR // 2
    return f"{traceback[:half]}\n…\n{traceback[-half:]}"


def tell_of(log: logging.Logger, sentence: str, audio_ids: Iterable[UUID], **carried: object) -> None:
    """Log that something was done with audios: a line for up to `AUDIOS_A_LINE` of them, which has their ids.

    `sentence` has a place, %d, for their number. Any of them finds it.
    """
    left = iter(audio_ids)
    while part := list(islice(left, AUDIOS_A_LINE)):
        log.info(sentence, len(part), extra={AUDIO_IDS: part} | carried)


def set_up_logs(stream: TextIO | None = None) -> None:
    """Send our logs, and the warnings of everybody else, as JSON lines to `stream` (standard error)."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonLines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("escolta").setLevel(logging.INFO)
    # connect_robust reports every refused attempt as an error; we report the outage once ourselves.
    for noisy in ("aiormq.connection", "aio_pika.robust_connection", "aio_pika.tools"):
        logging.getLogger(noisy).setLevel(logging.CRITICAL)
