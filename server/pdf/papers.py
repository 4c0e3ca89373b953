"""What is on the papers, as plain values: the worker gathers them, the press draws them."""

from msgspec import Struct

from server.i18n import Lang


class Side(Struct, frozen=True):
    """A party of the haul. Empty is unknown, or not for this reader."""

    name: str = ""
    company: str = ""
    number: str = ""  # of the company in its register (BIN)
    phone: str = ""


class Halt(Struct, frozen=True):
    """A stop of the way, with what was agreed and what came of it; epoch seconds."""

    kind: str  # pickup | drop
    town: str
    address: str = ""
    contact: str = ""
    phone: str = ""
    note: str = ""
    opens: float | None = None
    closes: float | None = None
    arrived_at: float | None = None
    left_at: float | None = None
    waited_s: float = 0.0
    detention_s: float = 0.0


class Cargo(Struct, frozen=True):
    """What is carried: kg, m3 (0 is unknown), degrees Celsius; words of the contract's vocabularies."""

    text: str
    kind: str
    weight_kg: float
    volume_m3: float
    body: str
    pieces: int | None = None
    adr: str | None = None
    temp_min_c: float | None = None
    temp_max_c: float | None = None
    documents: list[str] = []


class Truck(Struct, frozen=True):
    """What it is carried with."""

    plate: str = ""
    trailer: str = ""
    body: str = ""


class Signature(Struct, frozen=True):
    """Who took the cargo over, with the strokes as shares of the field, or by the code (no strokes)."""

    name: str
    at: float
    strokes: list[list[tuple[float, float]]] = []


class Page(Struct, frozen=True):
    """Whose language and time zone a paper is in, and when it was made."""

    lang: Lang
    zone: str
    made_at: float


class Paper(Page, frozen=True):
    """What the papers of a haul begin with."""

    order: int
    shipper: Side
    carrier: Side
    truck: Truck
    cargo: Cargo
    stops: list[Halt]
    status: str
    assigned_at: float
    distance_m: float
    signature: Signature | None = None
    code_at: float | None = None  # when the consignee's code was given


class Waybill(Paper, frozen=True, tag="waybill"):
    """The consignment note that goes with the cargo. `price` None: not for this reader."""

    price: tuple[int, str] | None = None
    method: str = ""
    when: str = ""
    days: int = 0
    vat: bool = False
    comment: str = ""


class Incident(Struct, frozen=True):
    """What the driver reported."""

    kind: str
    at: float
    note: str = ""
    delay_s: int | None = None


class TripReport(Paper, frozen=True, tag="trip"):
    """How it went. `line` is the way driven as (lat, lon), `halts` as (since, until, lat, lon); `photos` are paths
    of pictures that prove the delivery."""

    started_at: float = 0.0
    ended_at: float | None = None
    driven_m: float = 0.0
    empty_m: float | None = None
    detention_s: float = 0.0
    line: list[tuple[float, float]] = []
    halts: list[tuple[float, float, float, float]] = []
    incidents: list[Incident] = []
    photos: list[str] = []


class Receipt(Page, frozen=True, tag="receipt"):
    """What was paid to us. `amount` and `refunded` in minor units; the period runs from `begins` to `ends`, None
    where it was replaced or taken back; `method` as people say it."""

    number: str
    seller: str
    payer: str
    phone: str
    plan: str
    days: int
    amount: tuple[int, str]
    paid_at: float
    method: str
    transaction: str
    begins: float | None = None
    ends: float | None = None
    refunded: int = 0
