"""A catalog with thousands of audios on a stored map, so that nothing has to be fitted, and their sounds."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import asyncpg
import numpy as np
from at_work import signed_in
from browser.sounds import tone
from playwright.async_api import BrowserContext, Page

from escolta.events import audio_id_of
from escolta.service import Platform
from escolta.web import Sessions
from escolta.web.sessions import Role

NODE = "quay-1"
START = datetime(2024, 5, 1, tzinfo=UTC)
ASKED = START + timedelta(days=9)
TAGGER = ("Water", "Engine", "Bird", "Wind", "Ship", "Vehicle", "Speech", "Rain", "Horn", "Hum", "Bell")
LABELS = ("gull", "ship engine", "reversing beeper", "rain", "voices")
SETS = 4
SOUNDS = 5


@dataclass
class MappedAudios:
    """Audios every 10 s, `ids` by point; the tagger's class and the place on the map of each, `[points]`."""

    ids: list[UUID]
    starts: list[datetime]
    tagger: np.ndarray
    places: np.ndarray

    def name(self, row: int) -> str:
        return f"{self.starts[row]:%Y%m%dT%H%M%S}.wav"

    def label(self, row: int) -> str:
        return LABELS[self.tagger[row] % len(LABELS)]


@dataclass
class Shown:
    """An iteration on its map: the rows of its `batch`, by rank, and of the `medoids` it had."""

    iteration_id: UUID
    mapped: MappedAudios
    batch: list[int]
    medoids: list[int]


async def show(
    on: Platform, points: int, batch: int = 40, medoids: int = 60, *, closed: bool = True
) -> Shown:
    """Rows as ingest, embedder and al-engine leave them: a labeled batch of `medoids`, then `batch` more."""
    rng = np.random.default_rng(3)
    mapped = _mapped_audios(points, rng)
    chosen = rng.permutation(points)[: batch + medoids].tolist()
    shown = Shown(uuid4(), mapped, chosen[:batch], chosen[batch:])
    sets = rng.integers(1, SETS + 1, points).astype("<u2")
    sets[shown.medoids] = 0
    async with on.catalog.acquire() as db, db.transaction():
        await _add_audios(db, mapped)
        earlier = uuid4()
        await _add_iteration(db, earlier, "closed", ASKED - timedelta(days=1), points, 0)
        await _add_proposals(db, earlier, mapped, shown.medoids, [])
        label = (
            "UPDATE al.wavs_proposed SET label = $3, labelers = 3, agreement_percent = 100, labeled_at = $4"
        )
        await db.executemany(
            f"{label} WHERE iteration_id = $1 AND audio_id = $2",
            [
                (earlier, mapped.ids[row], mapped.label(row), ASKED - timedelta(hours=1))
                for row in shown.medoids
            ],
        )
        await _add_iteration(
            db, shown.iteration_id, "closed" if closed else "proposed", ASKED, points, len(shown.medoids)
        )
        await _add_proposals(db, shown.iteration_id, mapped, shown.batch, shown.medoids)
        await db.execute(
            "INSERT INTO al.medoids (iteration_id, audio_ids, starts_utc, classes) VALUES ($1, $2, $3, $4)",
            shown.iteration_id,
            [mapped.ids[row] for row in shown.medoids],
            [mapped.starts[row] for row in shown.medoids],
            [mapped.label(row) for row in shown.medoids],
        )
        await db.execute(
            "UPDATE al.wavs_proposed SET control = true WHERE iteration_id = $1 AND rank = 2",
            shown.iteration_id,
        )
        await _add_map(db, shown.iteration_id, mapped, sets)
    for number in range(SOUNDS):
        await on.objects.put(f"audio/{number}.wav", tone(number).data)
    return shown


def _mapped_audios(points: int, rng: np.random.Generator) -> MappedAudios:
    """Clusters of several sizes and shapes, one a class, as UMAP draws them."""
    common_first = np.arange(len(TAGGER), 0, -1)
    tagger = rng.choice(len(TAGGER), points, p=common_first / common_first.sum())
    centers = rng.normal(0, 6, (len(TAGGER), 2))
    turned = rng.normal(0, 1, (len(TAGGER), 2, 2))
    places = centers[tagger] + np.einsum("nij,nj->ni", turned[tagger], rng.normal(0, 1, (points, 2)))
    starts = [START + timedelta(seconds=10 * row) for row in range(points)]
    return MappedAudios([audio_id_of(NODE, start) for start in starts], starts, tagger, places)


async def _add_audios(db: asyncpg.Connection, mapped: MappedAudios) -> None:
    await db.execute("SELECT audio.ensure_month($1)", START)
    await db.execute(
        "INSERT INTO audio.models (model_id, name, dim, class_names) VALUES ('test', 'yamnet', 2, $1)",
        list(TAGGER),
    )
    given = (mapped.ids, mapped.starts)
    await db.execute(
        "INSERT INTO audio.audios (audio_id, start_utc, node_id, path_id, object_name, file_name, rate_hz,"
        " bits_per_sample, samples, duration_s, channels, sha256, clock_state)"
        " SELECT id, start, 1, 1, n % $3 || '.wav', to_char(start, 'YYYYMMDD\"T\"HH24MISS') || '.wav', 16000,"
        " 16, 64000, 4, 1, sha256(convert_to((n % $3)::text, 'UTF8')), 'unknown'"
        " FROM unnest($1::uuid[], $2::timestamptz[]) WITH ORDINALITY AS g (id, start, n)",
        *given,
        SOUNDS,
    )
    await db.execute(
        "INSERT INTO audio.embeddings (audio_id, start_utc, model_id, vector, top_classes, top_probabilities)"
        " SELECT id, start, 'test', '\\x00000000', ARRAY[top, (top + 1) % 11]::smallint[], '{0.6,0.2}'"
        " FROM unnest($1::uuid[], $2::timestamptz[], $3::int[]) AS g (id, start, top)",
        *given,
        mapped.tagger.tolist(),
    )


async def _add_iteration(
    db: asyncpg.Connection, iteration_id: UUID, status: str, asked: datetime, audios: int, medoids: int
) -> None:
    await db.execute(
        "INSERT INTO al.al_preprocessing (iteration_id, status, requested_at, nodes, window_start,"
        " window_end, batch, follow_ups, audios, medoids, disjoint_sets, share_labeled, settings, strategy,"
        " model_id, code_version, proposed_at, cutoff, number)"
        " VALUES ($1, $2, $3, '{}', $4, $5, 40, 0, $6, $7, $8, $9, $10, 'mal-mf', 'test', '0', $3, now(),"
        " (SELECT coalesce(max(number), 0) + 1 FROM al.al_preprocessing))",
        iteration_id,
        status,
        asked,
        START,
        START + timedelta(days=7),
        audios,
        medoids,
        SETS,
        medoids / audios,
        {"max_set": 5000, "strategy": "mal-mf", "control_share": 0.05},
    )


async def _add_proposals(
    db: asyncpg.Connection, iteration_id: UUID, mapped: MappedAudios, rows: list[int], medoids: list[int]
) -> None:
    """Proposals by rank; with medoids, with the nearest of them on the map and what it says."""
    for rank, row in enumerate(rows, 1):
        reason: tuple = (None, None, None, None, None, False)
        if medoids:
            away = np.linalg.norm(mapped.places[medoids] - mapped.places[row], axis=1)
            near = medoids[int(away.argmin())]
            two = mapped.label(near), mapped.label(row)
            reason = (mapped.ids[near], 0.25, *two, 0.61, two[0] != two[1])
        await db.execute(
            "INSERT INTO al.wavs_proposed (iteration_id, audio_id, start_utc, node, file_name, rank,"
            " disjoint_set, nearest_medoid, distance, propagated_class, predicted_class,"
            " predicted_probability, mismatched)"
            " VALUES ($1, $2, $3, $4, $5, $6, 1, $7, $8, $9, $10, $11, $12)",
            *(iteration_id, mapped.ids[row], mapped.starts[row], NODE, mapped.name(row), rank, *reason),
        )


async def _add_map(
    db: asyncpg.Connection, iteration_id: UUID, mapped: MappedAudios, sets: np.ndarray
) -> None:
    map_id = uuid4()
    await db.execute(
        "INSERT INTO al.maps (map_id, model_id, audios, fitted, audio_ids, coordinates, top_classes, seconds,"
        " code_version) VALUES ($1, 'test', $2, $2, $3, $4, $5, 1, '0')",
        *(map_id, len(mapped.ids), b"".join(audio_id.bytes for audio_id in mapped.ids)),
        *(mapped.places.astype("<f4").tobytes(), mapped.tagger.astype("<i2").tobytes()),
    )
    await db.execute(
        "INSERT INTO al.iteration_maps (iteration_id, status, map_id, points, sets)"
        " VALUES ($1, 'drawn', $2, $3, $4)",
        *(iteration_id, map_id, len(mapped.ids), sets.tobytes()),
    )


async def opened(on: Platform, page: Page, shown: Shown) -> None:
    await page.goto(f"{on.http_url}/iterations/{shown.iteration_id}")
    await page.locator("#map[data-drawn]").wait_for()
    await page.locator("#rows tr").first.wait_for()


async def sign_in(context: BrowserContext, on: Platform, role: Role) -> None:
    sessions = Sessions(on)
    token = sessions.token(await signed_in(on.catalog, role))
    cookie = {"name": sessions.cookie, "value": token, "url": on.http_url}
    await context.add_cookies([cookie])  # type: ignore[list-item]
