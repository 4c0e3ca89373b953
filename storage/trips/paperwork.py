"""Who hauls for whom with what, for the papers of a haul."""

from dataclasses import dataclass

from dispatch.errors import Refusal

from ..postgres import Pool

# Primary keys.
PARTIES = """
SELECT s.name AS shipper_name, s.phone AS shipper_phone, sc.legal_name AS shipper_company, sc.bin AS shipper_bin,
    d.name AS driver_name, d.phone AS driver_phone, dc.legal_name AS driver_company, dc.bin AS driver_bin,
    v.plate, v.trailer_plate, v.body, a.assigned_at
FROM orders o JOIN users s ON s.id = o.shipper_id LEFT JOIN companies sc ON sc.id = o.company_id
JOIN assignments a ON a.order_id = o.id JOIN users d ON d.id = a.driver_id
LEFT JOIN vehicles v ON v.id = a.vehicle_id LEFT JOIN companies dc ON dc.id = v.company_id
WHERE o.id = $1
"""


@dataclass(frozen=True, slots=True)
class Haulier:
    """A side of a haul: the person, and the company behind it (empty: none)."""

    name: str
    phone: str
    company: str
    number: str


@dataclass(frozen=True, slots=True)
class Parties:
    """Both sides, the truck as it is known now, and when the load was taken."""

    shipper: Haulier
    carrier: Haulier
    plate: str
    trailer: str
    body: str
    assigned_at: float


class PaperReads:
    """Reads on any connection."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def parties(self, order: int) -> Parties:
        """`not_found` while nobody carries it."""
        row = await self._pool.fetchrow(PARTIES, order)
        if row is None:
            raise Refusal("not_found")
        shipper, driver = (
            Haulier(*(row[f"{side}_{what}"] or "" for what in ("name", "phone", "company", "bin")))
            for side in ("shipper", "driver")
        )
        plate, trailer, body = (row[name] or "" for name in ("plate", "trailer_plate", "body"))
        return Parties(shipper, driver, plate, trailer, body, row["assigned_at"].timestamp())
