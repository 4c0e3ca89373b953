"""Bodies of requests as the core takes them: what was said, under the same names."""

from typing import Any

import msgspec

from dispatch.asked import Asked, Content
from dispatch.errors import Refusal
from server.protocol.rest.orders import OrderEdit, OrderForm

from .phone import dialled

# What of a form is not the load's.
_OF_THE_CALL = ("pickup_city", "drop_city", "allow_duplicate")


def asked_of(form: OrderForm) -> Asked:
    """The load that is posted; two towns are a way of two stops."""
    said: Content = msgspec.to_builtins(form)
    if form.stops is None:
        if form.pickup_city is None or form.drop_city is None:
            missing = "pickup_city" if form.pickup_city is None else "drop_city"
            raise Refusal("order_incomplete", "say where from and where to").at(missing)
        said["stops"] = [
            {"kind": "pickup", "city": form.pickup_city, "said_as": "pickup_city"},
            {"kind": "drop", "city": form.drop_city, "said_as": "drop_city"},
        ]
    elif form.pickup_city is not None or form.drop_city is not None:
        raise Refusal("stops_invalid", "say the two towns or the stops, not both").at("stops")
    for name in _OF_THE_CALL:
        del said[name]
    said["stops"] = _stops(said["stops"])
    return Asked.of(said)


def said_in(edit: OrderEdit) -> Content:
    """The fields that an edit speaks of; None takes one back."""
    said: Content = msgspec.to_builtins(edit)
    if said.get("stops") is not None:
        said["stops"] = _stops(said["stops"])
    return said


def form_of(content: Content) -> OrderEdit:
    """Stored content as the form that would say it."""
    return msgspec.convert(content, OrderEdit)


def _stops(stops: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Without what is unsaid, phones in E.164."""
    for number, stop in enumerate(stops):
        if stop.get("contact_phone"):
            try:
                stop["contact_phone"] = dialled(stop["contact_phone"])
            except Refusal as refusal:
                raise refusal.at(f"stops[{number}].contact_phone") from None
    return [{name: value for name, value in stop.items() if value not in (None, "")} for stop in stops]
