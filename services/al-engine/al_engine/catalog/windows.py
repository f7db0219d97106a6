"""Windows of the catalog: which audios an iteration may choose from, and their embeddings.

A window of a year holds millions of audios. Their ids, classes and probabilities come in PostgreSQL's binary
form straight into an array, 48 bytes each, out of one index; their vectors stay where they are until a
disjoint set is looked at.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from uuid import UUID

import asyncpg
import numpy as np
from numpy.typing import NDArray

from al_engine.exact.audio_ids import Ids, by_id, ids_of, to_bytes, uuids
from escolta.errors import Rejected, Transient
from escolta.events import IterationRequested, Window

BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
"""Before any audio."""
AT_ONCE = 2000
POSTGRES_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
COPY_HEADER_BYTES, COPY_TRAILER_BYTES = 19, 2
# One row of COPY … (FORMAT binary): the number of fields, then the length and the bytes of each.
COPY_ROW = np.dtype(
    [
        ("fields", ">i2"),
        ("", ">i4"),
        ("id", ">u8", 2),
        ("", ">i4"),
        ("start", ">i8"),
        ("", ">i4"),
        ("top_class", ">i2"),
        ("", ">i4"),
        ("top_probability", ">f4"),
    ]
)

Progress = Callable[[int, int], Awaitable[None]]
"""Told what is done, and of how much."""


@dataclass(frozen=True)
class Candidates:
    """The set U in order of audio id: `[audios]` each, `ids [audios, 2]`; `starts` in µs since 2000."""

    ids: Ids
    starts: NDArray[np.int64]
    top_classes: NDArray[np.int16]
    top_probabilities: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.ids)

    def digest(self) -> bytes:
        """Of the ids, in their order: the same audios give the same 16 bytes."""
        return blake2b(to_bytes(self.ids), digest_size=16).digest()

    def keys(self, rows: NDArray[np.intp]) -> tuple[list[UUID], list[datetime]]:
        """Ids and starts of these rows: what finds a row of a partitioned table."""
        return uuids(self.ids[rows]), _moments(self.starts[rows])

    def starts_of(self, audio_ids: Sequence[UUID]) -> list[datetime]:
        """The starts of these audios, which are among the candidates."""
        rows = np.flatnonzero(np.isin(self.ids[:, 0], ids_of(audio_ids)[:, 0]))
        start_of = dict(zip(*self.keys(rows), strict=True))
        return [start_of[audio_id] for audio_id in audio_ids]


def _moments(starts: NDArray[np.int64]) -> list[datetime]:
    return [POSTGRES_EPOCH + timedelta(microseconds=start) for start in starts.tolist()]


def windows_of(request: IterationRequested) -> list[Window]:
    """Every window of the request."""
    first = Window(
        nodes=request.nodes,
        window_start=request.window_start,
        window_end=request.window_end,
        hours=request.hours,
    )
    return [first, *request.further_windows]


# A window's audios, said once, whatever names the node, the start and the window's bounds.
def _within(of_node: str, start: str, first: str, end: str, hours: str) -> str:
    return f"{of_node} AND {start} >= {first} AND {start} < {end} AND al.within_hours({start}, {hours})"


EMBEDDED_IN = "model_id = $1 AND " + _within(
    "of_node = ANY ($2::integer[])", "start_utc", "$3::timestamptz", "$4::timestamptz", "$5::smallint[]"
)
"""Of `audio.hearable_embeddings`, with the parameters of `in_window`: those of one window."""
SAME_NODE = "(cardinality(in_.nodes) = 0 OR w.node = ANY (in_.nodes))"
PROPOSED_IN = _within(SAME_NODE, "w.start_utc", "in_.window_start", "in_.window_end", "in_.hours")
"""Of `al.wavs_proposed AS w`, joined to `windows_at`: those of the window `in_`."""


def windows_at(parameter: int) -> str:
    """Windows as a table `in_`, out of the JSON of `encoded`."""
    columns = "nodes text[], window_start timestamptz, window_end timestamptz, hours smallint[]"
    return f"jsonb_to_recordset(${parameter}::jsonb) AS in_ ({columns})"


def encoded(windows: Sequence[Window]) -> list[dict]:
    """The windows as the parameter of `windows_at`."""
    return [window.model_dump(mode="json") for window in windows]


async def in_window(connection: asyncpg.Connection, window: Window, model_id: str) -> tuple:
    """The five parameters of `EMBEDDED_IN`."""
    node_ids = await _node_ids(connection, window.nodes)
    return model_id, node_ids, window.window_start, window.window_end, window.hours


async def cutoff(connection: asyncpg.Connection) -> datetime:
    """A moment such that every embedding from before it is committed by now, and none can still appear.

    Raises `Transient` where somebody writes embeddings for longer than that may take.
    """
    try:
        async with connection.transaction():
            await connection.execute("SET LOCAL lock_timeout = '30s'")
            return await connection.fetchval("SELECT audio.cutoff()")
    except asyncpg.LockNotAvailableError as error:
        raise Transient("somebody has been writing embeddings for 30 s: waiting for the end of it") from error


async def candidates(
    connection: asyncpg.Connection, windows: Sequence[Window], model_id: str, before: datetime, number: int
) -> Candidates:
    """The set U: what may be heard of the windows, embedded `before`, that no iteration of a lower number
    proposed."""
    encoded = bytearray()

    async def keep(block: bytes) -> None:
        encoded.extend(block)

    found = []
    async with connection.transaction(readonly=True):
        for window in windows:
            encoded = bytearray()
            await connection.copy_from_query(
                "SELECT audio_id, start_utc, top_class, top_probability FROM audio.hearable_embeddings AS e"
                f" WHERE {EMBEDDED_IN} AND embedded_at < $6::timestamptz"
                " AND top_class IS NOT NULL AND NOT EXISTS ("
                " SELECT FROM al.wavs_proposed AS w JOIN al.al_preprocessing AS i USING (iteration_id)"
                " WHERE w.audio_id = e.audio_id AND i.number < $7::integer)",
                *await in_window(connection, window, model_id),
                before,
                number,
                output=keep,
                format="binary",
            )
            found.append(np.frombuffer(encoded[COPY_HEADER_BYTES:-COPY_TRAILER_BYTES], COPY_ROW))
    rows = np.concatenate(found)
    ids = rows["id"].astype(np.uint64)
    order = by_id(ids)
    if len(windows) > 1:  # windows may overlap
        order = order[np.append(True, (ids[order][1:] != ids[order][:-1]).any(axis=1))[: len(order)]]
    return Candidates(
        ids[order],
        rows["start"].astype(np.int64)[order],
        rows["top_class"].astype(np.int16)[order],
        rows["top_probability"].astype(np.float32)[order],
    )


async def _node_ids(connection: asyncpg.Connection, nodes: Sequence[str]) -> list[int]:
    """Also of every node, where none is named: an index wants them."""
    rows = await connection.fetch(
        "SELECT node_id FROM audio.nodes WHERE cardinality($1::text[]) = 0 OR name = ANY ($1)", list(nodes)
    )
    return [row["node_id"] for row in rows]


async def embedded(
    pool: asyncpg.Pool, model_id: str, audio_ids: Sequence[UUID], starts: Sequence[datetime]
) -> set[UUID]:
    """Which of the audios have an embedding."""
    return {row["audio_id"] async for rows in _by_key(pool, "", model_id, audio_ids, starts) for row in rows}


async def vectors(
    pool: asyncpg.Pool,
    model_id: str,
    dim: int,
    audio_ids: Sequence[UUID],
    starts: Sequence[datetime],
    progress: Progress | None = None,
) -> NDArray[np.float32]:
    """Embeddings float32 `[audios, dim]` in the order of the ids.

    Raises `Rejected` where one is not there, or is damaged.
    """
    found = np.empty((len(audio_ids), dim), np.float32)
    row_of = {audio_id: row for row, audio_id in enumerate(audio_ids)}
    done = 0
    async for records in _by_key(pool, ", vector", model_id, audio_ids, starts):
        for audio_id, vector in records:
            found[row_of.pop(audio_id)] = _decoded(audio_id, vector, dim)
        done += len(records)
        if progress:
            await progress(done, len(audio_ids))
    if row_of:
        raise Rejected(
            f"{len(row_of)} of {len(audio_ids)} audios no longer have their embedding by {model_id}, the"
            f" first of them {min(row_of)}: embed that window again"
        )
    return found


async def _by_key(
    pool: asyncpg.Pool, columns: str, model_id: str, audio_ids: Sequence[UUID], starts: Sequence[datetime]
) -> AsyncIterator[list[asyncpg.Record]]:
    """Embeddings of these audios, block by block; a block lies in one month, or in few.

    Also of what may no longer be heard: what people said of it before still teaches.
    """
    by_start = sorted(range(len(audio_ids)), key=starts.__getitem__)
    for first in range(0, len(by_start), AT_ONCE):
        rows = by_start[first : first + AT_ONCE]
        async with pool.acquire() as connection, connection.transaction(readonly=True):
            await connection.execute(
                "SET LOCAL enable_seqscan = off"
            )  # by key, however many others there are
            records = await connection.fetch(
                f"SELECT audio_id{columns} FROM audio.embeddings WHERE model_id = $1"
                " AND start_utc >= $2 AND start_utc <= $3 AND audio_id = ANY ($4::uuid[])",
                model_id,
                starts[rows[0]],
                starts[rows[-1]],
                [audio_ids[row] for row in rows],
            )
        yield records


def _decoded(audio_id: UUID, vector: bytes, dim: int) -> NDArray[np.float16]:
    if len(vector) != 2 * dim:
        raise Rejected(
            f"the embedding of audio {audio_id} has {len(vector)} bytes and not {2 * dim}: embed it again"
        )
    return np.frombuffer(vector, "<f2")
