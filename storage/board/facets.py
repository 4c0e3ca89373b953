"""How the loads of a search divide: by body, cargo, terms, dangerous goods, and how far away.

Up to COUNT_TO loads are gathered and counted; of more, a sample of the board's pages is, and multiplied. The first
thousand that are gathered would be those of the first areas.
"""

from dataclasses import dataclass
from functools import cache

import asyncpg

from dispatch.board import BoardSearch, Viewer
from geo.types import Position

from ..postgres import Connection
from . import sql
from .asked import Total, asked, estimate, sample_percent
from .filters import Values
from .sorts import away
from .sql import COUNT_TO, Shape
from .words import ADR, BODIES, TERMS

BANDS_M = (50_000, 100_000, 200_000, 500_000)
_TERMS = {"pricings": TERMS[0:3], "methods": TERMS[3:6], "whens": TERMS[6:9]}


@dataclass(frozen=True, slots=True)
class Facets:
    """Loads by word. `distances`: up to so many metres away, None for farther ones; empty without a place."""

    total: Total
    words: dict[str, dict[str, int]]  # bodies, kinds, pricings, methods, whens, adr
    distances: list[tuple[int | None, int]]


async def facets(
    connection: Connection, viewer: Viewer, search: BoardSearch, origin: Position | None
) -> Facets:
    """All at once."""
    more: Values = {} if origin is None else {"lat": origin.lat, "lon": origin.lon}
    ask = asked(viewer.driver, search, more)
    row = await connection.fetchrow(_gathered(ask.shape, origin is not None), *ask.arguments())
    if row["total"] <= COUNT_TO:
        return _facets(row, 1.0, origin is not None)
    percent = await sample_percent(connection)
    ask = asked(viewer.driver, search, {**more, "percent": percent}, by_lists=False)
    row = await connection.fetchrow(_sampled(ask.shape, origin is not None), *ask.arguments())
    return _facets(row, 100.0 / percent, origin is not None)


@cache
def _gathered(shape: Shape, placed: bool) -> str:
    rows = sql.gather(shape, _columns(shape, placed))
    return _counted(f"{sql.lists(shape)}, ", f"{rows} LIMIT {COUNT_TO + 1}", placed)


@cache
def _sampled(shape: Shape, placed: bool) -> str:
    return _counted("", sql.sampled(shape, _columns(shape, placed)), placed)


def _columns(shape: Shape, placed: bool) -> str:
    return "b.bodies, b.terms, b.adr, b.kind" + (f", {away(shape)} AS away" if placed else "")


def _counted(before: str, rows: str, placed: bool) -> str:
    counts = [
        f"count(*) FILTER (WHERE bodies & {1 << bit} <> 0) AS bodies_{bit}" for bit in range(len(BODIES))
    ]
    counts += [f"count(*) FILTER (WHERE terms & {1 << bit} <> 0) AS terms_{bit}" for bit in range(len(TERMS))]
    counts += [f"count(*) FILTER (WHERE adr & {1 << bit} <> 0) AS adr_{bit}" for bit in range(len(ADR))]
    counts.append("count(*) FILTER (WHERE adr = 0) AS harmless")
    if placed:
        low = 0
        for metres in BANDS_M:
            counts.append(f"count(*) FILTER (WHERE away >= {low} AND away < {metres}) AS band_{metres}")
            low = metres
        counts.append(f"count(*) FILTER (WHERE away >= {low}) AS band_none")
    return f"""
WITH {before}source AS MATERIALIZED (SELECT g.* FROM {rows})
SELECT count(*) AS total, {", ".join(counts)}, (SELECT coalesce(jsonb_object_agg(kind, loads), '{{}}')
    FROM (SELECT kind, count(*) AS loads FROM source GROUP BY kind) AS k) AS kinds
FROM source
"""


def _facets(row: asyncpg.Record, times: float, placed: bool) -> Facets:
    def scaled(count: int) -> int:
        return estimate(count * times) if times > 1 else count

    def by(name: str, words: tuple[str, ...], first: int = 0) -> dict[str, int]:
        found = {word: scaled(row[f"{name}_{first + bit}"]) for bit, word in enumerate(words)}
        return {word: count for word, count in found.items() if count}

    words = {"bodies": by("bodies", BODIES), "adr": by("adr", ADR)}
    words |= {name: by("terms", each, TERMS.index(each[0])) for name, each in _TERMS.items()}
    words["kinds"] = {kind: scaled(count) for kind, count in sorted(row["kinds"].items())}
    if row["harmless"]:
        words["adr"]["none"] = scaled(row["harmless"])
    distances: list[tuple[int | None, int]] = []
    if placed:
        distances = [(metres, scaled(row[f"band_{metres}"])) for metres in BANDS_M]
        distances.append((None, scaled(row["band_none"])))
    exact = times <= 1
    total = row["total"] if exact else max(COUNT_TO + 1, estimate(row["total"] * times))
    return Facets(Total(total, exact), words, distances)
