"""Tables as files: what a spreadsheet reads is what was meant, and nothing in it runs."""

import csv
import io
from datetime import datetime

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import load_workbook

from server.sheets.table import Column, Table, csv_of, harmless
from server.sheets.xlsx import xlsx_of

TABLE = Table(
    "orders/by:status",
    [
        Column("Состояние"), Column("Заказы", "int"), Column("Сумма", "money"), Column("Расстояние, км", "metres"),
        Column("Когда", "moment"), Column("Доля", "share"), Column("Ожидание, ч", "seconds"),
    ],
    [["В пути 在途", 12, 46_360_000, 1_263_400.0, 1_795_000_000.0, 0.25, 5_400.0], ["=1+1", *[None] * 6]],
)  # fmt: skip


def test_a_csv_is_in_the_units_of_people_and_knows_its_letters() -> None:
    raw = csv_of(TABLE)
    assert raw.startswith(b"\xef\xbb\xbf")
    head, first, second = list(csv.reader(io.StringIO(raw.decode("utf-8-sig"))))
    assert head[0] == "Состояние"
    assert first == ["В пути 在途", "12", "463600.0", "1263.4", "2026-11-18 16:06:40", "0.25", "1.5"]
    assert second == ["'=1+1", "", "", "", "", "", ""]


def test_a_workbook_holds_figures_as_figures_and_text_as_text() -> None:
    sheet = load_workbook(io.BytesIO(xlsx_of(TABLE))).active
    assert sheet is not None
    assert sheet.title == "ordersbystatus"
    rows = list(sheet.iter_rows(values_only=True))
    assert rows[1] == ("В пути 在途", 12, 463600, 1263.4, datetime(2026, 11, 18, 16, 6, 40), 0.25, 1.5)
    assert rows[2][0] == "=1+1"
    assert sheet["A3"].data_type == "s"
    assert sheet.freeze_panes == "A2"


@given(st.text(max_size=30))
def test_no_text_begins_as_a_formula_does(text: str) -> None:
    assert not harmless(text).startswith(("=", "+", "-", "@", "\t", "\r"))


def test_a_table_survives_the_way_to_its_process() -> None:
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(TABLE), type=Table) == TABLE


def test_a_row_of_another_width_is_no_row() -> None:
    with pytest.raises(ValueError, match="zip"):
        csv_of(Table("x", [Column("a")], [["1", "2"]]))
