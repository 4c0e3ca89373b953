"""What staff say of the coded words of a load."""

from dispatch.dictionaries import Entry, Words
from dispatch.errors import Refusal
from storage.postgres import Pool, transaction
from storage.staff import record

# Small: some of a hundred words.
ALL = "SELECT dictionary, word, hidden, rank, note, version FROM dictionary_entries"
# Changes are made one after the other: the first entry of a word has no row that could be locked.
QUEUE = "SELECT pg_advisory_xact_lock(7107)"
# Primary key.
ONE = ALL + " WHERE dictionary = $1 AND word = $2"
PUT = """
INSERT INTO dictionary_entries AS e (dictionary, word, hidden, rank, note, updated_by)
VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (dictionary, word) DO UPDATE SET hidden = excluded.hidden, rank = excluded.rank, note = excluded.note,
    updated_by = excluded.updated_by, updated_at = now(), version = e.version + 1
RETURNING dictionary, word, hidden, rank, note, version
"""


class WordStore:
    """The entries of staff."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def words(self) -> Words:
        """All of them."""
        return Words(Entry(*row) for row in await self._pool.fetch(ALL))

    async def put(self, staff: int, seen: int, entry: Entry) -> Entry:
        """Says something of a word. Refusal `version_stale`."""
        async with transaction(self._pool) as connection:
            await connection.execute(QUEUE)
            row = await connection.fetchrow(ONE, entry.dictionary, entry.word)
            was = Entry(entry.dictionary, entry.word) if row is None else Entry(*row)
            if was.version != seen:
                raise Refusal("version_stale")
            made = Entry(*await connection.fetchrow(PUT, *entry[:5], staff))
            told = {"word": f"{made.dictionary} {made.word}", "was": _told(was), "is": _told(made)}
            await record(connection, staff, "word.set", None, entry.note, told)
        return made


def _told(entry: Entry) -> str:
    return f"{'hidden' if entry.hidden else 'shown'}, rank {entry.rank}"
