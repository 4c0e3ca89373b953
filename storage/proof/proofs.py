"""What the shipper asks for, what the driver brings, and the gate before `delivered`."""

import hmac
from collections.abc import Sequence
from dataclasses import dataclass

import asyncpg

from dispatch import proof
from dispatch.errors import Refusal
from dispatch.events import Event
from dispatch.model import Party, Status
from dispatch.proof import ProofKind, Stroke
from dispatch.visibility import Viewer, carries, owns

from ..deciding import deciding
from ..files import StoredFile, hold, stored_file
from ..order_reads import OrderReads
from ..order_rows import lock_order, note
from ..postgres import Connection, Pool, lat_lon
from .seeing import seen

# Primary keys.
DEMAND = "SELECT kinds, code, tries FROM proof_demands WHERE order_id = $1"
SET_DEMAND = """
INSERT INTO proof_demands (order_id, kinds, code, set_by) VALUES ($1, $2, $3, $4)
ON CONFLICT (order_id) DO UPDATE SET kinds = excluded.kinds, code = excluded.code, tries = 0,
    set_by = excluded.set_by, set_at = clock_timestamp()
"""
TRIED = "UPDATE proof_demands SET tries = tries + 1 WHERE order_id = $1"
# ix_proofs_order_id_id, then the primary key of files.
_PROOFS = """
SELECT p.id AS proof, p.kind AS proof_kind, p.order_id, p.given_by, p.status, p.strokes, p.signed_by, p.note,
    p.point, p.at, f.* FROM proofs p LEFT JOIN files f ON f.id = p.file_id
"""
OF_ORDER = f"{_PROOFS} WHERE p.order_id = $1 ORDER BY p.id"
ONE = f"{_PROOFS} WHERE p.order_id = $1 AND p.id = $2"
GIVEN = "SELECT kind, status FROM proofs WHERE order_id = $1"
# last_positions by its primary key: a position of more than ten minutes ago says nothing.
ADD = """
INSERT INTO proofs (order_id, given_by, kind, status, file_id, strokes, signed_by, note, point, at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, (SELECT point FROM last_positions
    WHERE driver_id = $9 AND recorded_at > clock_timestamp() - interval '10 minutes'), clock_timestamp())
ON CONFLICT DO NOTHING RETURNING id
"""


@dataclass(frozen=True, slots=True)
class Demand:
    """What must be brought. `code` is for the shipper's eyes; `tries_left` of it."""

    kinds: tuple[ProofKind, ...] = ()
    code: str | None = None
    tries_left: int = proof.TRIES


@dataclass(frozen=True, slots=True)
class Proof:
    """One proof. `status`: of the order when it was given; `place` (lat, lon) of the truck then."""

    id: int
    order: int
    kind: ProofKind
    status: Status
    given_by: int
    at: float
    signed_by: str
    note: str
    strokes: list[list[list[float]]] | None
    place: tuple[float, float] | None
    file: StoredFile | None


class ProofStore:
    """Proofs of orders."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._orders = OrderReads(pool)

    async def demand(
        self, party: Party, order: int, kinds: Sequence[ProofKind], code: str | None
    ) -> tuple[Demand, list[Event]]:
        """The shipper says what must be brought. `code` is a fresh one, used when it is asked for.

        Refusal `proof_untimely` once the driver stands before the consignee.
        """
        async with deciding(self._pool) as connection:
            found = await lock_order(connection, order)
            if found is None or not owns(found, party):
                raise Refusal("not_found")
            if found.status not in proof.DEMANDABLE:
                raise Refusal("proof_untimely", "{status:label.OrderStatus}", status=found.status)
            wanted = tuple(kind for kind in ProofKind if kind in kinds)
            held = code if ProofKind.CODE in wanted else None
            await connection.execute(SET_DEMAND, order, list(wanted), held, party.signed_in)
            detail = {"kinds": list(wanted)}
            told = [found.driver]
            _, event = await note(
                connection, found, "proof_demanded", actor=party.signed_in, detail=detail, push=told
            )
        return Demand(wanted, held), [event]

    async def give(
        self,
        party: Party,
        order: int,
        kind: ProofKind,
        *,
        file: int | None = None,
        strokes: Sequence[Stroke] = (),
        code: str = "",
        signed_by: str = "",
        words: str = "",
    ) -> tuple[Proof, list[Event]]:
        """The driver brings one. `code_wrong` with the tries that are left, `limit_reached`, `proof_untimely`,
        `proof_given` for a second signature, `signature_invalid`."""
        wrong = False
        async with deciding(self._pool) as connection:
            found = await lock_order(connection, order)
            if found is None or not carries(found, party):
                raise Refusal("not_found")
            proof.may_prove(kind, found.status)
            drawn = proof.signature(strokes) if kind is ProofKind.SIGNATURE else None
            held: StoredFile | None = None
            if kind is ProofKind.PHOTO:
                held = await self._photo(connection, party, order, file)
            if kind is ProofKind.CODE:
                wrong = not await _opens(connection, order, code)
            if not wrong:
                number = await connection.fetchval(
                    ADD,
                    order,
                    party.signed_in,
                    kind,
                    found.status,
                    None if held is None else held.id,
                    drawn,
                    signed_by,
                    words,
                    party.user,
                )
                if number is None:
                    raise Refusal("proof_given")
                given = proof_of(await connection.fetchrow(ONE, order, number))
                _, event = await note(
                    connection,
                    found,
                    "proof_given",
                    actor=party.signed_in,
                    detail={"proof": number, "kind": kind},
                )
        if wrong:  # the try is counted: that must stay
            raise Refusal("proof_code_wrong")
        return given, [event]

    async def _photo(self, connection: Connection, party: Party, order: int, file: int | None) -> StoredFile:
        if file is None:
            raise Refusal("bad_request", "a photo needs its file").at("file")
        photos = [row for row in await connection.fetch(GIVEN, order) if row["kind"] == ProofKind.PHOTO]
        if len(photos) >= proof.MOST_PHOTOS:
            raise Refusal(
                "limit_reached", "at most {n} photo", plural="at most {n} photos", n=proof.MOST_PHOTOS
            )
        held = await hold(connection, party.signed_in, file, "proof")
        if not held.mime.startswith("image/"):
            raise Refusal("file_type", "this has to be a picture").at("file")
        return held

    async def of_order(self, viewer: Viewer, order: int) -> tuple[Demand, list[Proof]]:
        """What was asked for and what was brought; the code only for the shipper. `not_found` for strangers."""
        found = await seen(self._orders, viewer, order)
        demand = demand_of(await self._pool.fetchrow(DEMAND, order))
        if not owns(found, viewer.party):
            demand = Demand(demand.kinds, None, demand.tries_left)
        return demand, [proof_of(row) for row in await self._pool.fetch(OF_ORDER, order)]

    async def one(self, viewer: Viewer, order: int, number: int) -> Proof:
        """One proof; `not_found`."""
        await seen(self._orders, viewer, order)
        row = await self._pool.fetchrow(ONE, order, number)
        if row is None:
            raise Refusal("not_found")
        return proof_of(row)


async def must_be_proved(connection: Connection, order: int) -> None:
    """Under the order's lock: `proof_required` while something that the shipper has asked for is missing."""
    demand = demand_of(await connection.fetchrow(DEMAND, order))
    if not demand.kinds:
        return
    given = [(ProofKind(row["kind"]), Status(row["status"])) for row in await connection.fetch(GIVEN, order)]
    left = proof.missing(demand.kinds, given)
    if left:
        raise Refusal("proof_required", "{kind:label.ProofKind}", kind=left[0])


async def _opens(connection: Connection, order: int, code: str) -> bool:
    demand = demand_of(await connection.fetchrow(DEMAND, order))
    if demand.code is None:
        raise Refusal("proof_untimely", "no code was asked for")
    if demand.tries_left <= 0:
        raise Refusal("proof_code_spent")
    await connection.execute(TRIED, order)
    return hmac.compare_digest(demand.code, code)


def demand_of(row: asyncpg.Record | None) -> Demand:
    """From a row of `proof_demands`; without one nothing is asked for."""
    if row is None:
        return Demand()
    kinds = tuple(ProofKind(kind) for kind in row["kinds"])
    return Demand(kinds, row["code"], max(proof.TRIES - row["tries"], 0))


def proof_of(row: asyncpg.Record) -> Proof:
    """From a row of _PROOFS."""
    return Proof(
        row["proof"],
        row["order_id"],
        ProofKind(row["proof_kind"]),
        Status(row["status"]),
        row["given_by"],
        row["at"].timestamp(),
        row["signed_by"],
        row["note"],
        row["strokes"],
        None if row["point"] is None else lat_lon(row["point"]),
        None if row["id"] is None else stored_file(row),
    )
