"""All settings, read from the environment once, with every problem reported at once."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from dispatch.sniping import Watch
from storage.buckets import Limit
from storage.files import FileLimits

from . import signing_in
from .gateways.acquiring.settings import VARIABLES as ACQUIRING_VARIABLES
from .gateways.acquiring.settings import Acquiring, acquiring_of
from .gateways.email.settings import VARIABLES as EMAIL_VARIABLES
from .gateways.email.settings import Post, post_of
from .gateways.settings import VARIABLES as MAP_VARIABLES
from .gateways.settings import Maps, SmsBudget, maps_of
from .limits import BUCKETS, RateLimits
from .paying.bank import VARIABLES as BANK_VARIABLES
from .paying.bank import BankDetails, bank_of
from .signing_in import SigningIn

ROOT = Path(__file__).resolve().parent.parent


# Where the shells of the phone apps run their pages.
CORS_ORIGINS = ("capacitor://localhost", "https://localhost")

RATE_LIMITS = RateLimits()
WATCH = Watch()
SMS_BUDGET = SmsBudget()


class ConfigError(Exception):
    """The settings cannot be used; the message lists every problem and how to mend it."""


@dataclass(frozen=True, slots=True)
class Config:
    """What a process needs to run. Secrets are left out of its repr."""

    postgres: str = field(repr=False)
    redis: str = field(repr=False)
    signing_key: str = field(repr=False)  # Ed25519, PKCS8 PEM
    pepper: str = field(repr=False)
    host: str = "127.0.0.1"
    port: int = 8080
    worker: int = 0
    public_url: str = "http://127.0.0.1:8080"
    web_dist: Path = ROOT / "clients" / "web" / "dist"
    docs: Path = ROOT / "docs"
    files: Path = ROOT / ".desk" / "files"
    file_limits: FileLimits = field(default_factory=FileLimits)
    tick_s: float = 0.1
    confirm_s: float = 86_400.0
    log_level: str = "INFO"
    trusted_proxies: frozenset[str] = frozenset()
    seller: str = "Tracking Desk"
    vapid_private_key: str | None = field(default=None, repr=False)
    vapid_subject: str = "mailto:ops@localhost.localdomain"
    fcm_credentials: str | None = None
    fcm_url: str | None = None
    maps: Maps = field(default_factory=Maps)
    cors_origins: tuple[str, ...] = CORS_ORIGINS
    rate_limits: RateLimits = RATE_LIMITS
    signing_in: SigningIn = field(default_factory=SigningIn)
    post: Post | None = None
    webhook_allow_private: bool = False
    watch: Watch | None = WATCH
    acquiring: Acquiring = field(default_factory=Acquiring)
    notice_sms: SmsBudget = SMS_BUDGET
    bank: BankDetails = field(default_factory=BankDetails)

    @property
    def own_url(self) -> str:
        """Where a process on this machine finds this one."""
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)
        return f"http://[{host}]:{self.port}" if ":" in host else f"http://{host}:{self.port}"


# Every variable with a sentence; .env.example is tested against this table.
VARIABLES: dict[str, str] = {
    "DESK_POSTGRES": "PostgreSQL DSN, e.g. postgresql://desk:secret@127.0.0.1:5432/desk",
    "DESK_REDIS": "Redis URL, e.g. redis://:secret@127.0.0.1:6379/0",
    "DESK_SIGNING_KEY": "Ed25519 private key (PKCS8 PEM), or @path of a file with it",
    "DESK_PEPPER": "at least 32 random characters; mixes into stored codes and tokens",
    "DESK_HOST": "address to listen on (default 127.0.0.1)",
    "DESK_PORT": "port to listen on (default 8080)",
    "DESK_WORKER": "number of this worker, set by the supervisor",
    "DESK_PUBLIC_URL": "address that users open (default http://127.0.0.1:PORT); pages under another name may not "
    "call the API",
    "DESK_WEB_DIST": "folder of the built web app (default clients/web/dist)",
    "DESK_DOCS": "folder with openapi.json and asyncapi.json (default docs)",
    "DESK_FILES": "folder of uploads and exports, served by nothing else (default .desk/files)",
    "DESK_FILES_QUOTA_MB": "megabytes of uploads a user may keep (default 200)",
    "DESK_TICK_MS": "milliseconds between map frames (default 100)",
    "DESK_CONFIRM_HOURS": "hours after which a shipper must confirm an open load (default 24)",
    "DESK_LOG_LEVEL": "DEBUG, INFO, WARNING or ERROR (default INFO)",
    "DESK_TRUSTED_PROXIES": "comma-separated addresses whose X-Forwarded-For is believed (default none)",
    "DESK_CORS_ORIGINS": "comma-separated origins of other pages that may call the API, beside DESK_PUBLIC_URL "
    "(default those of the phone apps: capacitor://localhost,https://localhost)",
    "DESK_RATE_LIMITS": "requests a second and at once, by class (default read=20/120, write=10/60, heavy=1/20, "
    "anonymous=10/100), e.g. read=50/300,anonymous=2/20",
    "DESK_WEBHOOK_ALLOW_PRIVATE": "1 lets companies' webhooks lead to private addresses and use http: for an ERP "
    "on your own network, never on a public desk",
    "DESK_WATCH_HABITS": "on or off: pauses for accepts faster than a person reads, for scrapers and the like "
    "(default on; off for load tests)",
    "DESK_SELLER": "who sells subscriptions, as it stands on receipts: legal name and BIN (default Tracking Desk)",
    "DESK_VAPID_PRIVATE_KEY": "base64url P-256 key for Web Push; without it Web Push is off",
    "DESK_VAPID_SUBJECT": "mailto: or https: contact given to push services",
    "DESK_FCM_CREDENTIALS": "path of a Firebase service account file; without it FCM is off",
    "DESK_FCM_URL": "another base URL than Firebase's, for tests",
    "DESK_NOTICE_SMS_DAILY_BUDGET": "SMS a day for events that must be heard, all users together; 0 sends none "
    f"(default {SMS_BUDGET.all_together}, three a user; one-time codes have a budget of their own)",
    **MAP_VARIABLES,
    **signing_in.VARIABLES,
    **ACQUIRING_VARIABLES,
    **EMAIL_VARIABLES,
    **BANK_VARIABLES,
}
SAMPLES = ("change-me", "changeme", "secret", "sample", "example", "password")


def load(environ: Mapping[str, str]) -> Config:
    """Reads the settings; raises ConfigError with all problems in one message."""
    problems: list[str] = []

    def need(name: str) -> str:
        value = environ.get(name, "").strip()
        if not value:
            problems.append(f"{name} is missing: {VARIABLES[name]}")
        return value

    def number(name: str, default: int, low: int, high: int) -> int:
        text = environ.get(name, "")
        if not text:
            return default
        if not text.isdigit() or not low <= int(text) <= high:
            problems.append(f"{name} is {text!r}: give a whole number from {low} to {high}")
            return default
        return int(text)

    signing_key = need("DESK_SIGNING_KEY")
    if signing_key.startswith("@"):
        path = Path(signing_key[1:])
        if path.is_file():
            signing_key = path.read_text()
        else:
            problems.append(f"DESK_SIGNING_KEY names {path}, which is not a file")
    if signing_key and "PRIVATE KEY" not in signing_key and not problems:
        problems.append("DESK_SIGNING_KEY is not a PEM private key")
    pepper = need("DESK_PEPPER")
    if pepper and (len(pepper) < 32 or any(sample in pepper.lower() for sample in SAMPLES)):
        problems.append("DESK_PEPPER is too short or a sample: give 32 random characters or more")
    level = environ.get("DESK_LOG_LEVEL", "INFO").upper()
    if level not in ("DEBUG", "INFO", "WARNING", "ERROR"):
        problems.append(f"DESK_LOG_LEVEL is {level!r}: give DEBUG, INFO, WARNING or ERROR")
    port = number("DESK_PORT", 8080, 1, 65535)
    public_url = (environ.get("DESK_PUBLIC_URL") or f"http://127.0.0.1:{port}").rstrip("/")
    habits = environ.get("DESK_WATCH_HABITS") or "on"
    if habits not in ("on", "off"):
        problems.append(f"DESK_WATCH_HABITS is {habits!r}: give on or off")
    loaded = Config(
        postgres=need("DESK_POSTGRES"),
        redis=need("DESK_REDIS"),
        signing_key=signing_key,
        pepper=pepper,
        host=environ.get("DESK_HOST") or "127.0.0.1",
        port=port,
        worker=number("DESK_WORKER", 0, 0, 1023),
        public_url=public_url,
        web_dist=Path(environ.get("DESK_WEB_DIST") or ROOT / "clients" / "web" / "dist"),
        docs=Path(environ.get("DESK_DOCS") or ROOT / "docs"),
        confirm_s=number("DESK_CONFIRM_HOURS", 24, 1, 24 * 14) * 3600.0,
        files=Path(environ.get("DESK_FILES") or ROOT / ".desk" / "files"),
        file_limits=FileLimits(bytes_a_user=number("DESK_FILES_QUOTA_MB", 200, 1, 1_000_000) * 1_000_000),
        tick_s=number("DESK_TICK_MS", 100, 10, 5000) / 1000,
        log_level=level,
        trusted_proxies=frozenset(
            part.strip() for part in environ.get("DESK_TRUSTED_PROXIES", "").split(",") if part.strip()
        ),
        seller=environ.get("DESK_SELLER", "").strip() or "Tracking Desk",
        vapid_private_key=environ.get("DESK_VAPID_PRIVATE_KEY") or None,
        vapid_subject=environ.get("DESK_VAPID_SUBJECT") or "mailto:ops@localhost.localdomain",
        fcm_credentials=environ.get("DESK_FCM_CREDENTIALS") or None,
        fcm_url=environ.get("DESK_FCM_URL") or None,
        maps=maps_of(environ, problems),
        cors_origins=_origins(environ.get("DESK_CORS_ORIGINS", ""), problems),
        webhook_allow_private=environ.get("DESK_WEBHOOK_ALLOW_PRIVATE", "") == "1",
        rate_limits=_rate_limits(environ.get("DESK_RATE_LIMITS", ""), problems),
        signing_in=signing_in.load(environ, problems, number, public_url),
        post=post_of(environ, problems),
        watch=None if habits == "off" else WATCH,
        acquiring=acquiring_of(environ, problems, public_url),
        notice_sms=SmsBudget(
            all_together=number("DESK_NOTICE_SMS_DAILY_BUDGET", SMS_BUDGET.all_together, 0, 1_000_000)
        ),
        bank=bank_of(environ, problems),
    )
    if problems:
        raise ConfigError("The settings cannot be used:\n- " + "\n- ".join(problems))
    return loaded


def _origins(text: str, problems: list[str]) -> tuple[str, ...]:
    listed = tuple(part.strip() for part in text.split(",") if part.strip())
    for origin in listed:
        parts = urlsplit(origin)
        if origin != f"{parts.scheme}://{parts.netloc}".lower() or not parts.netloc or "*" in origin:
            problems.append(
                f"DESK_CORS_ORIGINS has {origin!r}: give whole origins like https://desk.example.org"
            )
    return listed or CORS_ORIGINS


def _rate_limits(text: str, problems: list[str]) -> RateLimits:
    given: dict[str, Limit] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        match = re.fullmatch(r"(\w+)=(\d{1,6}(?:\.\d{1,3})?)/(\d{1,6})", part)
        if not match or match[1] not in BUCKETS or not float(match[2]) or not int(match[3]):
            problems.append(
                f"DESK_RATE_LIMITS has {part!r}: give class=rate/burst, of {', '.join(sorted(BUCKETS))}"
            )
        else:
            given[match[1]] = Limit(float(match[2]), int(match[3]))
    return RATE_LIMITS._replace(**given)
