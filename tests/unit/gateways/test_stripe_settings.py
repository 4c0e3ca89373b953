"""Settings of Stripe: whatever would fail with the first payment stops the start."""

import importlib.util

import pytest

from billing.money import Currency
from server.gateways.acquiring.settings import STRIPE, Acquiring, StripeAccount, acquiring_of

GOOD = {"DESK_ACQUIRERS": "stripe", "DESK_STRIPE_KEY": "sk_test_x", "DESK_STRIPE_WEBHOOK_SECRET": "whsec_x"}


def read(**changes: str) -> tuple[Acquiring, list[str]]:
    problems: list[str] = []
    return acquiring_of({**GOOD, **changes}, problems, "https://desk.example"), problems


def test_a_key_and_a_secret_are_enough() -> None:
    settings, problems = read()
    assert problems == [] and settings.names == ("stripe",)
    assert settings.stripe == StripeAccount("sk_test_x", "whsec_x", STRIPE, (Currency.USD,))
    assert "sk_test_x" not in repr(settings) and "whsec_x" not in repr(settings)


def test_currencies_and_address_may_be_said() -> None:
    settings, problems = read(DESK_STRIPE_URL="http://127.0.0.1:1/", DESK_STRIPE_CURRENCIES="KZT, CNY")
    assert problems == [] and settings.stripe is not None
    assert (settings.stripe.url, settings.stripe.currencies) == (
        "http://127.0.0.1:1",
        (Currency.KZT, Currency.CNY),
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DESK_STRIPE_KEY", ""),
        ("DESK_STRIPE_KEY", "pk_test_x"),  # the publishable one
        ("DESK_STRIPE_WEBHOOK_SECRET", ""),
        ("DESK_STRIPE_URL", "api.stripe.com"),
        ("DESK_STRIPE_CURRENCIES", "USD,EUR"),
    ],
)
def test_what_cannot_be_used_is_named(name: str, value: str) -> None:
    _, problems = read(**{name: value})
    assert len(problems) == 1 and name in problems[0]


def test_without_its_package_the_desk_does_not_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    _, problems = read()
    assert len(problems) == 1 and "extras.lock" in problems[0]


def test_unnamed_its_settings_are_not_read() -> None:
    settings, problems = read(DESK_ACQUIRERS="none", DESK_STRIPE_KEY="nonsense")
    assert (settings.stripe, problems) == (None, [])
