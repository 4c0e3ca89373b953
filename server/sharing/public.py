"""What a public link shows: one order without any person, place of business or price. A golden file holds every
property of it (tests/golden/rights/shared.json)."""

from typing import NamedTuple

import msgspec

from dispatch.asked import stops_of
from dispatch.model import Order, Stop
from dispatch.sharing import WATCHABLE
from geo.gazetteer import Gazetteer
from server.i18n import Lang
from server.protocol.rest.sharing import SharedOrder, SharedPosition, SharedStop
from storage.live import Live
from storage.sharing.links import Link, closes


class Ahead(NamedTuple):
    """What a truck has before it to the last drop: metres, and when it should be there (epoch s)."""

    remaining_m: float
    eta_at: float


def page(
    order: Order,
    link: Link,
    body: str | None,
    entry: Live | None,
    ahead: Ahead | None,
    gazetteer: Gazetteer,
    lang: Lang,
    now: float,
) -> SharedOrder:
    """The page's data. `entry` is where the truck is, if that may be shown; `body` is the truck's own."""
    position = None
    if entry is not None:
        age_s = round(max(now - entry.at, 0.0), 1)
        position = SharedPosition(round(entry.lat, 6), round(entry.lon, 6), age_s, entry.speed, entry.heading)
    return msgspec.convert(
        {
            "status": order.status,
            "body": body or order.load.body,
            "stops": [_stop(stop, gazetteer, lang) for stop in stops_of(order)],
            "closes_at": closes(link, order),
            "paused": order.unshared is not None and order.status in WATCHABLE,
            "position": position,
            "remaining_m": None if ahead is None else ahead.remaining_m,
            "eta_at": None if ahead is None else ahead.eta_at,
        },
        SharedOrder,
    )


def _stop(stop: Stop, gazetteer: Gazetteer, lang: Lang) -> SharedStop:
    """The town and no more: also of an address out of town, whose cell the board would show."""
    place, window = stop.place, stop.window
    town = gazetteer.city(place.city) or gazetteer.nearest(place.lat, place.lon)
    return SharedStop(
        kind="pickup" if stop.kind == "pickup" else "drop",
        town=town.names.get(lang, town.names["en"]),
        lat=town.lat,
        lon=town.lon,
        window_from=window.opens,
        window_to=window.closes,
    )
