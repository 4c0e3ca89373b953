"""A table as a workbook: headings that stay in sight, filters, figures as figures."""

import io

import xlsxwriter

from .table import Table, moment, shown

FORMATS = {
    "text": "@", "int": "#,##0", "number": "#,##0.##", "money": '#,##0.00" ₸"', "amount": "#,##0.00",
    "moment": "yyyy-mm-dd hh:mm",
    "metres": "#,##0.0", "seconds": "#,##0.00", "share": "0.0%",
}  # fmt: skip
WIDTHS = {"text": 24, "moment": 17, "money": 17, "amount": 17}
OTHER_WIDTH = 14


def xlsx_of(table: Table) -> bytes:
    """The file."""
    out = io.BytesIO()
    options = {
        "in_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
    }
    with xlsxwriter.Workbook(out, options) as book:
        sheet = book.add_worksheet(_name(table.name))
        head = book.add_format(
            {"bold": True, "bg_color": "#E8EEF5", "text_wrap": True, "valign": "top", "bottom": 1}
        )
        formats = {kind: book.add_format({"num_format": text}) for kind, text in FORMATS.items()}
        for at, column in enumerate(table.columns):
            sheet.set_column(at, at, WIDTHS.get(column.kind, OTHER_WIDTH))
            sheet.write_string(0, at, column.title, head)
        for line, row in enumerate(table.rows, 1):
            for at, (column, value) in enumerate(zip(table.columns, row, strict=True)):
                if value is None:
                    continue
                style = formats[column.kind]
                if isinstance(value, str):
                    sheet.write_string(line, at, value, style)
                elif column.kind == "moment":
                    sheet.write_datetime(line, at, moment(value, table.zone), style)
                else:
                    sheet.write_number(line, at, float(shown(column.kind, value) or 0), style)
        sheet.freeze_panes(1, 0)
        if table.columns:
            sheet.autofilter(0, 0, max(len(table.rows), 1), len(table.columns) - 1)
    return out.getvalue()


def _name(text: str) -> str:
    """A worksheet's name has at most 31 letters, and some are forbidden."""
    return "".join(letter for letter in text if letter not in "[]:*?/\\")[:31] or "1"
