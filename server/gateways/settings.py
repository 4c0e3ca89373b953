"""Whose maps are asked: providers in order, their addresses and keys. Defaults need nobody. What SMS may cost."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

DAY = 86_400.0
GOOGLE_ROUTES = "https://routes.googleapis.com"
GOOGLE_MAPS = "https://maps.googleapis.com"
ROUTES = ("valhalla", "osrm", "google", "google-legacy", "embedded")
GEOCODERS = ("nominatim", "google", "embedded")
MOST_DAYS = 30  # Google's terms

VARIABLES: dict[str, str] = {
    "DESK_ROUTE_PROVIDERS": "comma-separated, in order: valhalla, osrm, google, google-legacy, embedded (default)",
    "DESK_ROUTE_BUDGET_MS": "milliseconds for all providers of one route together (default 2500)",
    "DESK_GEOCODERS": "comma-separated, in order: nominatim, google, embedded (default)",
    "DESK_GOOGLE_MAPS_KEY": "key of Google Maps Platform",
    "DESK_GOOGLE_ROUTES_URL": "another base URL than https://routes.googleapis.com",
    "DESK_GOOGLE_MAPS_URL": "another base URL than https://maps.googleapis.com (legacy routes, geocoding)",
    "DESK_GOOGLE_CACHE_DAYS": "days that Google's answers are kept, at most 30; 0 keeps none (default 1)",
    "DESK_GOOGLE_TRAFFIC": "1 asks Google for traffic at departure, at its higher rate (default 0)",
    "DESK_OSRM_URL": "base URL of an OSRM server, e.g. http://127.0.0.1:5000",
    "DESK_VALHALLA_URL": "base URL of a Valhalla server, e.g. http://127.0.0.1:8002",
    "DESK_NOMINATIM_URL": "base URL of a Nominatim server, e.g. http://127.0.0.1:8088",
}


class SmsBudget(NamedTuple):
    """SMS a day (UTC): to one user, and to all together."""

    a_user: int = 3
    all_together: int = 500


@dataclass(frozen=True, slots=True)
class Maps:
    """What chains of map services are made from; seconds."""

    routes: tuple[str, ...] = ("embedded",)
    geocoders: tuple[str, ...] = ("embedded",)
    google_key: str = field(default="", repr=False)
    google_routes_url: str = GOOGLE_ROUTES
    google_maps_url: str = GOOGLE_MAPS
    google_keep_s: float = DAY
    google_traffic: bool = False
    osrm_url: str = ""
    valhalla_url: str = ""
    nominatim_url: str = field(default="", repr=False)  # hosted ones carry a key in it
    own_keep_s: float = 7 * DAY  # of what we host ourselves: no terms, but maps are updated
    budget_s: float = 2.5


def maps_of(environ: Mapping[str, str], problems: list[str]) -> Maps:
    """Reads the settings; what is wrong with them is added to `problems`."""
    needs = {
        "valhalla": "DESK_VALHALLA_URL",
        "osrm": "DESK_OSRM_URL",
        "nominatim": "DESK_NOMINATIM_URL",
        "google": "DESK_GOOGLE_MAPS_KEY",
        "google-legacy": "DESK_GOOGLE_MAPS_KEY",
    }

    def order(name: str, known: tuple[str, ...]) -> tuple[str, ...]:
        wanted = tuple(part.strip() for part in environ.get(name, "").split(",") if part.strip())
        for provider in wanted:
            if provider not in known:
                problems.append(f"{name} names {provider!r}: choose of {', '.join(known)}")
            elif not environ.get(needs.get(provider, name), "").strip():
                problems.append(f"{name} names {provider}, which needs {needs[provider]}")
        if len(set(wanted)) != len(wanted):
            problems.append(f"{name} names a provider twice")
        return wanted or ("embedded",)

    def number(name: str, default: int, low: int, high: int) -> int:
        text = environ.get(name, "") or str(default)
        if not text.isdigit() or not low <= int(text) <= high:
            problems.append(f"{name} is {text!r}: give a whole number from {low} to {high}")
            return default
        return int(text)

    def url(name: str, default: str = "") -> str:
        text = (environ.get(name, "").strip() or default).rstrip("/")
        if text and not text.startswith(("http://", "https://")):
            problems.append(f"{name} is {text!r}: give an http or https URL")
        return text

    maps = Maps(
        routes=order("DESK_ROUTE_PROVIDERS", ROUTES),
        geocoders=order("DESK_GEOCODERS", GEOCODERS),
        google_key=environ.get("DESK_GOOGLE_MAPS_KEY", "").strip(),
        google_routes_url=url("DESK_GOOGLE_ROUTES_URL", GOOGLE_ROUTES),
        google_maps_url=url("DESK_GOOGLE_MAPS_URL", GOOGLE_MAPS),
        google_keep_s=number("DESK_GOOGLE_CACHE_DAYS", 1, 0, MOST_DAYS) * DAY,
        google_traffic=number("DESK_GOOGLE_TRAFFIC", 0, 0, 1) == 1,
        osrm_url=url("DESK_OSRM_URL"),
        valhalla_url=url("DESK_VALHALLA_URL"),
        nominatim_url=url("DESK_NOMINATIM_URL"),
        budget_s=number("DESK_ROUTE_BUDGET_MS", 2_500, 100, 20_000) / 1_000,
    )
    if "google-legacy" in maps.routes and maps.google_key and not maps.google_key.startswith("AIza"):
        problems.append("DESK_GOOGLE_MAPS_KEY does not begin with AIza, as the legacy client demands")
    return maps
