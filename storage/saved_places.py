"""Places that a user keeps: warehouses, customers, with whom to call there."""

from dataclasses import dataclass

import asyncpg

from dispatch.errors import Refusal
from geo.types import Position

from .postgres import Pool, ewkb, lat_lon, transaction

MOST = 200  # a user

# All three by ix_saved_places_user_id or the primary key: at most MOST rows, sorted in memory.
PLACES = """
SELECT * FROM saved_places WHERE user_id = $1 ORDER BY greatest(used_at, created_at) DESC, id DESC
"""
PLACE = "SELECT * FROM saved_places WHERE id = $1 AND user_id = $2"
COUNT = "SELECT count(*) FROM saved_places WHERE user_id = $1"
# The user's row makes two parallel posts stand in line, so that both cannot be the 200th.
LOCK_OWNER = "SELECT id FROM users WHERE id = $1 FOR NO KEY UPDATE"
ADD = """
INSERT INTO saved_places (user_id, label, address, point, city_id, contact_name, contact_phone, note)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8) RETURNING *
"""
# Primary key.
CHANGE = """
UPDATE saved_places SET label = $4, address = $5, point = $6, city_id = $7, contact_name = $8, contact_phone = $9,
    note = $10, version = version + 1
WHERE id = $1 AND user_id = $2 AND version = $3 RETURNING *
"""
REMOVE = "DELETE FROM saved_places WHERE id = $1 AND user_id = $2"
USED = "UPDATE saved_places SET uses = uses + 1, used_at = now() WHERE id = $1 AND user_id = $2"


@dataclass(frozen=True, slots=True)
class PlaceNote:
    """What its owner says about a place. `city` is the nearest town."""

    label: str
    at: Position
    city: int
    address: str = ""
    contact_name: str = ""
    contact_phone: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class SavedPlace:
    """A kept place; `used_at` epoch seconds of its last use."""

    id: int
    place: PlaceNote
    version: int
    uses: int
    used_at: float | None


class SavedPlaceStore:
    """Everything of one user; what is another's is `not_found`."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def all(self, user: int) -> list[SavedPlace]:
        """The user's places, the last used or made first."""
        return [_place(row) for row in await self._pool.fetch(PLACES, user)]

    async def one(self, user: int, place: int) -> SavedPlace:
        """One of them. Refusal `not_found`."""
        row = await self._pool.fetchrow(PLACE, place, user)
        if row is None:
            raise Refusal("not_found")
        return _place(row)

    async def add(self, user: int, place: PlaceNote) -> SavedPlace:
        """Keeps a place. Refusal `limit_reached` beyond MOST."""
        async with transaction(self._pool) as connection:
            await connection.fetchval(LOCK_OWNER, user)
            if await connection.fetchval(COUNT, user) >= MOST:
                raise Refusal("limit_reached", "at most {n} place", plural="at most {n} places", n=MOST)
            return _place(await connection.fetchrow(ADD, user, *_columns(place)))

    async def change(self, user: int, place: int, version: int, content: PlaceNote) -> SavedPlace:
        """Edits the version that was read. Refusals `not_found`, `version_stale`."""
        async with transaction(self._pool) as connection:
            row = await connection.fetchrow(CHANGE, place, user, version, *_columns(content))
            if row is None:
                there = await connection.fetchrow(PLACE, place, user)
                raise Refusal("not_found" if there is None else "version_stale")
            return _place(row)

    async def remove(self, user: int, place: int) -> None:
        """Forgets it. Refusal `not_found`."""
        if await self._pool.execute(REMOVE, place, user) == "DELETE 0":
            raise Refusal("not_found")

    async def used(self, user: int, place: int) -> None:
        """It was chosen for an order: it stands first from now on. Refusal `not_found`."""
        if await self._pool.execute(USED, place, user) == "UPDATE 0":
            raise Refusal("not_found")


def _columns(place: PlaceNote) -> tuple[object, ...]:
    return (
        place.label,
        place.address,
        ewkb(*place.at),
        place.city,
        place.contact_name,
        place.contact_phone,
        place.note,
    )


def _place(row: asyncpg.Record) -> SavedPlace:
    return SavedPlace(
        id=row["id"],
        place=PlaceNote(
            label=row["label"],
            at=Position(*lat_lon(row["point"])),
            city=row["city_id"],
            address=row["address"],
            contact_name=row["contact_name"],
            contact_phone=row["contact_phone"],
            note=row["note"],
        ),
        version=row["version"],
        uses=row["uses"],
        used_at=None if row["used_at"] is None else row["used_at"].timestamp(),
    )
