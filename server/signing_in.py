"""The settings of signing in: SMS gateways and their limits, Google and Apple. A part of config.py."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

# Kazakhstan and Russia; Armenia, Azerbaijan, Belarus, Kyrgyzstan, Moldova, Tajikistan, Turkmenistan, Uzbekistan;
# China. Where fleets and shippers of this trade are; SMS to anywhere else is how strangers earn by our money.
PREFIXES = ("+7", "+374", "+994", "+375", "+996", "+373", "+992", "+993", "+998", "+86")
BUDGET = 2000  # SMS a day
MAX_HOST = 48  # characters; the last line of an SMS names the host, and 70 hold it and the code

VARIABLES: dict[str, str] = {
    "DESK_SMS_GATEWAYS": "mobizon, smsc or both, in the order to try; without it codes appear in the log",
    "DESK_SMS_PREFIXES": f"dial prefixes that codes are sent to (default {','.join(PREFIXES)})",
    "DESK_SMS_DAILY_BUDGET": f"SMS a day, all numbers together (default {BUDGET})",
    "DESK_OTP_PER_ADDRESS_HOUR": "codes an hour from one address, an IPv4 or an IPv6 /64 (default 30)",
    "DESK_OTP_PER_NETWORK_HOUR": "codes an hour from one network, a /24 or an IPv6 /48 (default 200)",
    "DESK_REVIEW_NUMBERS": "numbers of app reviewers with fixed codes, +77000000001=123456, comma-separated",
    "DESK_MOBIZON_KEY": "API key of Mobizon",
    "DESK_MOBIZON_SENDER": "sender name registered with Mobizon (default: theirs)",
    "DESK_MOBIZON_URL": "base URL of Mobizon (default https://api.mobizon.kz)",
    "DESK_SMSC_LOGIN": "login at SMSC",
    "DESK_SMSC_PASSWORD": "password at SMSC, or the API password made there",
    "DESK_SMSC_SENDER": "sender name registered with SMSC (default: theirs)",
    "DESK_SMSC_URL": "base URL of SMSC (default https://smsc.kz)",
    "DESK_GOOGLE_CLIENT_IDS": "Google OAuth client ids, comma-separated, that of the web page first",
    "DESK_GOOGLE_CLIENT_SECRET": "client secret of the web page's Google client id",
    "DESK_GOOGLE_ISSUER": "issuer to trust for Google (default https://accounts.google.com)",
    "DESK_APPLE_SERVICES_ID": "Apple Services ID, for the web page",
    "DESK_APPLE_BUNDLE_ID": "bundle id of the iOS app",
    "DESK_APPLE_TEAM_ID": "Apple Team ID",
    "DESK_APPLE_KEY_ID": "id of the key for Sign in with Apple",
    "DESK_APPLE_KEY": "that key (PKCS8 PEM, ES256), or @path of a file with it",
    "DESK_APPLE_ISSUER": "issuer to trust for Apple (default https://appleid.apple.com)",
}


@dataclass(frozen=True, slots=True)
class OtpLimits:
    """How many one-time codes may be asked for. `daily_budget` is None where codes cost nothing."""

    per_number_hour: int = 5
    per_number_day: int = 10
    per_address_hour: int = 30
    per_network_hour: int = 200
    daily_budget: int | None = None


@dataclass(frozen=True, slots=True)
class Account:
    """Ours with an SMS provider. `login` is empty where a key alone opens it."""

    url: str
    login: str = ""
    secret: str = field(default="", repr=False)
    sender: str | None = None


@dataclass(frozen=True, slots=True)
class Sms:
    """Which providers carry codes, in order of trying, and where to."""

    gateways: tuple[tuple[str, Account], ...] = ()
    prefixes: tuple[str, ...] = PREFIXES
    fixed: Mapping[str, str] = field(default_factory=dict, repr=False)  # reviewers' numbers and codes


@dataclass(frozen=True, slots=True)
class GoogleIds:
    """Our registrations with Google. The first client id is the web page's."""

    issuer: str
    clients: tuple[str, ...]
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class AppleIds:
    """Our registrations with Apple: the web page's Services ID, the app's bundle id, and the key that signs."""

    issuer: str
    services_id: str
    bundle_id: str
    team: str
    key_id: str
    key: str = field(repr=False)  # PEM


@dataclass(frozen=True, slots=True)
class SigningIn:
    """All of it."""

    otp: OtpLimits = OtpLimits()
    sms: Sms = field(default_factory=Sms)
    google: GoogleIds | None = None
    apple: AppleIds | None = None


Number = Callable[[str, int, int, int], int]


def load(environ: Mapping[str, str], problems: list[str], number: Number, public_url: str) -> SigningIn:
    """Reads the settings of signing in; what is wrong with them joins `problems`."""

    def text(name: str) -> str:
        return environ.get(name, "").strip()

    def needed(name: str, why: str) -> str:
        if not text(name):
            problems.append(f"{name} is missing: {VARIABLES[name]} ({why})")
        return text(name)

    def url(name: str, default: str) -> str:
        given = (text(name) or default).rstrip("/")
        parts = urlsplit(given)
        local = parts.hostname in ("127.0.0.1", "::1", "localhost")
        if parts.hostname is None or not (parts.scheme == "https" or (parts.scheme == "http" and local)):
            problems.append(f"{name} is {given!r}: give an https address")
        return given

    gateways = _listed(text("DESK_SMS_GATEWAYS"))
    accounts: list[tuple[str, Account]] = []
    for name in gateways:
        why = f"DESK_SMS_GATEWAYS names {name}"
        if name == "mobizon":
            key = needed("DESK_MOBIZON_KEY", why)
            base = url("DESK_MOBIZON_URL", "https://api.mobizon.kz")
            accounts.append((name, Account(base, "", key, text("DESK_MOBIZON_SENDER") or None)))
        elif name == "smsc":
            login, password = needed("DESK_SMSC_LOGIN", why), needed("DESK_SMSC_PASSWORD", why)
            base = url("DESK_SMSC_URL", "https://smsc.kz")
            accounts.append((name, Account(base, login, password, text("DESK_SMSC_SENDER") or None)))
        else:
            problems.append(f"DESK_SMS_GATEWAYS names {name!r}: give mobizon, smsc or both")
    if accounts and len(urlsplit(public_url).hostname or "") > MAX_HOST:
        problems.append(
            f"DESK_PUBLIC_URL has a host of more than {MAX_HOST} characters: a code and it fill an SMS"
        )
    prefixes = tuple(_listed(text("DESK_SMS_PREFIXES"))) or PREFIXES
    for prefix in prefixes:
        if not re.fullmatch(r"\+[1-9][0-9]{0,6}", prefix):
            problems.append(f"DESK_SMS_PREFIXES holds {prefix!r}: give prefixes such as +7 or +998")
    budget = number("DESK_SMS_DAILY_BUDGET", BUDGET, 1, 10_000_000)
    limits = OtpLimits(
        per_address_hour=number("DESK_OTP_PER_ADDRESS_HOUR", 30, 1, 100_000),
        per_network_hour=number("DESK_OTP_PER_NETWORK_HOUR", 200, 1, 1_000_000),
        daily_budget=budget if accounts else None,
    )
    sms = Sms(tuple(accounts), prefixes, _fixed(text("DESK_REVIEW_NUMBERS"), problems))
    apple = None
    if any(text(name) for name in VARIABLES if name.startswith("DESK_APPLE_")):
        why = "Apple sign-in needs all of it"
        apple = AppleIds(
            url("DESK_APPLE_ISSUER", "https://appleid.apple.com"),
            needed("DESK_APPLE_SERVICES_ID", why),
            needed("DESK_APPLE_BUNDLE_ID", why),
            needed("DESK_APPLE_TEAM_ID", why),
            needed("DESK_APPLE_KEY_ID", why),
            _pem(needed("DESK_APPLE_KEY", why), problems),
        )
    google = None
    if clients := tuple(_listed(text("DESK_GOOGLE_CLIENT_IDS"))):
        secret = needed("DESK_GOOGLE_CLIENT_SECRET", "the web page's sign-in by Google")
        google = GoogleIds(url("DESK_GOOGLE_ISSUER", "https://accounts.google.com"), clients, secret)
        if apple is None:
            problems.append(
                "DESK_GOOGLE_CLIENT_IDS is set and Apple is not: the App Store wants both or none"
            )
    return SigningIn(limits, sms, google, apple)


def _listed(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _fixed(text: str, problems: list[str]) -> dict[str, str]:
    found = {}
    for part in _listed(text):
        number, _, code = part.partition("=")
        number, code = number.strip(), code.strip()
        if not re.fullmatch(r"\+[1-9][0-9]{7,14}", number) or not re.fullmatch("[0-9]{6}", code):
            # The code is a secret of sorts: it is not repeated.
            problems.append(f"DESK_REVIEW_NUMBERS holds {number!r}: give entries such as +77000000001=123456")
        found[number] = code
    return found


def _pem(given: str, problems: list[str]) -> str:
    if given.startswith("@"):
        path = Path(given[1:])
        if not path.is_file():
            problems.append(f"DESK_APPLE_KEY names {path}, which is not a file")
            return ""
        given = path.read_text()
    if given and "PRIVATE KEY" not in given:
        problems.append("DESK_APPLE_KEY is not a PEM private key")
    return given
