"""Why a load went to whom it went, for staff; why it did not come to me, for a driver."""

from collections.abc import Sequence

from dispatch.errors import Refusal
from dispatch.explaining import Verdict, judge
from dispatch.matching import most
from dispatch.model import Order, Status
from geo.distance import haversine_m
from server.protocol.rest.explaining import (
    DispatchExplained,
    DispatchObstacle,
    DispatchQuery,
    DriverJudged,
    Misfit,
    OfferOutcome,
    OfferTold,
    OfferWay,
    WhyNotMe,
)
from storage.explaining import Offered

from .route import Call, Route

MOST_DRIVERS = 100  # what a person reads; a first wave looks at 64
MOST_OFFERS = 200


async def explained(call: Call[None, DispatchQuery]) -> DispatchExplained:
    """The whole search of one order."""
    order = await _posted(call)
    services = call.services
    store, policy = services.explaining, services.policy
    offers, course = await store.offers(order.id, MOST_OFFERS), await store.course(order.id)
    more = [offered.offer.driver for offered in offers]
    if call.query.driver is not None:
        more.append(call.query.driver)
    verdicts = await _judged(call, order, more)
    return DispatchExplained(
        order=order.id,
        wave=course.wave,
        radii_m=list(policy.wave_radii_m),
        wave_size=policy.wave_size,
        most=most(policy),
        offers=[_offer(offered) for offered in offers],
        drivers=[_driver(verdict) for verdict in verdicts],
        seek_at=course.seek_at,
        board_at=course.board_at,
    )


async def why_not_me(call: Call[None, None]) -> WhyNotMe:
    """The caller's own verdict, and how many stand before him; nothing of anybody else."""
    order, me = await _posted(call), call.caller.user
    if order.status is not Status.OPEN:
        raise Refusal("order_closed")
    verdicts = await _judged(call, order, [me])
    mine = next((verdict for verdict in verdicts if verdict.facts.driver == me), None)
    if mine is None or not (mine.facts.visible or mine.facts.offered):
        raise Refusal("not_found")
    eligible = [verdict.facts.driver for verdict in verdicts if not verdict.obstacles]
    told = _driver(mine)
    return WhyNotMe(
        order=order.id,
        obstacles=told.obstacles,
        misfits=told.misfits,
        most=most(call.services.policy),
        eligible=len(eligible),
        place=eligible.index(me) + 1 if me in eligible else None,
        deadhead_m=told.deadhead_m,
        fix_age_s=told.fix_age_s,
        score=told.score,
        reasons=told.reasons,
    )


async def _posted(call: Call[object, object]) -> Order:
    order = await call.services.orders.posted(call.path_id("order"))
    if order is None:
        raise Refusal("not_found")
    return order


async def _judged(call: Call[object, object], order: Order, more: Sequence[int]) -> list[Verdict]:
    """The nearest on duty and these, wherever they are."""
    services, pickup, now = call.services, order.haul.pickup, call.services.now()
    seen: dict[int, tuple[float, float] | None] = {}
    for driver in more:
        entry = services.live.get(driver)
        metres = None if entry is None else haversine_m(entry.lat, entry.lon, pickup.lat, pickup.lon)
        seen[driver] = None if entry is None or metres is None else (metres, max(0.0, now - entry.at))
    widest = services.policy.wave_radii_m[-1]
    for driver, metres, age_s in services.live.near(pickup.lat, pickup.lon, MOST_DRIVERS, widest):
        seen[driver] = (metres, max(0.0, age_s))
    return judge(order, await services.explaining.facts(order.id, seen), now, services.policy)


def _offer(offered: Offered) -> OfferTold:
    offer = offered.offer
    return OfferTold(
        offer=offer.id,
        driver=offer.driver,
        name=offered.name,
        kind=_way(offer.kind),
        status=_outcome(offer.status),
        wave=offer.wave,
        version=offer.version,
        deadhead_m=offer.deadhead_m,
        score=offer.score,
        reasons=offer.reasons,
        made_at=offer.made_at,
        expires_at=offer.expires_at,
        seen_at=offered.seen_at,
        ended_at=offered.ended_at,
        decline_reason=offered.decline_reason,
    )


def _driver(verdict: Verdict) -> DriverJudged:
    facts, ranked = verdict.facts, verdict.ranked
    return DriverJudged(
        driver=facts.driver,
        name=facts.name,
        obstacles=[_obstacle(obstacle) for obstacle in verdict.obstacles],
        misfits=[_misfit(word) for word in verdict.misfits],
        deadhead_m=facts.deadhead_m,
        fix_age_s=facts.fix_age_s,
        score=None if ranked is None else ranked.score,
        reasons=None if ranked is None else ranked.reasons,
    )


# What is declared and stored is of these words; a test compares the vocabularies.
def _obstacle(word: str) -> DispatchObstacle:
    return word  # type: ignore[return-value]


def _misfit(word: str) -> Misfit:
    return word  # type: ignore[return-value]


def _way(word: str) -> OfferWay:
    return word  # type: ignore[return-value]


def _outcome(word: str) -> OfferOutcome:
    return word  # type: ignore[return-value]


ROUTES: tuple[Route, ...] = (
    Route(
        "GET",
        "/api/v1/admin/orders/{order}/dispatch",
        explained,
        "Why a load went to whom it went",
        "offers",
        query=DispatchQuery,
        response=DispatchExplained,
        roles=frozenset({"admin"}),
        errors=("not_found",),
    ),
    Route(
        "GET",
        "/api/v1/orders/{order}/why-not-me",
        why_not_me,
        "Why a load is offered to you, or is not",
        "offers",
        response=WhyNotMe,
        roles=frozenset({"driver"}),
        errors=("not_found", "order_closed"),
    ),
)
