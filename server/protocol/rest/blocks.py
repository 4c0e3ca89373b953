"""Sides that do not want to meet."""

from ..messages import RowId, ShortText
from .common import Form, View


class BlockForm(Form, frozen=True):
    """Whom to keep away, one of these. A shipper names a driver or a company of carriers; a driver the company or
    the user that posts loads, or a load of theirs. Who works in a company speaks for all of it."""

    driver: RowId | None = None
    company: RowId | None = None
    shipper: RowId | None = None
    order: RowId | None = None
    note: ShortText = ""


class BlockView(View, frozen=True):
    """A pair kept apart: a shipper or a company of shippers, and a driver or a carrier."""

    block: int
    created_at: float
    shipper: int | None = None
    company: int | None = None
    driver: int | None = None
    carrier: int | None = None
    note: str = ""


class Blocks(View, frozen=True):
    """Newest first."""

    blocks: list[BlockView]
