"""Hauls that are over, and the clock of the database put ahead by moving what it is compared with."""

from typing import Any

from dispatch.model import Actor, Party, Status
from dispatch.reviews import Words
from storage.postgres import Pool
from storage.remittance.record import PaymentRecords
from storage.reviews.moderation import ReviewModeration
from storage.reviews.reputation import ReputationStore
from storage.reviews.showing import Publisher
from storage.reviews.store import ReviewStore
from tests.integration.orders.market import Market

GOOD = Words(5, ("polite",), "всё хорошо")
BAD = Words(2, ("rude",), "ругался")


class Haul:
    """One delivered haul and its two sides."""

    def __init__(self, order: int, shipper: int, driver: int) -> None:
        self.order = order
        self.shipper = Party(shipper, Actor.SHIPPER)
        self.driver = Party(driver, Actor.DRIVER)


class Reviewed(Market):
    """A market whose people rate each other."""

    def __init__(self, pool: Pool) -> None:
        super().__init__(pool)
        self.reviews = ReviewStore(pool)
        self.judged = ReviewModeration(pool)
        self.reputations = ReputationStore(pool, PaymentRecords(pool))
        self.publisher = Publisher(pool)

    async def delivered(self, status: Status = Status.DELIVERED, **changes: Any) -> Haul:
        """A haul that is over."""
        return Haul(*await self.haul(status, **changes))

    async def days_pass(self, days: float) -> None:
        """Everything that was, was so much longer ago."""
        for statement in (
            "UPDATE orders SET ended_at = ended_at - make_interval(secs => $1)",
            "UPDATE assignments SET ended_at = ended_at - make_interval(secs => $1)",
            "UPDATE reviews SET due_at = due_at - make_interval(secs => $1)",
        ):
            await self.pool.execute(statement, days * 86_400.0)

    async def read_by(self, party: Party, order: int) -> list[tuple[str, int]]:
        """What this party reads of a haul: who says it, and the stars."""
        found = await self.reviews.of_order(party, order)
        return [(each.side.value, each.stars) for each in found.reviews]

    async def stars(self, user: int) -> tuple[float | None, int]:
        """Mean and count, as everybody reads them of this user."""
        found = (await self.reputations.of(Party(0, Actor.ADMIN), user)).rating
        return found.mean, found.count

    async def recounted(self) -> dict[tuple[int, str], list[int]]:
        """The totals as they must be: counted over from the reviews that are shown."""
        rows = await self.pool.fetch(
            "SELECT about_id, CASE side WHEN 'driver' THEN 'shipper' ELSE 'driver' END AS part, stars FROM reviews"
            " WHERE published_at IS NOT NULL AND standing = 'clear'"
        )
        found: dict[tuple[int, str], list[int]] = {}
        for row in rows:
            found.setdefault((row["about_id"], row["part"]), [0] * 5)[row["stars"] - 1] += 1
        return found

    async def kept(self) -> dict[tuple[int, str], list[int]]:
        """The totals as they are kept."""
        rows = await self.pool.fetch("SELECT * FROM user_ratings")
        kept = {
            (row["user_id"], row["part"]): [row[name] for name in ("one", "two", "three", "four", "five")]
            for row in rows
        }
        return {key: stars for key, stars in kept.items() if any(stars)}
