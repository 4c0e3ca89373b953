"""`python -m server.sheets`: a form and a table as msgpack come in, the file goes out."""

import sys

import msgspec

from .table import Format, Table, csv_of
from .xlsx import xlsx_of


def main() -> None:
    """Writes what comes in."""
    form, table = msgspec.msgpack.decode(sys.stdin.buffer.read(), type=tuple[Format, Table])
    sys.stdout.buffer.write(csv_of(table) if form == "csv" else xlsx_of(table))


if __name__ == "__main__":
    main()
