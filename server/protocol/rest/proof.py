"""Proof of delivery and incidents, as the parties of the haul see them."""

from typing import Annotated, Literal

from msgspec import Meta, field

from ..messages import RowId, Seconds, ShortText
from .common import Form, LongText, Name, View

ProofKind = Literal["photo", "signature", "code"]
IncidentKind = Literal[
    "breakdown", "accident", "road_closed", "weather", "border", "queue", "cargo", "theft", "police", "health",
    "other",
]  # fmt: skip
Share = Annotated[float, Meta(ge=0, le=1)]
Stroke = Annotated[list[tuple[Share, Share]], Meta(max_length=3000)]
Code = Annotated[str, Meta(pattern="^[0-9]{4}$", max_length=4)]
Delay = Annotated[int, Meta(ge=0, le=30 * 86400, description="Seconds.")]


class ProofDemandForm(Form, frozen=True):
    """What the driver must bring before the cargo counts as delivered; nothing: nothing.

    A new `code` is made each time it is asked for.
    """

    kinds: Annotated[list[ProofKind], Meta(max_length=3)]


class ProofDemandView(View, frozen=True):
    """What must be brought. `code` is told to the shipper alone, to pass on to the consignee."""

    order: int
    kinds: list[str]
    code: str | None = None
    tries_left: int | None = None


class ProofForm(Form, frozen=True):
    """A photo (`file`: an upload), a signature (`strokes`, `signed_by`), or the consignee's `code`.

    Strokes are lists of (x, y), shares of the width and height of the field from its upper left corner.
    """

    kind: ProofKind
    file: RowId | None = None
    strokes: Annotated[list[Stroke], Meta(max_length=60)] = field(default_factory=list)
    code: Code | None = None
    signed_by: Name = ""
    note: ShortText = ""


class PlaceOfProof(View, frozen=True):
    """Where the truck was."""

    lat: float
    lon: float


class ProofView(View, frozen=True):
    """One proof. A photo's picture is at /orders/{order}/proof/{proof}/file."""

    proof: int
    order: int
    kind: str
    status: str  # of the order when it was given
    at: Seconds
    given_by: int
    signed_by: str = ""
    note: str = ""
    strokes: list[list[tuple[float, float]]] = field(default_factory=list)
    place: PlaceOfProof | None = None
    mime: str | None = None
    width: int | None = None
    height: int | None = None


class Proofs(View, frozen=True):
    """What was asked for, and what was brought, oldest first."""

    demand: ProofDemandView
    proofs: list[ProofView]


class IncidentForm(Form, frozen=True):
    """What happened. `files`: uploads that show it."""

    kind: IncidentKind
    note: LongText = ""
    delay_s: Delay | None = None
    files: Annotated[list[RowId], Meta(max_length=6)] = field(default_factory=list)


class IncidentPhoto(View, frozen=True):
    """A picture, at /orders/{order}/incidents/{incident}/files/{file}."""

    file: int
    mime: str
    width: int | None
    height: int | None


class IncidentView(View, frozen=True):
    """One report of the driver's."""

    incident: int
    order: int
    kind: str
    at: Seconds
    reported_by: int
    note: str = ""
    delay_s: int | None = None
    place: PlaceOfProof | None = None
    photos: list[IncidentPhoto] = field(default_factory=list)


class Incidents(View, frozen=True):
    """Oldest first; at most twenty an order."""

    incidents: list[IncidentView]
