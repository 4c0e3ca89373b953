"""Phone numbers as people in Kazakhstan write them."""

import pytest

from dispatch.errors import Refusal
from server.gateways.texting import masked
from server.http.identity import network_of
from server.phone import dialled, e164, reachable
from server.provision import Wanted, phones
from server.signing_in import PREFIXES
from storage.otp import wide


@pytest.mark.parametrize(
    "text",
    [
        "+7 701 123-45-67",
        "8 701 123 45 67",
        "8(701)1234567",
        "87011234567",
        "77011234567",
        "7 701 123 45 67",
        "701 123 45 67",
        "7011234567",
        " +77011234567 ",
    ],
)
def test_every_usual_form_of_a_kazakhstan_number_is_the_same_number(text: str) -> None:
    assert e164(text) == "+77011234567"


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("+7 912 345-67-89", "+79123456789"),
        ("8 912 345 67 89", "+79123456789"),
        ("+86 138 0013 8000", "+8613800138000"),
        ("+86-13800138000", "+8613800138000"),
        ("+998901234567",) * 2,
        ("+998 (90) 123-45-67", "+998901234567"),
        ("+996 700 123 456", "+996700123456"),
        ("+375 29 123-45-67", "+375291234567"),
        ("+992 917 12 3456", "+992917123456"),
    ],
)
def test_numbers_of_the_neighbours_are_taken_with_their_country_code(text: str, number: str) -> None:
    assert e164(text) == number


@pytest.mark.parametrize(
    "text",
    [
        "",
        "12345",
        "+7701",
        "call me",
        "+7 701 123 45 67 8",
        "+77011234567 ext. 5",
        "+1 900 555 0199",
        "\x00",
        "+" * 32,
        "+7 7172 55 12 34",  # a fixed line in Astana
        "+7 495 123-45-67",  # and one in Moscow
        "+86 10 6552 9988",  # and one in Beijing
        "8 800 080 00 00",
        "112",
    ],
)
def test_what_no_sms_can_reach_is_refused(text: str) -> None:
    with pytest.raises(Refusal) as refused:
        e164(text)
    assert refused.value.code == "phone_invalid"


def test_codes_go_to_the_countries_of_the_trade_unless_told_otherwise() -> None:
    for number in ("8 701 123 45 67", "+79123456789", "+8613800138000", "+998901234567"):
        assert reachable(number, PREFIXES) == e164(number)
    for number in ("+1 201 555 0123", "+44 7400 123456", "+62 812 3456 789"):
        assert e164(number)
        with pytest.raises(Refusal) as refused:
            reachable(number, PREFIXES)
        assert refused.value.code == "phone_country"
    assert reachable("+44 7400 123456", ("+44",)) == "+447400123456"


def test_provisioned_numbers_are_numbers_that_people_could_sign_in_with() -> None:
    for role in ("driver", "shipper", "admin"):
        for phone in phones(Wanted().prefix, role, 3):
            assert e164(phone) == phone


def test_a_masked_number_hides_its_middle() -> None:
    assert masked("+77011234567") == "+7701***4567"
    assert masked("+7701123") == "***"


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("127.0.0.1", "127.0.0.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("2001:db8:1:2:ffff::", "2001:db8:1:2::"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("", ""),
    ],
)
def test_limits_count_an_address_or_a_whole_ipv6_subscriber(address: str, network: str) -> None:
    assert network_of(address) == network


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.7", "192.0.2.0/24"),
        ("2001:db8:1:2::", "2001:db8:1::/48"),
        ("", ""),
        ("nonsense", "nonsense"),
    ],
)
def test_the_wider_limit_counts_a_24_or_a_48(address: str, network: str) -> None:
    assert wide(address) == network


def test_somebody_can_be_called_at_a_fixed_number_too_but_not_at_half_of_one() -> None:
    assert dialled("8 (727) 250-00-00") == "+77272500000" and dialled("8 701 123 45 67") == "+77011234567"
    for text in ("", "12", "+7 727 250 00 00 ext. 5", "+7 701 123 45"):
        with pytest.raises(Refusal, match="phone_invalid"):
            dialled(text)
