"""What a geocoder is asked and what it answers. The adapters live in server/gateways/geocoding."""

from typing import NamedTuple, Protocol

from .types import Position

# From the door to the country's corner. `estimate` is no address at all: a bearing from the nearest town.
PRECISIONS = ("house", "street", "place", "town", "region", "estimate")


class Found(NamedTuple):
    """A place with its name in the asked language. `kind`: city, crossing, address or pin."""

    label: str
    lat: float
    lon: float
    precision: str
    kind: str
    origin: str
    country: str = ""
    id: str = ""  # of the city or the crossing

    @property
    def position(self) -> Position:
        """Where it is."""
        return Position(self.lat, self.lon)


class Geocoder(Protocol):
    """One source of addresses. Both methods raise `geo.providers.NoAnswer` or ProviderFault."""

    @property
    def name(self) -> str:
        """The origin that its answers carry."""
        ...

    async def search(self, text: str, lang: str, near: Position | None, limit: int) -> list[Found]:
        """Places that a person may mean, best first; those `near` are preferred, not required."""
        ...

    async def reverse(self, at: Position, lang: str) -> list[Found]:
        """The address of a place, at most one."""
        ...

    async def close(self) -> None:
        """Lets go of connections."""
        ...
