"""Who takes the money: the sandbox by default, and never by an oversight in production."""

import pytest

from billing.money import Currency
from server.config import ConfigError, load
from server.gateways.acquiring.settings import CLOUDPAYMENTS, Acquiring

from .test_config import GOOD

CLOUD = {
    "DESK_ACQUIRERS": "cloudpayments",
    "DESK_CLOUDPAYMENTS_PUBLIC_ID": "pk_1",
    "DESK_CLOUDPAYMENTS_SECRET": "not-a-real-one",
}
HTTPS = {"DESK_PUBLIC_URL": "https://desk.example.kz"}


def acquiring(**environ: str) -> Acquiring:
    return load({**GOOD, **environ}).acquiring


def test_the_sandbox_takes_payments_where_nothing_is_set() -> None:
    assert acquiring().names == ("sandbox",)


@pytest.mark.parametrize("production", [HTTPS, {"DESK_ENV": "production"}])
def test_in_production_nobody_does_until_somebody_is_named(production: dict[str, str]) -> None:
    assert acquiring(**production).names == ()
    assert acquiring(**production, **CLOUD).names == ("cloudpayments",)


@pytest.mark.parametrize("production", [HTTPS, {"DESK_ENV": "production"}])
@pytest.mark.parametrize("names", ["sandbox", "cloudpayments,sandbox"])
def test_in_production_the_sandbox_starts_only_when_it_is_allowed_by_name(
    production: dict[str, str], names: str
) -> None:
    with pytest.raises(ConfigError, match="DESK_SANDBOX_ALLOWED"):
        acquiring(**{**CLOUD, **production, "DESK_ACQUIRERS": names})
    allowed = acquiring(**{**CLOUD, **production, "DESK_ACQUIRERS": names, "DESK_SANDBOX_ALLOWED": "1"})
    assert "sandbox" in allowed.names


def test_an_https_address_of_a_test_house_says_so() -> None:
    assert acquiring(**HTTPS, DESK_ENV="development").names == ("sandbox",)


def test_the_order_says_who_takes_new_payments() -> None:
    assert acquiring(**{**CLOUD, "DESK_ACQUIRERS": " cloudpayments , sandbox"}).names == (
        "cloudpayments",
        "sandbox",
    )
    assert acquiring(DESK_ACQUIRERS="none").names == ()


def test_an_account_at_cloudpayments_is_read_whole() -> None:
    account = acquiring(
        **CLOUD,
        DESK_CLOUDPAYMENTS_URL="https://api.cloudpayments.ru/",
        DESK_CLOUDPAYMENTS_CURRENCIES="RUB, KZT",
        DESK_CLOUDPAYMENTS_PARALLEL="30",
    ).cloudpayments
    assert account is not None and account.public_id == "pk_1" and account.secret == "not-a-real-one"
    assert account.url == "https://api.cloudpayments.ru" and account.parallel == 30
    assert account.currencies == (Currency.RUB, Currency.KZT)
    usual = acquiring(**CLOUD).cloudpayments
    assert usual is not None and (usual.url, usual.currencies, usual.parallel) == (
        CLOUDPAYMENTS,
        (Currency.KZT,),
        5,
    )


def test_the_secret_is_in_no_repr() -> None:
    assert "not-a-real-one" not in repr(load({**GOOD, **CLOUD}))


@pytest.mark.parametrize(
    ("environ", "told"),
    [
        ({"DESK_ENV": "live"}, "DESK_ENV"),
        ({"DESK_ACQUIRERS": "kaspi"}, "'kaspi'"),
        ({"DESK_ACQUIRERS": "sandbox,none"}, "'none'"),
        ({"DESK_ACQUIRERS": "sandbox,sandbox"}, "twice"),
        ({"DESK_ACQUIRERS": "cloudpayments"}, "DESK_CLOUDPAYMENTS_PUBLIC_ID"),
        ({"DESK_ACQUIRERS": "cloudpayments"}, "DESK_CLOUDPAYMENTS_SECRET"),
        ({**CLOUD, "DESK_CLOUDPAYMENTS_URL": "api.cloudpayments.kz"}, "DESK_CLOUDPAYMENTS_URL"),
        ({**CLOUD, "DESK_CLOUDPAYMENTS_CURRENCIES": "KZT,EUR"}, "'EUR'"),
        ({**CLOUD, "DESK_CLOUDPAYMENTS_PARALLEL": "0"}, "DESK_CLOUDPAYMENTS_PARALLEL"),
        ({**CLOUD, "DESK_CLOUDPAYMENTS_PARALLEL": "many"}, "DESK_CLOUDPAYMENTS_PARALLEL"),
    ],
)
def test_what_cannot_be_is_told_by_its_name(environ: dict[str, str], told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        acquiring(**environ)


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("0.0.0.0", "http://127.0.0.1:8080"),
        ("127.0.0.1", "http://127.0.0.1:8080"),
        ("10.0.0.5", "http://10.0.0.5:8080"),
        ("::", "http://[::1]:8080"),
        ("::1", "http://[::1]:8080"),
    ],
)
def test_a_desk_knows_where_it_listens_itself(host: str, url: str) -> None:
    assert load({**GOOD, "DESK_HOST": host}).own_url == url
