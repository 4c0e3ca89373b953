"""Loads offered to one driver."""

from ..messages import DeclineReason, OfferCard, ShortText, Uuid, Version
from .common import Form, View


class AcceptForm(Form, frozen=True):
    """A retry with the same accept_id gets the same answer.

    `version` is that of the load on the screen: when it was edited since, `offer_closed`. An offer has its own.
    """

    accept_id: Uuid
    version: Version | None = None


class DeclineForm(Form, frozen=True):
    """Why not, for the shipper's figures."""

    reason: DeclineReason = "unsaid"
    note: ShortText = ""


class Offers(View, frozen=True):
    """The caller's live offers."""

    offers: list[OfferCard]
