"""The receipt of a payment to us."""

from server.i18n import say
from server.i18n.form import duration, money

from .papers import Receipt
from .sheet import ACCENT, INK, LINE, MUTED, PLAIN, RULE, TINT, Sheet

SUM = 22.0  # points of the amount


def draw(paper: Receipt) -> bytes:
    """The PDF."""
    sheet = Sheet(paper, say(paper.lang, "Receipt"))
    _amount(sheet, paper)
    _period(sheet, paper)
    _payment(sheet, paper)
    return bytes(sheet.output())


def _amount(sheet: Sheet, paper: Receipt) -> None:
    """What anybody looks for first."""
    top = sheet.get_y()
    sheet.set_fill_color(*TINT)
    sheet.set_draw_color(*RULE)
    sheet.rect(sheet.l_margin, top, sheet.epw, 24, style="FD")
    sheet.set_xy(sheet.l_margin + 5, top + 4)
    sheet.set_font("desk", "", PLAIN)
    sheet.set_text_color(*MUTED)
    sheet.cell(0, LINE, sheet.said("Paid"))
    sheet.set_xy(sheet.l_margin + 5, top + 10)
    sheet.set_font("desk", "B", SUM)
    sheet.set_text_color(*INK)
    sheet.cell(0, 9, money(sheet.reads, *paper.amount))
    if paper.refunded:
        back = money(sheet.reads, paper.refunded, paper.amount[1])
        sheet.set_xy(sheet.l_margin + 5, top + 10)
        sheet.set_font("desk", "", PLAIN)
        sheet.set_text_color(*ACCENT)
        sheet.cell(sheet.epw - 10, 9, sheet.said("Given back since: {amount}", amount=back), align="R")
    sheet.set_y(top + 26)


def _period(sheet: Sheet, paper: Receipt) -> None:
    said = sheet.said
    sheet.section(said("What for"))
    sheet.facts(
        [
            (said("Plan"), paper.plan),
            (said("Period"), duration(sheet.reads, paper.days * 86_400.0)),
            (said("Access from"), "" if paper.begins is None else sheet.at(paper.begins)),
            (said("Access to"), "" if paper.ends is None else sheet.at(paper.ends)),
        ],
    )


def _payment(sheet: Sheet, paper: Receipt) -> None:
    said = sheet.said
    sheet.section(said("Payment"))
    sheet.facts(
        [
            (said("Payer"), paper.payer),
            (said("Phone"), paper.phone),
            (said("Paid on"), sheet.at(paper.paid_at)),
            (said("Paid by"), paper.method),
            (said("Number of the payment"), paper.transaction),
            (said("Number of the invoice"), paper.number),
            (said("Seller"), paper.seller),
        ],
    )
