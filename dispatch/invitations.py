"""An order offered to drivers by name: how it stands, as the shipper may know it. Pure."""

from dataclasses import dataclass
from enum import StrEnum

from .model import OfferStatus, Status


class InvitationStatus(StrEnum):
    """Where an invitation stands. Of a phone that nobody has it says what it says of a silent driver."""

    SENT = "sent"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"
    CLOSED = "closed"  # the load went another way


@dataclass(frozen=True, slots=True)
class Invitation:
    """One driver asked by name. `driver` is known to the shipper only when picked from a list."""

    id: int
    order: int
    driver: int | None
    phone: str | None
    code: str | None
    status: InvitationStatus
    note: str
    created_at: float
    expires_at: float
    reason: str = ""  # why it was declined


_ENDED = {
    OfferStatus.ACCEPTED: InvitationStatus.ACCEPTED,
    OfferStatus.DECLINED: InvitationStatus.DECLINED,
    OfferStatus.LOST: InvitationStatus.CLOSED,
}


def status_of(
    order: Status, offer: OfferStatus | None, *, withdrawn: bool, expires_at: float, now: float
) -> InvitationStatus:
    """What the shipper is told. `offer` None: nobody was found, which must look like somebody who is silent.

    So an offer that was withdrawn by something else than the shipper (the driver won another load, the load was
    edited) reads as sent until the invitation's own time is over.
    """
    if offer in _ENDED:
        return _ENDED[offer]
    if withdrawn:
        return InvitationStatus.WITHDRAWN
    if order is not Status.OPEN:
        return InvitationStatus.CLOSED
    return InvitationStatus.EXPIRED if now >= expires_at else InvitationStatus.SENT
