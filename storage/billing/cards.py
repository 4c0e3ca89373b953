"""Cards that may be charged again: an acquirer's token, sealed, and what a person knows a card by."""

import hashlib
import hmac
from dataclasses import dataclass

from asyncpg import Record

from billing.acquiring import Card
from dispatch.errors import Refusal
from storage.postgres import Connection, Pool
from storage.seal import Seal

# uq_saved_cards_user_id_provider_fingerprint. A card that was removed and is given again is back.
SAVE = """
INSERT INTO saved_cards AS c (user_id, provider, fingerprint, token, last_four, brand, expires)
VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (user_id, provider, fingerprint) DO UPDATE SET token = excluded.token, expires = excluded.expires,
    removed_at = NULL
RETURNING id
"""
FIELDS = """
SELECT id, user_id, provider, last_four, brand, expires, extract(epoch FROM created_at)::float8 AS created_at,
    token
FROM saved_cards
"""
# The unique key begins with the user.
OF_USER = FIELDS + "WHERE user_id = $1 AND removed_at IS NULL ORDER BY id DESC"
NEWEST = "SELECT max(id) FROM saved_cards WHERE user_id = $1 AND provider = $2 AND removed_at IS NULL"
ONE = FIELDS + "WHERE id = $1 AND removed_at IS NULL"
# The token goes at once: a removed card cannot be charged by anybody.
REMOVE = """
UPDATE saved_cards SET removed_at = now(), token = '' WHERE id = $1 AND user_id = $2 AND removed_at IS NULL
RETURNING true
"""


@dataclass(frozen=True, slots=True)
class SavedCard:
    """A card as its owner sees it. `expires` MM/YY, `created_at` epoch seconds."""

    id: int
    user: int
    provider: str
    last_four: str
    brand: str
    expires: str | None
    created_at: float


class CardStore:
    """The table; tokens leave it only for a charge."""

    def __init__(self, pool: Pool, pepper: str) -> None:
        self._pool = pool
        self._seal = Seal(pepper, "card tokens")
        self._key = hmac.digest(pepper.encode(), b"card fingerprints", hashlib.sha256)

    async def save(self, connection: Connection, user: int, provider: str, card: Card) -> int:
        """Keeps a card that its owner agreed to keep; the number of its row."""
        saved: int = await connection.fetchval(
            SAVE,
            user,
            provider,
            hmac.digest(self._key, f"{provider} {card.token}".encode(), hashlib.sha256),
            self._seal.seal(card.token.encode(), _context(user, provider)),
            card.last_four,
            card.brand,
            card.expires,
        )
        return saved

    async def of_user(self, user: int) -> list[SavedCard]:
        """A user's cards, newest first."""
        return [_card(row) for row in await self._pool.fetch(OF_USER, user)]

    async def newest(self, connection: Connection, user: int, provider: str) -> int | None:
        """The card that was kept last with an acquirer."""
        card: int | None = await connection.fetchval(NEWEST, user, provider)
        return card

    async def one(self, card: int) -> SavedCard:
        """Refusal `not_found`, also for one that was removed."""
        return _card(await self._row(card))

    async def token(self, card: int) -> str:
        """The acquirer's name for it. Refusal `not_found`."""
        row = await self._row(card)
        return self._seal.open(row["token"], _context(row["user_id"], row["provider"])).decode()

    async def remove(self, user: int, card: int) -> None:
        """Forgets the token. Refusal `not_found`."""
        if not await self._pool.fetchval(REMOVE, card, user):
            raise Refusal("not_found")

    async def _row(self, card: int) -> Record:
        row: Record | None = await self._pool.fetchrow(ONE, card)
        if row is None:
            raise Refusal("not_found")
        return row


def _context(user: int, provider: str) -> str:
    """A sealed token opens for its own user and acquirer only."""
    return f"card {user} {provider}"


def _card(row: Record) -> SavedCard:
    return SavedCard(
        row["id"],
        row["user_id"],
        row["provider"],
        row["last_four"],
        row["brand"],
        row["expires"],
        row["created_at"],
    )
