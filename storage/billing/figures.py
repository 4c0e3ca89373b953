"""What figures of months are counted from: the ledger of access, and the invoices that its payments came of.

Each statement passes once over the payers and looks at each one's entries at the ends of a month: about a
second for 50,000 of them. The name of an entry's cause leads to its invoice: storage.billing.subscriptions.
"""

from collections.abc import Sequence
from dataclasses import replace

from billing.figures import Month, Moves, Priced, Trials
from billing.money import Currency

from ..order_rows import moment
from ..postgres import Pool

MOST_KEPT = 200  # months of workers' readers in a few time zones
SETTLED_S = 3_600.0  # an entry is there so long after its moment

NOW = "SELECT extract(epoch FROM clock_timestamp())::float8"
_INVOICE = "CASE WHEN starts_with({0}, 'paid:') AND length({0}) = 41 THEN substr({0}, 6)::uuid END"
# ix_access_entries_months for who has paid at all; then for each the primary key of access_entries, read backwards
# to the moment, twice; invoices by theirs.
STANDING = f"""
SELECT i.plan, i.currency, i.amount, i.period_s, count(*)
FROM (SELECT DISTINCT user_id FROM access_entries WHERE kind = 'paid' AND at < $1) p
    CROSS JOIN LATERAL (SELECT ends_at, left_s FROM access_entries e WHERE e.user_id = p.user_id AND e.at < $1
        ORDER BY e.seq DESC LIMIT 1) s
    CROSS JOIN LATERAL (SELECT cause FROM access_entries e WHERE e.user_id = p.user_id AND e.at < $1
        AND e.kind = 'paid' ORDER BY e.seq DESC LIMIT 1) l
    JOIN invoices i ON i.id = {_INVOICE.format("l.cause")}
WHERE s.ends_at > $1 AND s.left_s IS NULL GROUP BY 1, 2, 3, 4
"""
# The same, at the beginning ($1) and at the end ($2) of a month.
CHURN = f"""
SELECT i.currency, count(*) AS at_start,
    count(*) FILTER (WHERE b.left_s IS NULL AND b.ends_at <= $2) AS churned
FROM (SELECT DISTINCT user_id FROM access_entries WHERE kind = 'paid' AND at < $1) p
    CROSS JOIN LATERAL (SELECT ends_at, left_s FROM access_entries e WHERE e.user_id = p.user_id AND e.at < $1
        ORDER BY e.seq DESC LIMIT 1) a
    CROSS JOIN LATERAL (SELECT cause FROM access_entries e WHERE e.user_id = p.user_id AND e.at < $1
        AND e.kind = 'paid' ORDER BY e.seq DESC LIMIT 1) l
    CROSS JOIN LATERAL (SELECT ends_at, left_s FROM access_entries e WHERE e.user_id = p.user_id AND e.at < $2
        ORDER BY e.seq DESC LIMIT 1) b
    JOIN invoices i ON i.id = {_INVOICE.format("l.cause")}
WHERE a.ends_at > $1 AND a.left_s IS NULL GROUP BY i.currency
"""
# ix_access_entries_months for the payments of a month, the primary key for what came before each of them.
PAYMENTS = f"""
SELECT i.currency, count(*) FILTER (WHERE before.paid IS NULL) AS new,
    count(*) FILTER (WHERE before.paid AND NOT before.over) AS renewed,
    count(*) FILTER (WHERE before.paid AND before.over) AS reactivated
FROM access_entries e JOIN invoices i ON i.id = {_INVOICE.format("e.cause")}
    LEFT JOIN LATERAL (SELECT true AS paid, (SELECT l.left_s IS NULL AND l.ends_at < e.at FROM access_entries l
            WHERE l.user_id = e.user_id AND l.seq < e.seq ORDER BY l.seq DESC LIMIT 1) AS over
        FROM access_entries b WHERE b.user_id = e.user_id AND b.seq < e.seq AND b.kind = 'paid' LIMIT 1) before
        ON true
WHERE e.kind = 'paid' AND e.at >= $1 AND e.at < $2 GROUP BY i.currency
"""
# The same index for the trials of the months.
TRIALS = """
SELECT m.name, count(*) AS begun, count(*) FILTER (WHERE paid.was) AS converted,
    count(*) FILTER (WHERE NOT paid.was AND (s.ends_at > clock_timestamp() OR s.left_s IS NOT NULL)) AS running
FROM unnest($1::text[], $2::timestamptz[], $3::timestamptz[]) AS m(name, begins, ends)
    JOIN access_entries e ON e.kind = 'trial' AND e.at >= m.begins AND e.at < m.ends
    CROSS JOIN LATERAL (SELECT EXISTS (SELECT FROM access_entries p WHERE p.user_id = e.user_id
        AND p.kind = 'paid') AS was) paid
    CROSS JOIN LATERAL (SELECT ends_at, left_s FROM access_entries l WHERE l.user_id = e.user_id
        ORDER BY l.seq DESC LIMIT 1) s
GROUP BY m.name
"""


class FigureStore:
    """Reads of one statement each. A month that is over does not change any more, for entries are only added:
    it is counted once and kept."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._whole: dict[Month, list[Moves]] = {}  # oldest first

    async def now(self) -> float:
        """The database's clock, epoch seconds."""
        return float(await self._pool.fetchval(NOW))

    async def standing(self, at: float) -> list[Priced]:
        """The payers of a moment, by what they paid last."""
        rows = await self._pool.fetch(STANDING, moment(at))
        return [Priced(row[0], Currency(row[1]), row[2], row[3], row[4]) for row in rows]

    async def moves(self, months: Sequence[Month], now: float) -> list[Moves]:
        """How payers came and went, by month and currency; where nothing was, nothing stands."""
        found: list[Moves] = []
        for month in months:
            known = self._whole.get(month)
            if known is None:
                known = await self._moves(month)
                if month.ends < now - SETTLED_S:
                    self._whole[month] = known
                    while len(self._whole) > MOST_KEPT:
                        del self._whole[next(iter(self._whole))]
            found += known
        return found

    async def _moves(self, month: Month) -> list[Moves]:
        span = moment(month.begins), moment(month.ends)
        found: dict[Currency, Moves] = {}
        for row in await self._pool.fetch(PAYMENTS, *span):
            currency = Currency(row["currency"])
            found[currency] = Moves(month.name, currency, 0, row["new"], row["renewed"], row["reactivated"])
        for row in await self._pool.fetch(CHURN, *span):
            currency = Currency(row["currency"])
            was = found.get(currency, Moves(month.name, currency))
            found[currency] = replace(was, at_start=row["at_start"], churned=row["churned"])
        return [found[currency] for currency in sorted(found)]

    async def trials(self, months: Sequence[Month]) -> list[Trials]:
        """Free days by the month in which they began."""
        columns = (
            [each.name for each in months],
            [moment(each.begins) for each in months],
            [moment(each.ends) for each in months],
        )
        rows = {row["name"]: row for row in await self._pool.fetch(TRIALS, *columns)}
        return [
            Trials(each.name, row["begun"], row["converted"], row["running"])
            for each in months
            if (row := rows.get(each.name)) is not None
        ]
