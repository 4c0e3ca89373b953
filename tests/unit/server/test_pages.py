"""Cursors: what is written comes back, and nothing else is taken."""

import base64
import math

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.http.decode import BadField
from server.http.pages import Cursor, cursor_of, read_cursor
from server.protocol.messages import RowId
from server.protocol.rest.common import CursorText


class ByPrice(Cursor, frozen=True):
    per_km: float
    order: RowId


class ByName(Cursor, frozen=True):
    name: str
    order: RowId


@given(st.floats(allow_nan=False, allow_infinity=False), st.integers(1, 2**53 - 1))
def test_a_cursor_comes_back_as_it_was_and_fits_its_declared_form(per_km: float, order: int) -> None:
    text = cursor_of(ByPrice(per_km, order))
    assert msgspec.convert(text, CursorText) == text
    assert read_cursor(text, ByPrice) == ByPrice(per_km, order)


def test_long_sort_keys_fit_too() -> None:
    text = cursor_of(ByName("Ж" * 120, 1))
    assert msgspec.convert(text, CursorText) == text and read_cursor(text, ByName).name == "Ж" * 120


def text_of(value: object) -> str:
    return base64.urlsafe_b64encode(msgspec.msgpack.encode(value)).rstrip(b"=").decode()


@pytest.mark.parametrize(
    "forged",
    [
        "",
        "A",
        "not base64!",
        "AAAA\n",
        "ключ",
        cursor_of(ByName("x", 1)),  # of another order
        text_of(["ByPrice", 1.0]),
        text_of(["ByPrice", "1", 1]),
        text_of(["ByPrice", 1.0, 0]),
        text_of(["ByPrice", 1.0, 2**60]),
        text_of(["ByPrice", math.nan, 1]),
        text_of(["ByPrice", math.inf, 1]),
        text_of({"per_km": 1.0, "order": 1}),
        text_of([[[[1]]]]),
        cursor_of(ByPrice(1.0, 1)) + "AAAA",
    ],
)
def test_what_we_did_not_write_is_refused(forged: str) -> None:
    with pytest.raises(BadField) as refused:
        read_cursor(forged, ByPrice)
    assert refused.value.path == "after"


@given(st.binary(max_size=60))
def test_no_bytes_break_the_reader(raw: bytes) -> None:
    try:
        read_cursor(base64.urlsafe_b64encode(raw).decode().rstrip("="), ByPrice)
    except BadField:
        pass
