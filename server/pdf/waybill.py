"""The waybill: what goes from where to where for whom, with room for three signatures.

It is the desk's own form. Where a state or a convention prescribes one (CMR, TIR), that paper goes along with it.
"""

from server.i18n import say
from server.i18n.form import duration, money

from .haul_sheet import HaulSheet
from .papers import Halt, Waybill
from .sheet import ACCENT, INK, LINE, MARGIN, MUTED, PLAIN, RULE, SMALL

BOX = 34.0  # millimetres of a field to sign in


def draw(paper: Waybill) -> bytes:
    """The PDF."""
    sheet = HaulSheet(paper, say(paper.lang, "Waybill"))
    sheet.parties()
    _way(sheet, paper)
    sheet.cargo()
    _terms(sheet, paper)
    _signatures(sheet, paper)
    return bytes(sheet.output())


def _way(sheet: HaulSheet, paper: Waybill) -> None:
    said = sheet.said
    sheet.section(said("Route, {distance:distance}", distance=paper.distance_m))
    lines = [
        [str(number), sheet.word("StopKind", stop.kind), sheet.stop_name(stop), _window(sheet, stop)]
        for number, stop in enumerate(paper.stops, 1)
    ]
    head = ["№", said("Stop"), said("Where and who"), said("Agreed time")]
    sheet.rows(head, lines, (0.06, 0.16, 0.5, 0.28))


def _terms(sheet: HaulSheet, paper: Waybill) -> None:
    said = sheet.said
    sheet.section(said("Terms"))
    price = "" if paper.price is None else money(sheet.reads, *paper.price)
    when = sheet.word("PaymentWhen", paper.when) if paper.when else ""
    if paper.days:
        when += ", " + duration(sheet.reads, paper.days * 86_400.0)
    sheet.facts(
        [
            (said("Price of the haul"), price),
            (said("Payment"), sheet.word("PaymentMethod", paper.method) if paper.method else ""),
            (said("When"), when),
            (said("VAT"), said("included") if paper.vat else said("not included")),
            (said("Load taken on"), sheet.at(paper.assigned_at)),
            (said("Comment"), paper.comment),
        ],
        3,
    )


def _signatures(sheet: HaulSheet, paper: Waybill) -> None:
    """Three fields side by side; the consignee's holds what was signed on the driver's phone."""
    if sheet.get_y() + BOX + 14 > sheet.page_break_trigger:
        sheet.add_page()
    said = sheet.said
    sheet.section(said("Signatures"))
    width, top = sheet.epw / 3, sheet.get_y()
    signed = paper.signature
    names = (
        (said("Handed over by the shipper"), ""),
        (said("Taken over by the driver"), paper.carrier.name),
        (said("Received by the consignee"), signed.name if signed is not None else ""),
    )
    for number, (caption, name) in enumerate(names):
        x = MARGIN + number * width
        sheet.set_draw_color(*RULE)
        sheet.rect(x, top, width - 3, BOX)
        sheet.set_xy(x + 2, top + 1)
        sheet.set_font("desk", "", SMALL)
        sheet.set_text_color(*MUTED)
        sheet.cell(width - 7, LINE, caption)
        sheet.set_xy(x + 2, top + BOX - 6)
        sheet.set_font("desk", "", PLAIN)
        sheet.set_text_color(*INK)
        sheet.cell(width - 7, LINE, name)
    x = MARGIN + 2 * width
    if signed is not None and signed.strokes:
        sheet.ink(signed.strokes, x + 4, top + 7, width - 11, BOX - 15)
    sheet.set_xy(x, top + BOX + 1)
    sheet.set_font("desk", "", SMALL)
    sheet.set_text_color(*ACCENT)
    if paper.code_at is not None:
        sheet.cell(width, LINE, said("Code of the consignee given on {at:moment}", at=paper.code_at))
    elif signed is not None:
        sheet.cell(width, LINE, sheet.at(signed.at))


def _window(sheet: HaulSheet, stop: Halt) -> str:
    if stop.opens is None and stop.closes is None:
        return "—"
    return f"{sheet.at(stop.opens)} –\n{sheet.at(stop.closes)}"
