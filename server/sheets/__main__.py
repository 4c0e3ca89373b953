"""`python -m server.sheets`: a table as msgpack comes in, its workbook goes out."""

import sys

import msgspec

from .table import Table
from .xlsx import xlsx_of


def main() -> None:
    """Writes what comes in."""
    sys.stdout.buffer.write(xlsx_of(msgspec.msgpack.decode(sys.stdin.buffer.read(), type=Table)))


if __name__ == "__main__":
    main()
