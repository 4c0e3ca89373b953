"""What an edit of a published order changes, whether it may, and what follows for those who look at the load."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .asked import FIELDS, Content
from .errors import Refusal
from .model import Order, Status

# While a truck is on its way to the load, only what does not change the deal.
WHILE_ASSIGNED = frozenset({"stops", "comment", "documents"})
OF_A_STOP = frozenset({"window_from", "window_to", "contact_name", "contact_phone", "note"})
# Nobody but the parties of the haul sees these: live offers stay as they are.
UNSEEN_OF_A_STOP = frozenset({"contact_name", "contact_phone", "note", "address"})
UNSEEN = frozenset({"valid_s", "confirm_s"})
ROUTE_OF_A_STOP = frozenset({"kind", "city", "lat", "lon"})
EDITABLE = frozenset({Status.OPEN, Status.MODERATION, Status.ASSIGNED, Status.AT_PICKUP})


@dataclass(frozen=True, slots=True)
class Changes:
    """What differs. `fields` are names of the form, of stops with the stop: `stops[1].window_to`."""

    fields: tuple[str, ...]
    seen: bool  # by those who are offered the load: their offers are of another load now
    times: bool
    route: bool
    dearer: bool

    @property
    def tempting(self) -> bool:
        """Whether a driver who has declined may be asked once more."""
        return self.route or self.dearer


def changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> Changes:
    """Compares two contents of one order."""
    names = [name for name in FIELDS if name != "stops" and before.get(name) != after.get(name)]
    of_stops = _stop_changes(before.get("stops", []), after.get("stops", []))
    kinds = {name.rpartition(".")[2] for name in of_stops}
    route = bool(kinds & ROUTE_OF_A_STOP) or "stops" in of_stops
    price = (before.get("price") or 0, after.get("price") or 0)
    return Changes(
        fields=(*of_stops, *names),
        seen=bool(set(names) - UNSEEN or kinds - UNSEEN_OF_A_STOP),
        times=bool(kinds & {"window_from", "window_to"}),
        route=route,
        dearer=price[1] > price[0],
    )


def may_edit(order: Order, made: Changes) -> None:
    """Refusal `order_closed` when the order is past editing, `edit_forbidden` with the first field that is fixed
    because a driver has taken the load as it was."""
    if order.status not in EDITABLE:
        raise Refusal("order_closed")
    if order.status in (Status.OPEN, Status.MODERATION):
        return
    for name in made.fields:
        field, _, of_stop = name.partition(".")
        if of_stop and of_stop in OF_A_STOP:
            continue
        if of_stop or field == "stops" or field not in WHILE_ASSIGNED:
            raise Refusal("edit_forbidden").at(name)


def _stop_changes(before: list[Content], after: list[Content]) -> list[str]:
    if len(before) != len(after):
        return ["stops"]
    return [
        f"stops[{number}].{name}"
        for number, (old, new) in enumerate(zip(before, after, strict=True))
        for name in sorted({*old, *new})
        if old.get(name) != new.get(name)
    ]
