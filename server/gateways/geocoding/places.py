"""Places for everybody who asks: a vendor's addresses where one answers in time, else the built-in tables."""

from msgspec import Struct

from geo.gazetteer import fold
from geo.geocoding import Found, Geocoder
from geo.types import Position
from geo.whereabouts import Whereabouts, pin_of
from server.gateways.chain import Chain, Question

LEAST_LETTERS = 3  # a vendor is not asked what "ал" means; the gazetteer is
_NEAR_DIGITS = 1  # a bias of some kilometres more or less changes nothing


class _Kept(Struct, array_like=True):
    """Answers as they are kept."""

    found: list[Found]


class Places:
    """Forward and reverse, in the reader's language. Never fails."""

    def __init__(self, chain: Chain[Geocoder], own: Whereabouts) -> None:
        self._chain = chain
        self._own = own

    async def search(self, text: str, lang: str, near: Position | None, limit: int) -> list[Found]:
        """Crossings by name first (vendors do not know them by it), then addresses and towns."""
        text = " ".join(text.split())
        if pin_of(text) is not None:
            return [await self.reverse(pin_of(text) or Position(0, 0), lang)]
        if len(fold(text)) < LEAST_LETTERS:
            return self._own.search(text, lang, near, limit)
        box = "" if near is None else f"{near.lat:.{_NEAR_DIGITS}f},{near.lon:.{_NEAR_DIGITS}f}"

        async def ask(vendor: Geocoder) -> _Kept:
            return _Kept(await vendor.search(text, lang, near, limit))

        kept = await self._chain.ask(
            Question(
                lambda vendor: f"search {vendor.name} {lang} {limit} {box} {text.casefold()}",
                ask,
                _Kept,
                lambda answer: bool(answer.found),
            )
        )
        if kept is None:
            return self._own.search(text, lang, near, limit)
        return [*self._own.crossings(text, lang), *kept.found][:limit]

    async def reverse(self, at: Position, lang: str) -> Found:
        """The address of a pin; it keeps the place that was asked for, not that of the address."""

        async def ask(vendor: Geocoder) -> _Kept:
            return _Kept(await vendor.reverse(at, lang))

        kept = await self._chain.ask(
            Question(
                lambda vendor: f"reverse {vendor.name} {lang} {at.lat:.5f},{at.lon:.5f}",
                ask,
                _Kept,
                lambda answer: bool(answer.found),
            )
        )
        if kept is None:
            return self._own.reverse(at, lang)
        return kept.found[0]._replace(lat=at.lat, lon=at.lon, kind="pin")

    async def close(self) -> None:
        """Closes the vendors."""
        await self._chain.close()
