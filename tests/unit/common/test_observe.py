"""The lines of the log: JSON, with the ids they carry, and never as long as whatever came from outside."""

import io
import json
import logging
from uuid import UUID, uuid4

from escolta.observe import AUDIOS_A_LINE, LONGEST_ERROR, LONGEST_MESSAGE, JsonLines, tell_of


def lines_of(write) -> list[dict]:
    stream = io.StringIO()
    logger = logging.Logger("escolta.test")
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines())
    logger.addHandler(handler)
    write(logger)
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_line_carries_its_ids():
    [line] = lines_of(lambda log: log.info("refused: %s", "odd", extra={"audio_id": 7, "node": "quay-1"}))
    assert (line["message"], line["audio_id"], line["node"]) == ("refused: odd", "7", "quay-1")


def test_what_comes_from_outside_does_not_fill_the_log():
    def write(log: logging.Logger) -> None:
        log.warning("refused: %s", "a" * 8_000_000, extra={"node": "n" * 8_000_000})
        try:
            raise ValueError("b" * 8_000_000)
        except ValueError:
            log.exception("it failed")

    refused, failed = lines_of(write)
    assert len(refused["message"]) == LONGEST_MESSAGE
    assert refused["message"].startswith("refused: aaa")
    assert len(json.dumps(refused)) < 2 * LONGEST_MESSAGE
    assert failed["error"].startswith("Traceback")
    assert failed["error"].endswith("bbb")
    assert len(failed["error"]) < LONGEST_ERROR + 10


def test_a_line_that_tells_of_many_audios_has_all_their_ids_and_nothing_is_said_of_none():
    audio_ids = [uuid4() for _ in range(AUDIOS_A_LINE + 1)]

    def write(log: logging.Logger) -> None:
        tell_of(log, "embedded %d audios", audio_ids, model_id="m")
        tell_of(log, "embedded %d audios", [])

    lines = lines_of(write)
    assert [(line["message"], line["model_id"]) for line in lines] == [
        (f"embedded {AUDIOS_A_LINE} audios", "m"),
        ("embedded 1 audios", "m"),
    ]
    assert [UUID(audio_id) for line in lines for audio_id in line["audio_ids"]] == audio_ids
