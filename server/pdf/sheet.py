"""A page of ours: letterhead, headings, facts side by side, tables, foot with the page's number."""

import logging
from collections.abc import Sequence

from fpdf import FPDF
from fpdf.enums import MethodReturnValue

from server.i18n import Lang, say
from server.i18n.catalogue import label
from server.i18n.form import moment

from . import fonts
from .papers import Page

# Millimetres on A4, points for letters.
MARGIN, LINE = 14.0, 4.8
SMALL, PLAIN, HEAD, TITLE = 7.5, 9.0, 10.5, 15.0
INK, MUTED, RULE, TINT, ACCENT = (
    (24, 28, 36),
    (100, 108, 120),
    (206, 211, 218),
    (244, 246, 248),
    (16, 92, 160),
)
# Kept from becoming a letter of the text that a reader could take for ours: controls, and marks of direction.
_UNSEEN = {code: None for code in (*range(32), 127, *range(0x202A, 0x202F), *range(0x2066, 0x206A))}

logging.getLogger("fontTools").setLevel(logging.ERROR)


class Sheet(FPDF):
    """A4, one language; `heading` is its title."""

    def __init__(self, page_: Page, heading: str) -> None:
        super().__init__(format="A4")
        self.zone, self.made_at = page_.zone, page_.made_at
        self.reads: Lang = page_.lang
        self.set_margins(MARGIN, MARGIN, MARGIN)
        self.set_auto_page_break(True, margin=18)
        self.add_font("desk", "", fonts.REGULAR)
        self.add_font("desk", "B", fonts.BOLD)
        self.add_font("chinese", "", fonts.CHINESE)
        self.set_fallback_fonts(["chinese"], exact_match=False)
        self.set_lang({"ru": "ru-KZ", "kk": "kk-KZ", "en": "en-GB", "zh": "zh-CN"}[page_.lang])
        self.heading = heading
        self.set_title(heading)
        self.set_creator("Tracking Desk")
        self.add_page()

    def header(self) -> None:
        """The letterhead; fpdf calls it on each page."""
        first = self.page_no() == 1
        self.set_text_color(*ACCENT)
        self.set_font("desk", "B", SMALL + 1)
        self.cell(0, LINE, "TRACKING DESK", new_x="LMARGIN", new_y="NEXT")
        if first:
            self.set_text_color(*INK)
            self.set_font("desk", "B", TITLE)
            self.cell(0, 9, self.heading, new_x="LMARGIN", new_y="NEXT")
        self.set_draw_color(*ACCENT)
        self.set_line_width(0.5)
        self.line(MARGIN, self.get_y() + 1, self.w - MARGIN, self.get_y() + 1)
        self.set_line_width(0.2)
        self.ln(4)

    def footer(self) -> None:
        """When it was made, and the page; fpdf calls it on each page."""
        self.set_y(-13)
        self.set_font("desk", "", SMALL)
        self.set_text_color(*MUTED)
        made = self.said("Made on {at:moment} by Tracking Desk", at=self.made_at)
        self.cell(self.epw - 25, LINE, made)
        self.cell(25, LINE, f"{self.page_no()} / {{nb}}", align="R")

    def said(self, text: str, **values: object) -> str:
        """The sentence in the language of the sheet, times in its reader's zone."""
        return say(self.reads, text, tz=self.zone, **values)

    def word(self, vocabulary: str, word: str) -> str:
        """A word of the contract as people say it."""
        return label(self.reads, vocabulary, word)

    def at(self, when: float | None) -> str:
        """Day and time, a dash for none."""
        return "—" if when is None else moment(self.reads, when, self.zone)

    def section(self, title: str) -> None:
        """A heading, never the last line of a page."""
        if self.get_y() > self.h - 45:
            self.add_page()
        self.ln(2.5)
        self.set_font("desk", "B", HEAD)
        self.set_text_color(*ACCENT)
        self.cell(0, 6.5, title, new_x="LMARGIN", new_y="NEXT")
        self.set_text_color(*INK)

    def facts(self, pairs: Sequence[tuple[str, str]], columns: int = 2) -> None:
        """Small caption above its value, so many side by side; empty values are left out."""
        shown = [(name, _plain(value)) for name, value in pairs if value]
        width = self.epw / columns
        for start in range(0, len(shown), columns):
            row = shown[start : start + columns]
            height = max(self._height(value, width - 3) for _, value in row) + LINE
            if self.get_y() + height > self.page_break_trigger:
                self.add_page()
            top = self.get_y()
            for number, (name, value) in enumerate(row):
                self.set_xy(MARGIN + number * width, top)
                self.set_font("desk", "", SMALL)
                self.set_text_color(*MUTED)
                self.cell(width - 3, 4, name)
                self.set_xy(MARGIN + number * width, top + 4)
                self.set_font("desk", "", PLAIN)
                self.set_text_color(*INK)
                self.multi_cell(width - 3, LINE, value, align="L")
            self.set_xy(MARGIN, top + height + 1)

    def _height(self, text: str, width: float) -> float:
        self.set_font("desk", "", PLAIN)
        lines = self.multi_cell(width, LINE, text, dry_run=True, output=MethodReturnValue.LINES, align="L")
        return max(len(lines) if isinstance(lines, list) else 1, 1) * LINE

    def rows(self, head: Sequence[str], lines: Sequence[Sequence[str]], widths: Sequence[float]) -> None:
        """A table; `widths` are shares. It breaks between lines, its head comes again on the next page."""
        self.set_font("desk", "", SMALL + 0.5)
        self.set_text_color(*INK)
        self.set_draw_color(*RULE)
        self.set_fill_color(255, 255, 255)  # the table fills with whatever colour was last
        with self.table(
            col_widths=tuple(widths),
            line_height=LINE - 0.3,
            padding=1.2,
            text_align="LEFT",
            borders_layout="HORIZONTAL_LINES",
            first_row_as_headings=True,
        ) as table:
            for line in (head, *lines):
                row = table.row()
                for text in line:
                    row.cell(_plain(text))
        self.ln(1.5)


def _plain(text: str) -> str:
    """Without what cannot be seen; line breaks stay."""
    return "\n".join(line.translate(_UNSEEN) for line in text.split("\n"))
