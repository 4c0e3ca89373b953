"""Hauls whose payment is spoken of, and the clock of the database put ahead by moving what it is compared with."""

from dispatch.model import Actor, Party, Status
from dispatch.remittance import RemittanceKind, Said
from storage.postgres import Pool
from storage.remittance.record import PaymentRecords
from storage.remittance.store import Payments, Reminders, RemittanceStore
from tests.integration.orders.market import STEPS, Market

PRICE = 46_360_000
PAYMENT, PREPAYMENT = RemittanceKind.PAYMENT, RemittanceKind.PREPAYMENT
DAY = 86_400.0


class Haul:
    """One haul and its two sides."""

    def __init__(self, order: int, shipper: int, driver: int) -> None:
        self.order = order
        self.shipper = Party(shipper, Actor.SHIPPER)
        self.driver = Party(driver, Actor.DRIVER)


class Paying(Market):
    """A market whose shippers owe money."""

    def __init__(self, pool: Pool) -> None:
        super().__init__(pool)
        self.remittances = RemittanceStore(pool)
        self.records = PaymentRecords(pool)
        self.reminders = Reminders(pool)

    async def hauled(
        self, status: Status = Status.DELIVERED, shipper: int | None = None, **terms: object
    ) -> Haul:
        """A haul in this state, paid for on these terms: `when`, `days`, `prepay`."""
        haul = Haul(*await self.haul(Status.ASSIGNED, shipper))
        await self.pool.execute(
            "UPDATE orders SET payment_when = $2, payment_days = $3, prepay_percent = $4 WHERE id = $1",
            haul.order,
            terms.get("when", "on_delivery"),
            terms.get("days", 0),
            terms.get("prepay", 0),
        )
        if status in STEPS:
            for step in STEPS[: STEPS.index(status) + 1]:
                await self.orders.advance(haul.driver.user, haul.order, step)
        return haul

    async def say(
        self,
        party: Party,
        haul: Haul,
        amount: int | None = None,
        kind: RemittanceKind = PAYMENT,
        days: float = 0.0,
    ) -> Payments:
        """This side's word on money of so many days ago."""
        said = Said(kind, amount, "transfer", await self.now() - days * DAY, "п/п 17")
        return (await self.remittances.say(party, haul.order, said))[0]

    async def read(self, haul: Haul) -> Payments:
        return await self.remittances.of_order(haul.shipper, haul.order)

    async def now(self) -> float:
        found: float = await self.pool.fetchval("SELECT extract(epoch FROM clock_timestamp())::float8")
        return found

    async def days_pass(self, days: float) -> None:
        """Everything that was, was so much longer ago."""
        for statement in (
            "UPDATE orders SET ended_at = ended_at - make_interval(secs => $1),"
            " settle_at = settle_at - make_interval(secs => $1)",
            "UPDATE assignments SET assigned_at = assigned_at - make_interval(secs => $1)",
            "UPDATE remittances SET due_at = due_at - make_interval(secs => $1),"
            " remind_at = remind_at - make_interval(secs => $1), paid_at = paid_at - make_interval(secs => $1),"
            " unpaid_at = unpaid_at - make_interval(secs => $1)",
            "UPDATE remittance_marks SET paid_at = paid_at - make_interval(secs => $1)",
            "UPDATE shipper_stats SET paid_counted_at = paid_counted_at - make_interval(secs => $1)",
        ):
            await self.pool.execute(statement, days * DAY)

    async def reminded(self) -> list[tuple[int, str, set[int]]]:
        """Reminds until nothing is due: the order, what is said, and who is pushed."""
        told = []
        while (events := await self.reminders.remind()) is not None:
            for event in events:
                pushed = await self.pool.fetch(
                    "SELECT user_id FROM outbox WHERE dedupe_key LIKE $1",
                    f"order:{event.order}:{event.seq}:%",
                )
                told.append((event.order, event.kind, {row["user_id"] for row in pushed}))
        return told

    async def on_the_card(self, shipper: int) -> tuple[int, int]:
        """What the board knows of a shipper: cases, and those in time."""
        row = await self.pool.fetchrow(
            "SELECT paid_cases, paid_on_time FROM shipper_stats WHERE shipper_id = $1", shipper
        )
        return (0, 0) if row is None else (row["paid_cases"], row["paid_on_time"])
