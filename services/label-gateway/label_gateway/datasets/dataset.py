"""The labeled data set as CSV, read from the catalog as it is sent, so that its size does not matter. Nothing
is in it that may not be heard.

It is read in pages, and nothing of the catalog is held while one is sent: however slowly somebody fetches it,
nobody else waits. Each audio is as it was when its page was read.
"""

import asyncio
import csv
import io
import re
from collections.abc import AsyncGenerator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import asyncpg

AUDIOS_AT_ONCE = 200
ROWS_AT_ONCE = 1000
"""Written and sent before anybody else has a turn: one audio may hold thousands of events."""

_PAGE = """
    SELECT start_utc, audio_id, iteration_id FROM al.hearable_proposals
    WHERE (start_utc, audio_id, iteration_id) > ($1, $2, $3)
    ORDER BY start_utc, audio_id, iteration_id LIMIT $4
"""
_BEFORE_ALL = (datetime.min.replace(tzinfo=UTC), UUID(int=0), UUID(int=0))

LABELS = """
    SELECT f.file_name, c.name AS label, t.labelers, t.agreement_percent::numeric(5, 2),
           w.node, f.start_utc, f.duration_s, f.rate_hz, t.audio_id, t.iteration_id
    FROM unnest($1::uuid[], $2::uuid[]) AS page (iteration_id, audio_id)
    JOIN label.agreements t USING (iteration_id, audio_id)
    JOIN audio.ontology c USING (class_id)
    JOIN al.wavs_proposed w USING (iteration_id, audio_id)
    JOIN audio.hearable f USING (audio_id, start_utc)
    ORDER BY f.start_utc, t.audio_id, t.iteration_id
"""
"""Weak labels: a row for each audio of a page on which its group agreed."""

CHUNKS = """
    SELECT f.file_name, k.onset_s, k.offset_s, c.name AS label, l.name AS labeler,
           w.node, f.start_utc, k.audio_id, k.iteration_id
    FROM unnest($1::uuid[], $2::uuid[]) AS page (iteration_id, audio_id)
    JOIN audio.chunks k USING (iteration_id, audio_id)
    JOIN audio.ontology c USING (class_id)
    JOIN audio.labelers l USING (labeler_id)
    JOIN al.wavs_proposed w USING (iteration_id, audio_id)
    JOIN audio.hearable f USING (audio_id, start_utc)
    ORDER BY f.start_utc, k.audio_id, k.iteration_id, l.labeler_id, k.onset_s, k.chunk_id
"""
"""Strong labels: a row for each event that a labeler marked in an audio of a page, whatever the agreement."""

_FORMULA = re.compile("[=+\\-@\t\r\n\uff1d\uff0b\uff0d\uff20]")
"""The last four are the same signs in full width, which East Asian spreadsheets read alike."""


async def csv_of(pool: asyncpg.Pool, query: str) -> AsyncGenerator[str, None]:
    """The rows of `query` as CSV (RFC 4180), a header first; times in ISO 8601, UTC."""
    async with pool.acquire() as db:
        statement = await db.prepare(query)
        names = [column.name for column in statement.get_attributes()]
    yield _lines([names])
    last = _BEFORE_ALL
    while page := await pool.fetch(_PAGE, *last, AUDIOS_AT_ONCE):
        last = tuple(page[-1])
        rows = await pool.fetch(
            query, [audio["iteration_id"] for audio in page], [audio["audio_id"] for audio in page]
        )
        for begin in range(0, len(rows), ROWS_AT_ONCE):
            some = rows[begin : begin + ROWS_AT_ONCE]
            yield _lines([[_text(value) for value in row.values()] for row in some])
            await asyncio.sleep(0)  # whoever reads fast would else keep the others waiting


def _text(value: Any) -> str:
    """What a spreadsheet would run as a formula begins with an apostrophe, which makes it text there."""
    if isinstance(value, str):
        return f"'{value}" if _FORMULA.match(value) else value
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _lines(rows: list[list[str]]) -> str:
    page = io.StringIO()
    csv.writer(page).writerows(rows)
    return page.getvalue()
