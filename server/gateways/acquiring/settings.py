"""Who takes the money: acquirers in order, their addresses and keys. The default, the sandbox, takes none."""

import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass, field

from billing.money import Currency

NAMES = ("sandbox", "cloudpayments", "stripe")
CLOUDPAYMENTS = "https://api.cloudpayments.kz"
STRIPE = "https://api.stripe.com"

VARIABLES: dict[str, str] = {
    "DESK_ENV": "production or development (default production when DESK_PUBLIC_URL is https); in production the "
    "sandbox acquirer stays off",
    "DESK_ACQUIRERS": "comma-separated: sandbox, cloudpayments, stripe; new payments go to the first, the others "
    "finish theirs; none takes no payments (default sandbox, in production none)",
    "DESK_SANDBOX_ALLOWED": "1 lets the sandbox acquirer run in production, for a demonstration: its buyers pay "
    "nothing",
    "DESK_CLOUDPAYMENTS_PUBLIC_ID": "Public ID of the site at CloudPayments",
    "DESK_CLOUDPAYMENTS_SECRET": "API Secret of that site; it signs notifications, too",
    "DESK_CLOUDPAYMENTS_URL": "another base URL than https://api.cloudpayments.kz",
    "DESK_CLOUDPAYMENTS_CURRENCIES": "comma-separated, as in the contract, the terminal's own first (default KZT)",
    "DESK_CLOUDPAYMENTS_PARALLEL": "requests at once of one worker (default 5; a test site takes 5, a live 30)",
    "DESK_STRIPE_KEY": "secret key of the account at Stripe, or a restricted one (needs the package: "
    "requirements/extras.lock)",
    "DESK_STRIPE_WEBHOOK_SECRET": "signing secret of the webhook endpoint there, whsec_...",
    "DESK_STRIPE_URL": "another base URL than https://api.stripe.com",
    "DESK_STRIPE_CURRENCIES": "comma-separated, those that are sold in through it (default USD)",
}


@dataclass(frozen=True, slots=True)
class CloudPaymentsAccount:
    """A site at CloudPayments. `currencies`: the terminal's own first."""

    public_id: str
    secret: str = field(repr=False)
    url: str = CLOUDPAYMENTS
    currencies: tuple[Currency, ...] = (Currency.KZT,)
    parallel: int = 5


@dataclass(frozen=True, slots=True)
class StripeAccount:
    """An account at Stripe."""

    key: str = field(repr=False)
    webhook_secret: str = field(repr=False)
    url: str = STRIPE
    currencies: tuple[Currency, ...] = (Currency.USD,)


@dataclass(frozen=True, slots=True)
class Acquiring:
    """What acquirers are made from. `names` in order: the first takes new payments. `test_allowed`: what an
    acquirer calls a test counts as a payment."""

    names: tuple[str, ...] = ("sandbox",)
    cloudpayments: CloudPaymentsAccount | None = None
    stripe: StripeAccount | None = None
    test_allowed: bool = True


def acquiring_of(environ: Mapping[str, str], problems: list[str], public_url: str) -> Acquiring:
    """Reads the settings; what is wrong with them is added to `problems`."""
    env = environ.get("DESK_ENV") or ("production" if public_url.startswith("https:") else "development")
    if env not in ("production", "development"):
        problems.append(f"DESK_ENV is {env!r}: give production or development")
    allowed = env == "development" or environ.get("DESK_SANDBOX_ALLOWED", "") == "1"
    names = _names(environ, problems, allowed)
    return Acquiring(
        names,
        _cloudpayments(environ, problems) if "cloudpayments" in names else None,
        _stripe(environ, problems) if "stripe" in names else None,
        allowed,
    )


def _names(environ: Mapping[str, str], problems: list[str], allowed: bool) -> tuple[str, ...]:
    wanted = tuple(part.strip() for part in environ.get("DESK_ACQUIRERS", "").split(",") if part.strip())
    if not wanted:
        return ("sandbox",) if allowed else ()
    if wanted == ("none",):
        return ()
    for name in wanted:
        if name not in NAMES:
            problems.append(f"DESK_ACQUIRERS names {name!r}: choose of {', '.join(NAMES)}, or none alone")
    if len(set(wanted)) != len(wanted):
        problems.append("DESK_ACQUIRERS names an acquirer twice")
    if "sandbox" in wanted and not allowed:
        problems.append(
            "DESK_ACQUIRERS names the sandbox, which takes no money, and this is production (DESK_ENV, or an "
            "https DESK_PUBLIC_URL): name another acquirer, or set DESK_SANDBOX_ALLOWED=1 for a demonstration"
        )
    return wanted


def _cloudpayments(environ: Mapping[str, str], problems: list[str]) -> CloudPaymentsAccount:
    def text(name: str, default: str = "") -> str:
        return environ.get(f"DESK_CLOUDPAYMENTS_{name}", "").strip() or default

    for name in ("PUBLIC_ID", "SECRET"):
        if not text(name):
            problems.append(f"DESK_ACQUIRERS names cloudpayments, which needs DESK_CLOUDPAYMENTS_{name}")
    url = _url("DESK_CLOUDPAYMENTS_URL", CLOUDPAYMENTS, environ, problems)
    currencies = _currencies("DESK_CLOUDPAYMENTS_CURRENCIES", Currency.KZT, environ, problems)
    parallel = text("PARALLEL", "5")
    if not parallel.isdigit() or not 1 <= int(parallel) <= 30:
        problems.append(f"DESK_CLOUDPAYMENTS_PARALLEL is {parallel!r}: give a whole number from 1 to 30")
        parallel = "5"
    return CloudPaymentsAccount(text("PUBLIC_ID"), text("SECRET"), url, currencies, int(parallel))


def _stripe(environ: Mapping[str, str], problems: list[str]) -> StripeAccount:
    key, secret = (environ.get(f"DESK_STRIPE_{name}", "").strip() for name in ("KEY", "WEBHOOK_SECRET"))
    if not key.startswith(("sk_", "rk_")):
        problems.append("DESK_ACQUIRERS names stripe, which needs DESK_STRIPE_KEY: sk_... or rk_...")
    if not secret.startswith("whsec_"):
        problems.append("DESK_ACQUIRERS names stripe, which needs DESK_STRIPE_WEBHOOK_SECRET: whsec_...")
    if importlib.util.find_spec("stripe") is None:
        problems.append(
            "DESK_ACQUIRERS names stripe, whose package is not installed: pip install -r requirements/extras.lock"
        )
    url = _url("DESK_STRIPE_URL", STRIPE, environ, problems)
    return StripeAccount(
        key, secret, url, _currencies("DESK_STRIPE_CURRENCIES", Currency.USD, environ, problems)
    )


def _url(name: str, default: str, environ: Mapping[str, str], problems: list[str]) -> str:
    url = (environ.get(name, "").strip() or default).rstrip("/")
    if not url.startswith(("http://", "https://")):
        problems.append(f"{name} is {url!r}: give an http or https URL")
    return url


def _currencies(
    name: str, default: Currency, environ: Mapping[str, str], problems: list[str]
) -> tuple[Currency, ...]:
    currencies = []
    for part in (environ.get(name, "").strip() or default).split(","):
        if part.strip() not in tuple(Currency):
            problems.append(f"{name} has {part!r}: choose of {', '.join(Currency)}")
        else:
            currencies.append(Currency(part.strip()))
    return tuple(currencies)
