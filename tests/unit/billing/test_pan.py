"""Control C50: card numbers are found in whatever form, and blackened."""

import pytest

from billing.pan import blackened, luhn, numbers_in

CARDS = [
    b"4242424242424242",
    b"4242 4242 4242 4242",
    b"4012-8888-8888-1881",
    b"5555555555554444",
    b"378282246310005",
    b"2223003122003222",
    b"6011111111111117",
]


@pytest.mark.parametrize("number", CARDS)
def test_a_card_number_is_found_and_blackened(number: bytes) -> None:
    text = b"Name=IVAN&Number=" + number + b"&x=1"
    assert numbers_in(text) == [number]
    assert number not in blackened(text)
    assert len(blackened(text)) == len(text)
    assert numbers_in(blackened(text)) == []


@pytest.mark.parametrize(
    "text",
    [
        b"4242424242424241",  # no check digit
        b"CardFirstSix=424242&CardLastFour=4242",
        b"TransactionId=891463508&InvoiceId=1234567",
        b"token_4242424242424242abc",
        b"424242******4242",
    ],
)
def test_what_is_no_card_number_stays(text: bytes) -> None:
    assert numbers_in(text) == []
    assert blackened(text) == text


def test_the_check_digit_is_that_of_the_standard() -> None:
    assert luhn(b"79927398713") and not luhn(b"79927398710")
