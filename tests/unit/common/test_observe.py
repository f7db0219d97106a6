"""The lines of the log: JSON, with the ids they carry, and never as long as whatever came from outside."""

import io
import json
import logging

from escolta.observe import LONGEST_ERROR, LONGEST_MESSAGE, JsonLines


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
