"""Loads offered to one driver."""

from ..messages import OfferCard, ShortText, Uuid
from .common import Form, View


class AcceptForm(Form, frozen=True):
    """A retry with the same accept_id gets the same answer."""

    accept_id: Uuid


class DeclineForm(Form, frozen=True):
    """Why not."""

    reason: ShortText = ""


class Offers(View, frozen=True):
    """The caller's live offers."""

    offers: list[OfferCard]
