"""What goes wrong on the way, as the driver reports it."""

from collections.abc import Sequence
from dataclasses import dataclass

import asyncpg

from dispatch.errors import Refusal
from dispatch.events import Event
from dispatch.model import Party
from dispatch.trip import FOLLOWED
from dispatch.visibility import Viewer, carries

from ..deciding import deciding
from ..files import StoredFile, hold, stored_file
from ..order_reads import OrderReads
from ..order_rows import lock_order, note
from ..postgres import Pool, lat_lon
from .seeing import seen

MOST = 20  # of one order: more is no report any more
MOST_PHOTOS = 6  # of one report

# ix_incidents_order_id_id, in all of them.
COUNT = "SELECT count(*) FROM incidents WHERE order_id = $1"
OF_ORDER = "SELECT * FROM incidents WHERE order_id = $1 ORDER BY id"
# last_positions by its primary key.
ADD = """
INSERT INTO incidents (order_id, reported_by, kind, note, delay_s, point, at)
VALUES ($1, $2, $3, $4, $5, (SELECT point FROM last_positions
    WHERE driver_id = $6 AND recorded_at > clock_timestamp() - interval '10 minutes'), clock_timestamp())
RETURNING *
"""
ADD_FILE = "INSERT INTO incident_files (incident_id, file_id) VALUES ($1, $2)"
# Primary keys.
FILES = """
SELECT i.incident_id, f.* FROM incident_files i JOIN files f ON f.id = i.file_id
WHERE i.incident_id = ANY($1::bigint[]) ORDER BY f.id
"""


@dataclass(frozen=True, slots=True)
class Incident:
    """One report. `delay_s` as the driver reckons; `place` (lat, lon) of the truck."""

    id: int
    order: int
    kind: str
    note: str
    delay_s: int | None
    place: tuple[float, float] | None
    reported_by: int
    at: float
    photos: tuple[StoredFile, ...]


class IncidentStore:
    """Reports of orders."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._orders = OrderReads(pool)

    async def report(
        self, party: Party, order: int, kind: str, words: str, delay_s: int | None, files: Sequence[int]
    ) -> tuple[Incident, list[Event]]:
        """The driver reports; the shipper is told. `order_closed` when the haul is over, `limit_reached`."""
        async with deciding(self._pool) as connection:
            found = await lock_order(connection, order)
            if found is None or not carries(found, party):
                raise Refusal("not_found")
            if found.status not in FOLLOWED:
                raise Refusal("order_closed")
            if await connection.fetchval(COUNT, order) >= MOST:
                raise Refusal("limit_reached", "at most {n} report", plural="at most {n} reports", n=MOST)
            row = await connection.fetchrow(ADD, order, party.signed_in, kind, words, delay_s, party.user)
            photos = []
            for file in files:
                held = await hold(connection, party.signed_in, file, "incident")
                if not held.mime.startswith("image/"):
                    raise Refusal("file_type", "this has to be a picture").at("files")
                await connection.execute(ADD_FILE, row["id"], file)
                photos.append(held)
            detail = {"incident": row["id"], "kind": kind, "delay_s": delay_s}
            told = [found.shipper]
            _, event = await note(
                connection, found, "incident", actor=party.signed_in, detail=detail, push=told
            )
        return incident_of(row, photos), [event]

    async def of_order(self, viewer: Viewer, order: int) -> list[Incident]:
        """Every report, oldest first. `not_found` for strangers."""
        await seen(self._orders, viewer, order)
        rows = await self._pool.fetch(OF_ORDER, order)
        files: dict[int, list[StoredFile]] = {row["id"]: [] for row in rows}
        for row in await self._pool.fetch(FILES, list(files)):
            files[row["incident_id"]].append(stored_file(row))
        return [incident_of(row, files[row["id"]]) for row in rows]

    async def photo(self, viewer: Viewer, order: int, incident: int, file: int) -> StoredFile:
        """A photo of a report; `not_found`."""
        for each in await self.of_order(viewer, order):
            for photo in each.photos:
                if each.id == incident and photo.id == file:
                    return photo
        raise Refusal("not_found")


def incident_of(row: asyncpg.Record, photos: Sequence[StoredFile]) -> Incident:
    """From `incidents.*`."""
    return Incident(
        row["id"],
        row["order_id"],
        row["kind"],
        row["note"],
        row["delay_s"],
        None if row["point"] is None else lat_lon(row["point"]),
        row["reported_by"],
        row["at"].timestamp(),
        tuple(photos),
    )
