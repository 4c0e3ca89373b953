"""A table as plain values, whoever writes it down."""

import csv
import io
from datetime import UTC, datetime
from typing import Literal
from zoneinfo import ZoneInfo

from msgspec import Struct

Format = Literal["csv", "xlsx"]
# What stands in a column: text, whole numbers, others, minor units of KZT, minor units of the currency in another
# column, epoch seconds, metres, seconds, shares.
Kind = Literal["text", "int", "number", "money", "amount", "moment", "metres", "seconds", "share"]
Value = str | int | float | None

# A program that opens the file takes what begins so for a formula (CWE-1236).
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


class Column(Struct, frozen=True):
    """Its heading in the reader's language, and what stands in it."""

    title: str
    kind: Kind = "text"


class Table(Struct, frozen=True):
    """Rows under columns. `zone` is the reader's: moments are written in its time."""

    name: str
    columns: list[Column]
    rows: list[list[Value]]
    zone: str = "Asia/Almaty"


def shown(kind: Kind, value: Value) -> Value:
    """The value in the unit that people read: tenge, kilometres, hours; moments stay epoch seconds."""
    if value is None or isinstance(value, str):
        return value
    if kind in ("money", "amount"):
        return value / 100
    if kind == "metres":
        return round(value / 1000, 1)
    if kind == "seconds":
        return round(value / 3600, 2)
    return value


def harmless(text: str) -> str:
    """Text that no program takes for a formula."""
    return f"'{text}" if text.startswith(_FORMULA) else text


def moment(at: float, zone: str) -> datetime:
    """Where the reader is, without a zone: spreadsheets know none."""
    return datetime.fromtimestamp(at, UTC).astimezone(ZoneInfo(zone)).replace(tzinfo=None, microsecond=0)


def csv_of(table: Table) -> bytes:
    """UTF-8 with the mark by which Excel knows it; times as ISO 8601, decimals with a point."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow([column.title for column in table.columns])
    for row in table.rows:
        writer.writerow(
            [_cell(column.kind, value, table.zone) for column, value in zip(table.columns, row, strict=True)]
        )
    return out.getvalue().encode("utf-8-sig")


def _cell(kind: Kind, value: Value, zone: str) -> Value:
    if value is None:
        return ""
    if isinstance(value, str):
        return harmless(value)
    if kind == "moment":
        return moment(value, zone).isoformat(sep=" ")
    return shown(kind, value)
