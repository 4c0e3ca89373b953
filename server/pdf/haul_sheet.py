"""A sheet about a haul: its parties, its cargo, its stops, and what was signed."""

from collections.abc import Sequence

from server.i18n.form import volume, weight

from .papers import Halt, Paper, Side
from .sheet import INK, Sheet


class HaulSheet(Sheet):
    """What waybill and trip report share."""

    def __init__(self, paper: Paper, title: str) -> None:
        self.paper = paper
        super().__init__(paper, f"{title} № {paper.order}")

    def parties(self) -> None:
        """Shipper and carrier side by side."""
        paper = self.paper
        self.section(self.said("Parties"))
        self.facts(
            [
                (self.said("Shipper"), _party(paper.shipper)),
                (self.said("Carrier"), _party(paper.carrier)),
                (self.said("Truck"), self._truck()),
                (self.said("State of the order"), self.word("OrderStatus", paper.status)),
            ]
        )

    def _truck(self) -> str:
        truck = self.paper.truck
        plates = " / ".join(plate for plate in (truck.plate, truck.trailer) if plate)
        body = self.word("Body", truck.body) if truck.body else ""
        return ", ".join(part for part in (plates, body) if part) or "—"

    def cargo(self) -> None:
        """What is carried."""
        cargo = self.paper.cargo
        said = self.said
        temperature = ""
        if cargo.temp_min_c is not None or cargo.temp_max_c is not None:
            ends = [f"{value:+g} °C" for value in (cargo.temp_min_c, cargo.temp_max_c) if value is not None]
            temperature = " … ".join(ends)
        papers = ", ".join(self.word("CargoDocument", each) for each in cargo.documents)
        self.section(said("Cargo"))
        self.facts(
            [
                (said("Description"), cargo.text),
                (said("Kind"), self.word("CargoKind", cargo.kind)),
                (said("Gross weight"), weight(self.reads, cargo.weight_kg)),
                (said("Volume"), volume(self.reads, cargo.volume_m3) if cargo.volume_m3 else ""),
                (said("Pieces"), "" if cargo.pieces is None else str(cargo.pieces)),
                (said("Body asked for"), self.word("Body", cargo.body)),
                (said("Temperature"), temperature),
                (said("ADR class"), cargo.adr or ""),
                (said("Papers with the cargo"), papers),
            ],
            3,
        )

    def stop_name(self, stop: Halt) -> str:
        """Town, address and who to ask for, a line each."""
        contact = ", ".join(part for part in (stop.contact, stop.phone) if part)
        return "\n".join(part for part in (stop.town, stop.address, contact, stop.note) if part)

    def ink(
        self, strokes: Sequence[Sequence[tuple[float, float]]], x: float, y: float, w: float, h: float
    ) -> None:
        """A signature in its field."""
        self.set_draw_color(*INK)
        self.set_line_width(0.4)
        for stroke in strokes:
            if len(stroke) > 1:
                self.polyline([(x + w * a, y + h * b) for a, b in stroke])
        self.set_line_width(0.2)


def _party(side: Side) -> str:
    number = f"({side.number})" if side.number else ""
    company = " ".join(part for part in (side.company, number) if part)
    return "\n".join(part for part in (company, side.name, side.phone) if part) or "—"
