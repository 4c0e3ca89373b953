"""What is sealed opens in its own place only, and never breaks whoever tries."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.seal import Seal, Unsealable

SEAL = Seal("p" * 40, "a purpose")


@given(st.binary(max_size=200), st.text(max_size=20))
def test_what_was_sealed_opens_in_its_context(plain: bytes, context: str) -> None:
    sealed = SEAL.seal(plain, context)
    assert SEAL.open(sealed, context) == plain
    assert sealed != SEAL.seal(plain, context), "a nonce each time"
    for stranger, place in (
        (SEAL, context + "x"),
        (Seal("q" * 40, "a purpose"), context),
        (Seal("p" * 40, "another purpose"), context),
    ):
        with pytest.raises(Unsealable):
            stranger.open(sealed, place)


@given(st.binary(max_size=60))
def test_any_other_bytes_are_refused_in_one_way(raw: bytes) -> None:
    with pytest.raises(Unsealable):
        SEAL.open(raw, "context")
