"""What a shipper asks for, before anything is looked up: the form of posts, drafts, templates and edits.

`content` is the same as plain data, only what was said, under the names of the form. It is what drafts,
templates and versions are stored as, so that all of them can be merged with an edit and read back as one form.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Self

from .model import Load, NewOrder, Order, Pricing, Stop, Terms, Window

DAY_S = 86_400.0
Content = dict[str, Any]  # plain data of the form: what JSON holds


@dataclass(frozen=True, slots=True)
class AskedStop:
    """A halt as it was said: a town of the gazetteer, a pin, or both."""

    kind: str
    city: int | None = None
    lat: float | None = None
    lon: float | None = None
    address: str = ""
    window_from: float | None = None
    window_to: float | None = None
    contact_name: str = ""
    contact_phone: str = ""
    note: str = ""
    said_as: str = ""  # the field that named the town, where a form has another than the stop's own

    @property
    def window(self) -> Window:
        """When the truck is wanted there."""
        return Window(self.window_from, self.window_to)


@dataclass(frozen=True, slots=True)
class Asked:
    """One load as it was said. A draft may lack anything; what has no default is then empty or None."""

    stops: tuple[AskedStop, ...] = ()
    cargo: str = ""
    weight_kg: float | None = None
    volume_m3: float = 0.0
    body: str = "tent"
    kind: str = "general"
    other_bodies: tuple[str, ...] = ()
    pieces: int | None = None
    length_m: float | None = None
    width_m: float | None = None
    height_m: float | None = None
    sides: tuple[str, ...] = ()
    temp_min_c: float | None = None
    temp_max_c: float | None = None
    adr: str | None = None
    documents: tuple[str, ...] = ()
    pricing: str = "fixed"
    price: int | None = None
    payment_method: str = "transfer"
    payment_when: str = "on_delivery"
    payment_days: int = 0
    prepay_percent: int = 0
    vat: bool = False
    comment: str = ""
    private: bool = False
    valid_s: float = DAY_S
    confirm_s: float | None = None

    @classmethod
    def of(cls, content: Mapping[str, Any]) -> Self:
        """The form behind plain data. What this version does not know (any more) is left out."""
        said: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value
            for name, value in content.items()
            if value is not None and name in FIELDS
        }
        stops = tuple(AskedStop(**stop) for stop in said.pop("stops", ()))
        return cls(stops=stops, **said)

    @property
    def load(self) -> Load:
        """What is to be carried. Words that are lists lose what is said twice."""
        others = dict.fromkeys(body for body in self.other_bodies if body != self.body)
        return Load(
            cargo=self.cargo,
            weight_kg=self.weight_kg or 0.0,
            volume_m3=self.volume_m3,
            body=self.body,
            kind=self.kind,
            other_bodies=tuple(others),
            pieces=self.pieces,
            length_m=self.length_m,
            width_m=self.width_m,
            height_m=self.height_m,
            sides=tuple(dict.fromkeys(self.sides)),
            temp_min_c=self.temp_min_c,
            temp_max_c=self.temp_max_c,
            adr=self.adr,
            documents=tuple(dict.fromkeys(self.documents)),
        )

    @property
    def terms(self) -> Terms:
        """What is agreed beside the price."""
        return Terms(
            Pricing(self.pricing),
            self.payment_method,
            self.payment_when,
            self.payment_days,
            self.prepay_percent,
            self.vat,
            self.comment,
        )


@dataclass(frozen=True, slots=True)
class Draft:
    """A load that is not posted yet: what was said so far. `version` grows with each save."""

    order: int
    shipper: int
    company: int | None
    version: int
    content: Content
    saved_at: float


FIELDS = tuple(field.name for field in fields(Asked))


def merged(content: Mapping[str, Any], edit: Mapping[str, Any]) -> Content:
    """`content` with what the edit says; None takes a field back to what it is when nothing is said."""
    whole = {**content, **edit}
    return {name: whole[name] for name in FIELDS if whole.get(name) is not None}


def content_of(order: Order | NewOrder) -> Content:
    """An order as the form that would post it again, but for how long it is valid."""
    load, terms = order.load, order.terms
    said: Content = {
        "stops": [_stop_content(stop) for stop in stops_of(order)],
        "cargo": load.cargo,
        "weight_kg": load.weight_kg,
        "volume_m3": load.volume_m3,
        "body": load.body,
        "kind": load.kind,
        "other_bodies": list(load.other_bodies),
        "pieces": load.pieces,
        "length_m": load.length_m,
        "width_m": load.width_m,
        "height_m": load.height_m,
        "sides": list(load.sides),
        "temp_min_c": load.temp_min_c,
        "temp_max_c": load.temp_max_c,
        "adr": load.adr,
        "documents": list(load.documents),
        "pricing": terms.pricing.value,
        "price": order.price.amount,
        "payment_method": terms.method,
        "payment_when": terms.when,
        "payment_days": terms.days,
        "prepay_percent": terms.prepay_percent,
        "vat": terms.vat,
        "comment": terms.comment,
        "private": order.private,
        "confirm_s": None
        if order.confirm_s is None
        else int(order.confirm_s),  # the form takes whole seconds
    }
    return {name: value for name, value in said.items() if value not in (None, [], "")}


def stops_of(order: Order | NewOrder) -> tuple[Stop, ...]:
    """Every stop of an order, also of one that was stored with its two ends only."""
    haul = order.haul
    return haul.stops or (Stop("pickup", haul.pickup), Stop("drop", haul.drop))


def without_times(content: Mapping[str, Any]) -> Content:
    """For another day: the same load with no windows."""
    stops = [
        {name: value for name, value in stop.items() if name not in ("window_from", "window_to")}
        for stop in content.get("stops", ())
    ]
    return {**content, "stops": stops} if stops else dict(content)


def with_windows(content: Mapping[str, Any], windows: Sequence[Window]) -> Content:
    """The stops in order with these windows."""
    stops = [
        {**stop, **({"window_from": window.opens} if window.opens is not None else {})}
        | ({"window_to": window.closes} if window.closes is not None else {})
        for stop, window in zip(without_times(content).get("stops", ()), windows, strict=True)
    ]
    return {**content, "stops": stops}


def _stop_content(stop: Stop) -> Content:
    said: Content = {
        "kind": stop.kind,
        "city": stop.place.city,
        "lat": stop.exact.lat if stop.exact else None,
        "lon": stop.exact.lon if stop.exact else None,
        "address": stop.address,
        "window_from": stop.window.opens,
        "window_to": stop.window.closes,
        "contact_name": stop.contact_name,
        "contact_phone": stop.contact_phone,
        "note": stop.note,
    }
    return {name: value for name, value in said.items() if value not in (None, "")}
