"""What every form has in common: where a text ends, and which numbers are none."""

import re

import msgspec
import pytest
from msgspec import inspect as mi

from server.http.routes import ROUTES
from server.protocol.messages import STORABLE
from server.protocol.rest.orders import OrderForm

LOAD = {"pickup_city": 1, "drop_city": 2, "cargo": "мука", "weight_kg": 20.0, "body": "tent"}


def patterns() -> set[tuple[str, int]]:
    """(pattern, longest) of every text of every request."""
    found: set[tuple[str, int]] = set()

    def walk(seen: mi.Type) -> None:
        match seen:
            case mi.Metadata():
                walk(seen.type)
            case mi.UnionType():
                for part in seen.types:
                    walk(part)
            case mi.ListType():
                walk(seen.item_type)
            case mi.StructType():
                for field in seen.fields:
                    walk(field.type)
            case mi.StrType() if seen.pattern not in (None, STORABLE):
                found.add((str(seen.pattern), seen.max_length or 10**6))

    for route in ROUTES:
        for kind in (route.request, route.query):
            if kind is not None:
                walk(mi.type_info(kind))
    return found


@pytest.mark.parametrize(("pattern", "longest"), sorted(patterns()))
def test_no_pattern_lets_a_last_line_feed_pass(pattern: str, longest: int) -> None:
    # Python's `$` also matches before a last line feed: either the length keeps it out, or the end is said so.
    assert pattern.endswith(r"(?![\s\S])") or not _passes(pattern, longest), f"{pattern} takes a line feed"


def _passes(pattern: str, longest: int) -> bool:
    samples = ("KZ", "123456", "0123456789abcdef", "6f1b7c9e-2d3a-4b5c-8d7e-9f0a1b2c3d4e", "x" * 43)
    return any(
        re.search(pattern, text) and re.search(pattern, text + "\n") and len(text) < longest
        for text in samples
    )


@pytest.mark.parametrize("tiny", [5e-324, 1e-310, 1e-40, -1e-12])
def test_a_number_that_no_column_holds_is_none(tiny: float) -> None:
    form = msgspec.json.decode(msgspec.json.encode({**LOAD, "temp_min_c": tiny}), type=OrderForm)
    assert form.temp_min_c == 0.0


def test_a_weight_is_at_least_a_gram() -> None:
    with pytest.raises(msgspec.ValidationError, match=r"weight_kg"):
        msgspec.json.decode(msgspec.json.encode({**LOAD, "weight_kg": 5e-324}), type=OrderForm)
