"""The labeled data set as CSV, read from the catalog as it is sent, so that its size does not matter."""

import csv
import io
from collections.abc import AsyncIterator
from typing import Any

import asyncpg

ROWS_AT_ONCE = 500

LABELS = """
    SELECT f.file_name, c.name AS label, t.labelers, t.agreement_percent::numeric(5, 2),
           w.node, f.start_utc, f.duration_s, f.rate_hz, t.audio_id, t.iteration_id
    FROM label.agreements t JOIN audio.ontology c USING (class_id)
    JOIN al.wavs_proposed w USING (iteration_id, audio_id)
    JOIN audio.audios f USING (audio_id, start_utc)
    ORDER BY f.start_utc, t.audio_id, t.iteration_id
"""
"""Weak labels: a row for each audio on which its group agreed."""

CHUNKS = """
    SELECT f.file_name, k.onset_s, k.offset_s, c.name AS label, l.name AS labeler,
           w.node, f.start_utc, k.audio_id, k.iteration_id
    FROM audio.chunks k JOIN audio.ontology c USING (class_id)
    JOIN audio.labelers l USING (labeler_id)
    JOIN al.wavs_proposed w USING (iteration_id, audio_id)
    JOIN audio.audios f USING (audio_id, start_utc)
    ORDER BY f.start_utc, k.audio_id, k.iteration_id, l.labeler_id, k.onset_s, k.chunk_id
"""
"""Strong labels: a row for each event that a labeler marked, whatever the agreement."""


async def csv_of(pool: asyncpg.Pool, query: str) -> AsyncIterator[str]:
    """The rows of `query` as CSV (RFC 4180), a header first; times in ISO 8601, UTC."""
    async with pool.acquire() as connection, connection.transaction(isolation="repeatable_read"):
        statement = await connection.prepare(query)
        yield _lines([[column.name for column in statement.get_attributes()]])
        cursor = await statement.cursor()
        while rows := await cursor.fetch(ROWS_AT_ONCE):
            yield _lines([[_text(value) for value in row.values()] for row in rows])


def _text(value: Any) -> str:
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def _lines(rows: list[list[str]]) -> str:
    page = io.StringIO()
    csv.writer(page).writerows(rows)
    return page.getvalue()
