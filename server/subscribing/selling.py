"""What a plan costs this user: the version in force, the region of the phone, and the price that was locked."""

from dataclasses import dataclass

from billing.bonuses import PriceLock
from billing.money import Currency, Money
from billing.plans import HOME, PlanVersion
from dispatch.errors import Refusal
from server.phone import country
from storage.billing.locks import lock_of
from storage.billing.plans import PlanStore
from storage.billing.subscriptions import Standing, SubscriptionStore
from storage.postgres import Connection, Pool


@dataclass(frozen=True, slots=True)
class Sale:
    """A plan at the price of one user. `regular` is what it costs others now."""

    version: PlanVersion
    region: str
    regular: Money
    lock: PriceLock

    @property
    def money(self) -> Money:
        """What this user pays."""
        return self.lock.price

    @property
    def locked(self) -> bool:
        """Whether the user pays less than others."""
        return self.money != self.regular


class Selling:
    """Prices for who asks."""

    def __init__(self, pool: Pool, plans: PlanStore, subscriptions: SubscriptionStore) -> None:
        self._pool = pool
        self._plans = plans
        self._subscriptions = subscriptions

    @staticmethod
    def region(at: Standing) -> str:
        """Where the user is taken to live: as agreed, else the country of the phone."""
        return country(at.phone) if at.held is None else at.held.region

    async def offers(self, user: int, role: str, currency: Currency | None) -> list[Sale]:
        """Every plan on sale for this role, in one currency; those that are not sold in it are left out."""
        at = await self._subscriptions.standing(user)
        region = self.region(at)
        wanted = self.currency(at, region, currency)
        found = [
            await _priced(self._pool, at, each, region, wanted)
            for each in (await self._plans.current()).values()
            if each.role == role and each.on_sale
        ]
        return [sale for sale in found if sale is not None]

    async def sale(self, user: int, role: str, plan: str, currency: Currency | None, at: Standing) -> Sale:
        """One plan that is on sale. Refusals `not_found`, `currency_unknown`."""
        version = (await self._plans.current()).get(plan)
        if version is None or version.role != role or not version.on_sale:
            raise Refusal("not_found").at("plan")
        region = self.region(at)
        found = await _priced(self._pool, at, version, region, self.currency(at, region, currency))
        if found is None:
            raise Refusal("currency_unknown").at("currency")
        return found

    async def renewal(self, at: Standing) -> Sale | None:
        """What the next period costs who has an agreement; None where the plan is sold in that money no more."""
        version = None if at.held is None else (await self._plans.current()).get(at.held.plan)
        return None if version is None else await renewed(self._pool, at, version)

    @staticmethod
    def currency(at: Standing, region: str, wanted: Currency | None) -> Currency:
        """What was asked for, else what is paid in already, else the money of the country."""
        return wanted or (at.held.currency if at.held is not None else HOME.get(region, Currency.KZT))


async def renewed(connection: Connection | Pool, at: Standing, version: PlanVersion) -> Sale | None:
    """What the next period of a plan costs who has agreed to it; None where it is sold in that money no more."""
    if at.held is None:
        return None
    return await _priced(connection, at, version, at.held.region, at.held.currency)


async def _priced(
    connection: Connection | Pool, at: Standing, version: PlanVersion, region: str, currency: Currency
) -> Sale | None:
    regular = version.price(region, currency)
    if regular is None:
        return None
    return Sale(
        version, region, regular, await lock_of(connection, at.user, version.plan, regular, at.access, at.now)
    )
