"""Business numbers and number plates."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatch.registers import business_number, control_digit, plate, valid_bin

ELEVEN = st.text("0123456789", min_size=11, max_size=11)
FIRST = range(1, 12)
SECOND = (3, 4, 5, 6, 7, 8, 9, 10, 11, 1, 2)


def rest(eleven: str, weights: object) -> int:
    return sum(int(d) * w for d, w in zip(eleven, weights, strict=True)) % 11  # type: ignore[call-overload]


# By hand, the first: 9*1 + 9*2 + 0*3 + 3*4 + 4*5 + 5*9 + 9*10 + 7*11 = 271 = 24*11 + 7.
@pytest.mark.parametrize("number", ["990340005977", "940740000911", "020240000555", "120240021112"])
def test_numbers_of_the_public_register_are_valid(number: str) -> None:
    assert valid_bin(number)


@pytest.mark.parametrize(
    ("eleven", "digit"),
    [
        ("00000000001", 0),  # 11 * 1 = 11
        ("10000000000", 1),
        ("02000000200", 0),  # 2 * 2 + 9 * 2 = 22
        ("12345678901", 3),  # 296 = 26 * 11 + 10, so by the second weights: 377 = 34 * 11 + 3
    ],
)
def test_the_control_digit_is_the_rest_of_the_weighted_sum(eleven: str, digit: int) -> None:
    assert control_digit(eleven) == digit


def test_the_second_pass_decides_where_the_first_gives_ten() -> None:
    # Last digits 1..9 in the tenth place: 10 * d mod 11 = 11 - d, which is 10 for d = 1 only.
    assert rest("00000000010", FIRST) == 10 and rest("00000000010", SECOND) == 1
    assert valid_bin("000000000101") and not valid_bin("000000000100")


def test_numbers_for_which_both_passes_give_ten_are_never_given_out() -> None:
    skipped = [
        f"{number:011d}"
        for number in range(200_000)
        if rest(f"{number:011d}", FIRST) == 10 and rest(f"{number:011d}", SECOND) == 10
    ]
    assert skipped and all(control_digit(eleven) is None for eleven in skipped)
    assert not any(valid_bin(eleven + str(digit)) for eleven in skipped[:20] for digit in range(10))


@given(ELEVEN)
def test_at_most_one_twelfth_digit_is_right(eleven: str) -> None:
    right = [digit for digit in "0123456789" if valid_bin(eleven + digit)]
    assert right == ([] if (digit := control_digit(eleven)) is None or not int(eleven) else [str(digit)])


@given(ELEVEN, st.integers(0, 10), st.integers(1, 9))
def test_one_mistyped_digit_never_passes(eleven: str, place: int, by: int) -> None:
    digit = control_digit(eleven)
    wrong = eleven[:place] + str((int(eleven[place]) + by) % 10) + eleven[place + 1 :]
    # Modulo 11 with weights below 11 sees every single change, unless one of the two needed the second pass.
    if digit is not None and rest(eleven, FIRST) < 10 and rest(wrong, FIRST) < 10:
        # The last weight is 11 itself: the eleventh digit is the one that the rule does not see.
        assert place == 10 or not valid_bin(wrong + str(digit))


@pytest.mark.parametrize(
    "text", ["", "99034000597", "9903400059770", "990340005978", "٩٩٠٣٤٠٠٠٥٩٧٧", "000000000000", "abc"]
)
def test_what_is_no_bin_is_refused(text: str) -> None:
    assert business_number("KZ", text) is None


def test_numbers_are_kept_without_gaps() -> None:
    assert business_number("KZ", "9903 4000-5977") == "990340005977"
    assert business_number("RU", "7707 083893") == "7707083893"
    assert business_number("CN", "91110000mA01") == "91110000MA01"
    assert business_number("UZ", "12") is None and business_number("RU", "7707'; --") is None


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("123 abc 02", "123ABC02"),
        ("а 123 вс 77", "A123BC77"),  # Cyrillic
        ("京A-12345", "京A12345"),
        ("01·123·AAA", "01123AAA"),
        ("", ""),
        ("12<b>", None),
        ("A'; --", None),
    ],
)
def test_a_plate_has_one_form(typed: str, kept: str | None) -> None:
    assert plate(typed) == kept


@given(st.text(max_size=20))
def test_the_form_of_a_plate_is_its_own_form(text: str) -> None:
    word = plate(text)
    if word is not None and word.upper() == word:
        assert plate(word) == word
