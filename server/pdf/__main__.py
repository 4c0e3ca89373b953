"""`python -m server.pdf`: a paper as msgpack comes in, its PDF goes out."""

import sys

import msgspec

from . import receipt, trip_report, waybill
from .papers import Receipt, TripReport, Waybill


def main() -> None:
    """Draws what comes in."""
    paper = msgspec.msgpack.decode(sys.stdin.buffer.read(), type=Waybill | TripReport | Receipt)
    match paper:
        case Waybill():
            drawn = waybill.draw(paper)
        case TripReport():
            drawn = trip_report.draw(paper)
        case Receipt():
            drawn = receipt.draw(paper)
    sys.stdout.buffer.write(drawn)


if __name__ == "__main__":
    main()
