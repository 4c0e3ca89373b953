"""What a log keeps of a stranger: a wide network and a kind of browser, whatever they send."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.http.peer import wide_network_of
from server.sharing.agents import family


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.77", "203.0.113.0/24"),
        ("::ffff:203.0.113.77", "203.0.113.0/24"),
        ("2001:db8:1234:5678::1", "2001:db8:1234::/48"),
        ("", "unknown"),
        ("unix:", "unknown"),
    ],
)
def test_an_address_is_kept_as_its_network(address: str, network: str) -> None:
    assert wide_network_of(address) == network


@pytest.mark.parametrize(
    ("agent", "kind"),
    [
        ("Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/140.0.0.0 Safari/537.36", "chrome"),
        ("Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/140.0.0.0 Safari/537.36 Edg/140.0", "edge"),
        ("Mozilla/5.0 (Linux) AppleWebKit/537.36 Chrome/140.0 YaBrowser/25.8 Safari/537.36", "yandex"),
        ("Mozilla/5.0 (iPhone) AppleWebKit/605.1.15 Version/18.0 Mobile/15E148 Safari/604.1", "safari"),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0", "firefox"),
        ("TelegramBot (like TwitterBot)", "telegram"),
        ("Googlebot/2.1", "bot"),
        ("", "other"),
    ],
)
def test_a_browser_is_kept_as_its_kind(agent: str, kind: str) -> None:
    assert family(agent) == kind


@given(st.text(max_size=2_000))
def test_whatever_a_stranger_says_of_himself_fits_and_is_a_word_of_ours(agent: str) -> None:
    assert family(agent).isalpha() and len(family(agent)) <= 16
    assert len(wide_network_of(agent)) <= 45
