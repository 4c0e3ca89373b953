"""What makes a load fit to be posted. Pure: each rule says no with a code, the field at fault and a sentence."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from .asked import DAY_S, Asked
from .errors import Refusal
from .matching import carriers_of

MIN_STOPS, MAX_STOPS = 2, 12
AHEAD_S = 180 * DAY_S  # nobody plans a truck further ahead: a window beyond it is a slip of the calendar
COOLED = frozenset({"reefer", "isotherm"})
DANGEROUS = frozenset({"fuel"})  # kinds of cargo that never go without an ADR class
ADR_PAPERS = frozenset({"adr", "msds"})

# The most that one truck of a body carries on the road with a permit, kg and m3 (freight-facts 4.3, upper ends
# with some room). More than this is several trucks, and each of them is a load of its own.
LARGEST: Mapping[str, tuple[float, float]] = MappingProxyType(
    {
        "tent": (26_000.0, 130.0),
        "reefer": (24_000.0, 100.0),
        "isotherm": (24_000.0, 100.0),
        "flatbed": (35_000.0, 150.0),
        "container": (32_000.0, 90.0),
        "tipper": (40_000.0, 60.0),
        "tank": (35_000.0, 45.0),
        "lowboy": (100_000.0, 250.0),
        "van": (10_000.0, 60.0),
    }
)


def problems(asked: Asked, now: float, *, begun: bool = False) -> Iterator[Refusal]:
    """Everything that keeps the load from being posted at `now`, in the order of the form.

    `begun`: the haul is under way, so that windows of stops may be over.
    """
    yield from _missing(asked)
    yield from _stops(asked)
    yield from _windows(asked, now, begun)
    yield from _load(asked)
    yield from _temperature(asked)
    yield from _dangerous(asked)
    yield from _payment(asked)


def _missing(asked: Asked) -> Iterator[Refusal]:
    if len(asked.stops) < MIN_STOPS:
        yield Refusal("order_incomplete", "say where from and where to").at("stops")
    if not asked.cargo.strip():
        yield Refusal("order_incomplete", "say what is to be carried").at("cargo")
    if asked.weight_kg is None:
        yield Refusal("order_incomplete", "say how heavy it is").at("weight_kg")


def _stops(asked: Asked) -> Iterator[Refusal]:
    stops = asked.stops
    if len(stops) > MAX_STOPS:
        yield Refusal("stops_invalid", "at most {n} stop", plural="at most {n} stops", n=MAX_STOPS).at(
            "stops"
        )
    for number, stop in enumerate(stops):
        if (stop.lat is None) != (stop.lon is None):
            yield Refusal("stops_invalid", "lat and lon go together").at(f"stops[{number}].lat")
        elif stop.city is None and stop.lat is None:
            yield Refusal("order_incomplete", "say the town or put a pin on the map").at(
                f"stops[{number}].city"
            )
    if len(stops) >= MIN_STOPS:
        if stops[0].kind != "pickup":
            yield Refusal("stops_invalid", "the first stop is a pickup").at("stops[0].kind")
        if stops[-1].kind != "drop":
            yield Refusal("stops_invalid", "the last stop is a drop").at(f"stops[{len(stops) - 1}].kind")


def _windows(asked: Asked, now: float, begun: bool) -> Iterator[Refusal]:
    reached = 0.0  # no earlier than this can the truck be at the stop
    for number, stop in enumerate(asked.stops):
        opens, closes = stop.window
        path = f"stops[{number}].window_to"
        if opens is not None and opens > now + AHEAD_S:
            yield Refusal("window_invalid", "this is too far ahead").at(f"stops[{number}].window_from")
        if closes is not None:
            if opens is not None and closes < opens:
                yield Refusal("window_invalid", "the end is before the beginning").at(path)
            elif closes > now + AHEAD_S:
                yield Refusal("window_invalid", "this is too far ahead").at(path)
            elif closes < reached:
                yield Refusal("window_invalid", "an earlier stop begins after this one ends").at(path)
            elif closes <= now and not begun:
                yield Refusal("window_past").at(path)
        reached = max(reached, opens or 0.0)


def _load(asked: Asked) -> Iterator[Refusal]:
    if asked.weight_kg is None:
        return
    bodies = carriers_of(asked.load)
    most_kg = max((LARGEST[body][0] for body in bodies), default=0.0)
    most_m3 = max((LARGEST[body][1] for body in bodies), default=0.0)
    if asked.weight_kg > most_kg:
        yield Refusal("load_too_large", "at most {most:weight} in one truck", most=most_kg).at("weight_kg")
    if asked.volume_m3 > most_m3:
        yield Refusal("load_too_large", "at most {most:volume} in one truck", most=most_m3).at("volume_m3")


def _temperature(asked: Asked) -> Iterator[Refusal]:
    low, high = asked.temp_min_c, asked.temp_max_c
    if low is None and high is None:
        return
    if low is not None and high is not None and low > high:
        yield Refusal("temperature_invalid", "the lowest is above the highest").at("temp_max_c")
    for path, bodies in (("body", (asked.body,)), ("other_bodies", asked.other_bodies)):
        if not COOLED.issuperset(bodies):
            yield Refusal("temperature_invalid", "only reefer and isotherm hold a temperature").at(path)


def _dangerous(asked: Asked) -> Iterator[Refusal]:
    if asked.adr is None and (asked.kind in DANGEROUS or "adr" in asked.documents):
        yield Refusal("adr_required").at("adr")


def _payment(asked: Asked) -> Iterator[Refusal]:
    deferred = asked.payment_when == "deferred"
    if deferred and asked.payment_days < 1:
        yield Refusal("payment_invalid", "say after how many days").at("payment_days")
    if not deferred and asked.payment_days:
        yield Refusal("payment_invalid", "days are for deferred payment only").at("payment_days")
    if asked.prepay_percent == 100 and deferred:
        yield Refusal("payment_invalid", "what is paid in advance cannot be deferred").at("prepay_percent")
