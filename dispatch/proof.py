"""Proof of delivery: what the shipper asks for, what counts as it, and what is still missing. Pure."""

from collections.abc import Collection, Iterable, Sequence
from enum import StrEnum
from itertools import pairwise
from math import hypot

from .errors import Refusal
from .model import Status

Stroke = Sequence[tuple[float, float]]

CODE_DIGITS = 4
TRIES = 5  # of a code of four digits: one guess in 2,000 comes through, then the shipper must make a new one
MOST_PHOTOS = 12  # of one order
# A name is written in a few strokes; a phone reports a point about every 10 ms.
MOST_STROKES, MOST_POINTS = 60, 3_000
# Shorter than this, of the edge of the field, is a slip of the finger.
LEAST_INK = 0.3


class ProofKind(StrEnum):
    """What shows that the cargo changed hands."""

    PHOTO = "photo"
    SIGNATURE = "signature"
    CODE = "code"


# Photos also show the cargo as it was loaded; who takes it over is there at the drop only.
WHEN: dict[ProofKind, frozenset[Status]] = {
    ProofKind.PHOTO: frozenset(
        {Status.AT_PICKUP, Status.LOADED, Status.IN_TRANSIT, Status.AT_DROP, Status.DELIVERED}
    ),
    ProofKind.SIGNATURE: frozenset({Status.AT_DROP}),
    ProofKind.CODE: frozenset({Status.AT_DROP}),
}
# Later the driver already stands before the consignee.
DEMANDABLE = frozenset({Status.ASSIGNED, Status.AT_PICKUP, Status.LOADED, Status.IN_TRANSIT})


def may_prove(kind: ProofKind, status: Status) -> None:
    """Refusal `proof_untimely` when such a proof says nothing in this state."""
    if status not in WHEN[kind]:
        raise Refusal("proof_untimely", "{status:label.OrderStatus}", status=status)


def missing(demanded: Collection[ProofKind], given: Iterable[tuple[ProofKind, Status]]) -> list[ProofKind]:
    """What must still be there before the cargo is delivered. A photo counts when it was taken at the drop."""
    have = {kind for kind, status in given if status is Status.AT_DROP}
    return [kind for kind in ProofKind if kind in demanded and kind not in have]


def signature(strokes: Sequence[Stroke]) -> list[list[list[float]]]:
    """The strokes as they are kept: shares of the width and height of the field, to a thousandth.

    Refusal `signature_invalid` for too many of them, for points outside, and for what nobody would call one.
    """
    points = [point for stroke in strokes for point in stroke]
    if len(strokes) > MOST_STROKES or len(points) > MOST_POINTS:
        raise Refusal("signature_invalid", "at most {n:number} points", n=MOST_POINTS)
    if any(not (0.0 <= x <= 1.0 and 0.0 <= y <= 1.0) for x, y in points):
        raise Refusal("signature_invalid", "points are shares of the field, from 0 to 1")
    ink = sum(hypot(b[0] - a[0], b[1] - a[1]) for stroke in strokes for a, b in pairwise(stroke))
    if ink < LEAST_INK:
        raise Refusal("signature_invalid", "sign with a whole name")
    return [[[round(x, 3), round(y, 3)] for x, y in stroke] for stroke in strokes if stroke]
