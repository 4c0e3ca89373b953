"""Numbers that states give out, brought to one form: business numbers and number plates. Pure."""

HOME = "KZ"
_FIRST = (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11)
_SECOND = (3, 4, 5, 6, 7, 8, 9, 10, 11, 1, 2)
# Plates of the neighbours use only Cyrillic letters that have a Latin twin, and people type either.
_TWINS = str.maketrans("АВЕКМНОРСТУХІ", "ABEKMHOPCTYXI")
_GAPS = str.maketrans("", "", " \t-–—.·_/")


def control_digit(first_eleven: str) -> int | None:
    """The twelfth digit of a BIN or IIN; None for eleven digits that are never given out.

    The sum weighted 1..11 modulo 11; when that is 10, once more with the weights turned by two; 10 again
    means that the number is skipped.
    """
    for weights in (_FIRST, _SECOND):
        rest = sum(int(digit) * weight for digit, weight in zip(first_eleven, weights, strict=True)) % 11
        if rest < 10:
            return rest
    return None


def valid_bin(text: str) -> bool:
    """Whether these are the twelve digits of a Kazakhstan BIN (or IIN, which a sole trader uses)."""
    digits = text.isascii() and text.isdigit() and len(text) == 12
    return digits and int(text) != 0 and control_digit(text[:11]) == int(text[11])


def business_number(country: str, text: str) -> str | None:
    """A company's number without gaps, or None when the country does not give out such a number."""
    number = text.upper().translate(_GAPS)
    if country == HOME:
        return number if valid_bin(number) else None
    return number if number.isascii() and number.isalnum() and 5 <= len(number) <= 20 else None


def plate(text: str) -> str | None:
    """A number plate as one word of capital letters and digits; None when other signs are in it."""
    word = text.upper().translate(_GAPS).translate(_TWINS)
    return word if not word or word.isalnum() else None
