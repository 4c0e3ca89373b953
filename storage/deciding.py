"""The transaction of a decision: locks are waited for no longer than a person would wait for the answer."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg

from dispatch.errors import Refusal

from .postgres import Connection, Pool, transaction

# A decision that cannot get its lock in this time is `busy`: nothing is decided, the same accept may be sent
# again. Set for the transaction only.
LOCK_TIMEOUT = "SELECT set_config('lock_timeout', '200ms', true)"


@asynccontextmanager
async def deciding(pool: Pool) -> AsyncIterator[Connection]:
    """A transaction that refuses with `busy` when another decision holds what it needs."""
    try:
        async with transaction(pool) as connection:
            await connection.execute(LOCK_TIMEOUT)
            yield connection
    except asyncpg.LockNotAvailableError:
        raise Refusal("busy") from None
