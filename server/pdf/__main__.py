"""`python -m server.pdf`: a paper as msgpack comes in, its PDF goes out."""

import sys

import msgspec

from . import trip_report, waybill
from .papers import TripReport, Waybill


def main() -> None:
    """Draws what comes in."""
    paper = msgspec.msgpack.decode(sys.stdin.buffer.read(), type=Waybill | TripReport)
    drawn = waybill.draw(paper) if isinstance(paper, Waybill) else trip_report.draw(paper)
    sys.stdout.buffer.write(drawn)


if __name__ == "__main__":
    main()
