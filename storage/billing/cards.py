"""Cards that may be charged again: an acquirer's token, sealed, and what a person knows a card by."""

import hashlib
import hmac
from dataclasses import dataclass
from uuid import UUID

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
# ix_payment_attempts_invoice_id_created_at.
GIVEN_FOR = "UPDATE payment_attempts SET card_id = $2 WHERE invoice_id = $1 AND save_card AND card_id IS NULL"
FIELDS = """
SELECT id, user_id, provider, last_four, brand, expires, extract(epoch FROM created_at)::float8 AS created_at,
    token
FROM saved_cards
"""
# The unique key begins with the user.
OF_USER = FIELDS + "WHERE user_id = $1 AND removed_at IS NULL ORDER BY id DESC"
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

    async def save(
        self, connection: Connection, user: int, provider: str, card: Card, invoice: UUID | None = None
    ) -> int:
        """Keeps a card that its owner agreed to keep, and notes that it was given on the page of an invoice; the
        number of its row."""
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
        if invoice is not None:
            await connection.execute(GIVEN_FOR, invoice, saved)
        return saved

    async def of_user(self, user: int) -> list[SavedCard]:
        """A user's cards, newest first."""
        return [_card(row) for row in await self._pool.fetch(OF_USER, user)]

    async def opened(self, card: int, connection: Connection | None = None) -> tuple[SavedCard, str]:
        """A card and the acquirer's name for it. Refusal `not_found`, also for one that was removed."""
        row = await (connection or self._pool).fetchrow(ONE, card)
        if row is None:
            raise Refusal("not_found")
        token = self._seal.open(row["token"], _context(row["user_id"], row["provider"]))
        return _card(row), token.decode()

    async def remove(self, user: int, card: int) -> None:
        """Forgets the token. Refusal `not_found`."""
        if not await self._pool.fetchval(REMOVE, card, user):
            raise Refusal("not_found")


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
