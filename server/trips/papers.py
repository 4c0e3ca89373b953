"""Gathers what stands on the papers of a haul, as far as their reader may know it."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from dispatch.model import Order
from dispatch.proof import ProofKind
from dispatch.trip import stops_of
from dispatch.visibility import Viewer
from server.i18n import Lang
from server.pdf import TripReport, Waybill
from server.pdf.papers import Cargo, Halt, Incident, Side, Signature, Truck
from storage.proof import Proof
from storage.trips.paperwork import Haulier
from storage.trips.reads import TripRead

if TYPE_CHECKING:
    from server.services import Services

LINE = 1_500  # spots of the way that a page can show
PHOTOS = 8


class Papers:
    """The papers of one order for one reader. `private`: addresses, contacts and phones may be on them; `track`:
    where the truck was."""

    def __init__(
        self, services: "Services", viewer: Viewer, lang: Lang, zone: str, *, private: bool, track: bool
    ) -> None:
        self._services = services
        self._viewer = viewer
        self._lang = lang
        self._zone = zone
        self._private = private
        self._track = track

    async def waybill(self, order: Order) -> Waybill:
        """The consignment note."""
        trip = await self._services.trips_read.of(order, self._services.now())
        _, proofs = await self._services.proofs.of_order(self._viewer, order.id)
        terms = order.terms
        return Waybill(
            **await self._common(order, trip, proofs),
            price=(order.price.amount, order.price.currency),
            method=terms.method,
            when=terms.when,
            days=terms.days,
            vat=terms.vat,
            comment=terms.comment,
        )

    async def report(self, order: Order) -> TripReport:
        """How it went."""
        services, now = self._services, self._services.now()
        trip = await services.trips_read.of(order, now)
        _, proofs = await services.proofs.of_order(self._viewer, order.id)
        incidents = await services.incidents.of_order(self._viewer, order.id)
        track = await services.trips_read.track(order.id, now) if self._track else []
        return TripReport(
            **await self._common(order, trip, proofs),
            started_at=trip.started_at,
            ended_at=trip.ended_at,
            driven_m=trip.metres,
            empty_m=trip.empty_metres,
            detention_s=trip.detention_s,
            line=[(spot.lat, spot.lon) for spot in _thinned(track)],
            halts=[(halt.since, halt.until, halt.lat, halt.lon) for halt in trip.halts if self._track],
            incidents=[Incident(each.kind, each.at, each.note, each.delay_s) for each in incidents],
            photos=list(self._pictures(proofs)),
        )

    async def _common(self, order: Order, trip: TripRead, proofs: Sequence[Proof]) -> dict[str, Any]:
        parties = await self._services.paper_reads.parties(order.id)
        load = order.load
        signed = next((each for each in proofs if each.kind is ProofKind.SIGNATURE), None)
        code = next((each for each in proofs if each.kind is ProofKind.CODE), None)
        return {
            "order": order.id,
            "lang": self._lang,
            "zone": self._zone,
            "made_at": self._services.now(),
            "shipper": self._side(parties.shipper),
            "carrier": self._side(parties.carrier),
            "truck": Truck(parties.plate, parties.trailer, parties.body),
            "cargo": Cargo(
                text=load.cargo,
                kind=load.kind,
                weight_kg=load.weight_kg,
                volume_m3=load.volume_m3,
                body=load.body,
                pieces=load.pieces,
                adr=load.adr,
                temp_min_c=load.temp_min_c,
                temp_max_c=load.temp_max_c,
                documents=list(load.documents),
            ),
            "stops": list(self._stops(order, trip)),
            "status": order.status.value,
            "assigned_at": parties.assigned_at,
            "distance_m": order.haul.distance_m,
            "signature": None if signed is None else _signature(signed),
            "code_at": None if code is None else code.at,
        }

    def _side(self, side: Haulier) -> Side:
        return Side(side.name, side.company, side.number, side.phone if self._private else "")

    def _stops(self, order: Order, trip: TripRead) -> Iterable[Halt]:
        for stop, went in zip(stops_of(order), trip.stops, strict=True):
            private = self._private
            yield Halt(
                kind=stop.kind,
                town=stop.place.name,
                address=stop.address if private else "",
                contact=stop.contact_name if private else "",
                phone=stop.contact_phone if private else "",
                note=stop.note if private else "",
                opens=stop.window.opens,
                closes=stop.window.closes,
                arrived_at=went.visit.arrived_at,
                left_at=went.visit.left_at,
                waited_s=0.0 if went.waiting is None else went.waiting.seconds,
                detention_s=0.0 if went.waiting is None else went.waiting.detention_s,
            )

    def _pictures(self, proofs: Sequence[Proof]) -> Iterable[str]:
        """The latest: those of the drop."""
        files = [each.file for each in proofs if each.file is not None]
        for file in files[-PHOTOS:]:
            yield str(self._services.files.path(file.name).resolve())


def _signature(proof: Proof) -> Signature:
    strokes = [[(x, y) for x, y in stroke] for stroke in proof.strokes or ()]
    return Signature(proof.signed_by, proof.at, strokes)


def _thinned(track: Sequence[Any]) -> Sequence[Any]:
    """Every so many spots, with the last."""
    every = len(track) // LINE + 1
    return [*track[::every], *track[-1:]]
