"""Loads offered to one driver."""

from ..messages import DeclineReason, OfferCard, RowId, ShortText, Uuid, Version
from .common import Form, View


class AcceptForm(Form, frozen=True):
    """A retry with the same accept_id gets the same answer."""

    accept_id: Uuid


class TakeForm(Form, frozen=True):
    """A retry with the same accept_id gets the same answer.

    `version` is that of the load on the screen: when it was edited since, `offer_closed`. A logistician names the
    `driver` of the fleet for whom the load is.
    """

    accept_id: Uuid
    version: Version | None = None
    driver: RowId | None = None


class ActingQuery(Form, frozen=True):
    """Of which driver; a logistician names one of the fleet."""

    driver: RowId | None = None


class DeclineForm(Form, frozen=True):
    """Why not, for the shipper's figures."""

    reason: DeclineReason = "unsaid"
    note: ShortText = ""


class Offers(View, frozen=True):
    """The caller's live offers."""

    offers: list[OfferCard]
