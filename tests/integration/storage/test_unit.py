"""One transaction around a request: what joins it, what it takes back, and what it leaves behind."""

import asyncio
from collections.abc import AsyncIterator
from typing import NamedTuple

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dispatch.errors import Refusal
from storage.postgres import Pool, after_commit, transaction, unit, whole


@pytest.fixture
async def notes(pool: Pool) -> AsyncIterator[Pool]:
    """A table to write small numbers into; each number once."""
    await pool.execute("CREATE TABLE IF NOT EXISTS notes (n integer PRIMARY KEY)")
    await pool.execute("DELETE FROM notes")
    yield pool
    async with asyncio.timeout(5):
        await pool.execute("DROP TABLE notes")


async def note(pool: Pool, n: int) -> None:
    await pool.execute("INSERT INTO notes VALUES ($1)", n)


async def noted(pool: Pool) -> list[int]:
    return [row["n"] for row in await pool.fetch("SELECT n FROM notes ORDER BY n")]


async def open_transactions(pool: Pool) -> int:
    count: int = await pool.fetchval(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
        " AND state LIKE 'idle in transaction%'"
    )
    return count


async def beside(pool: Pool) -> list[int]:
    """What another task sees."""
    return await asyncio.create_task(noted(pool))


async def test_what_stores_do_inside_is_one_transaction(notes: Pool) -> None:
    told: list[str] = []
    async with unit(notes):
        await note(notes, 1)
        async with transaction(notes) as connection:
            await connection.execute("INSERT INTO notes VALUES (2)")
            await note(notes, 3)
        async with notes.acquire() as connection:
            await connection.execute("INSERT INTO notes VALUES (4)")
        after_commit(lambda: told.append("told"))
        assert await noted(notes) == [1, 2, 3, 4]
        assert await beside(notes) == [] and told == []
    assert await noted(notes) == [1, 2, 3, 4] and told == ["told"]


async def test_without_a_unit_everybody_is_told_at_once(pool: Pool) -> None:
    told: list[int] = []
    after_commit(lambda: told.append(1))
    assert told == [1]


async def test_a_fault_takes_everything_back_and_tells_nobody(notes: Pool) -> None:
    told: list[int] = []
    with pytest.raises(ZeroDivisionError):
        async with unit(notes):
            await note(notes, 1)
            after_commit(lambda: told.append(1))
            raise ZeroDivisionError
    assert await noted(notes) == [] and told == []


async def test_a_refusal_keeps_what_ended_well_and_takes_back_the_block_that_refused(notes: Pool) -> None:
    told: list[int] = []
    with pytest.raises(Refusal, match="code_wrong"):
        async with unit(notes):
            async with transaction(notes) as connection:  # the try, counted
                await connection.execute("INSERT INTO notes VALUES (1)")
                after_commit(lambda: told.append(1))
            async with transaction(notes) as connection:
                await connection.execute("INSERT INTO notes VALUES (2)")
                after_commit(lambda: told.append(2))
                raise Refusal("code_wrong")
    assert await noted(notes) == [1] and told == [1]


async def test_a_refusal_after_a_plain_statement_keeps_it_as_it_would_without_a_unit(notes: Pool) -> None:
    with pytest.raises(Refusal):
        async with unit(notes), notes.acquire() as connection:
            await connection.execute("INSERT INTO notes VALUES (1)")
            raise Refusal("busy")
    assert await noted(notes) == [1]


async def test_a_refusal_takes_back_what_is_done_as_a_whole_and_tells_nobody(notes: Pool) -> None:
    told: list[int] = []
    with pytest.raises(Refusal):
        async with whole(notes) as connection:
            await note(notes, 1)
            async with whole(notes):
                await connection.execute("INSERT INTO notes VALUES (2)")
            after_commit(lambda: told.append(1))
            raise Refusal("not_found")
    assert (await noted(notes), told, await open_transactions(notes)) == ([], [], 0)
    async with whole(notes) as connection:
        await connection.execute("INSERT INTO notes VALUES (3)")
        after_commit(lambda: told.append(3))
        assert told == []
    assert (await noted(notes), told) == ([3], [3])


async def test_an_error_of_one_statement_spoils_neither_the_unit_nor_the_pool(notes: Pool) -> None:
    async with unit(notes):
        await note(notes, 1)
        for attempt in (note(notes, 1), notes.fetchval("SELECT 1 / (n - 1) FROM notes")):
            with pytest.raises(asyncpg.PostgresError):
                await attempt
        await note(notes, 2)
    assert await noted(notes) == [1, 2]
    assert await open_transactions(notes) == 0


async def test_a_connection_that_dies_inside_leaves_nothing_and_the_pool_heals(notes: Pool) -> None:
    with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError, OSError)):
        async with unit(notes):
            await note(notes, 1)
            pid = await notes.fetchval("SELECT pg_backend_pid()")
            await asyncio.create_task(notes.execute("SELECT pg_terminate_backend($1)", pid))
            await note(notes, 2)
    assert await noted(notes) == []


@pytest.mark.parametrize("ticks", range(0, 40, 3))
async def test_a_cancelled_request_leaves_no_open_transaction(notes: Pool, ticks: int) -> None:
    told: list[int] = []

    async def request() -> None:
        async with unit(notes):
            await note(notes, 1)
            async with transaction(notes) as connection:
                await connection.execute("SELECT pg_sleep(0.001)")
                await note(notes, 2)
            after_commit(lambda: told.append(1))

    task = asyncio.create_task(request())
    for _ in range(ticks):
        await asyncio.sleep(0.0003)
    task.cancel()
    await asyncio.wait([task])
    # Cancelled while COMMIT was on its way it may be there, but then whole.
    assert await noted(notes) in ([], [1, 2])
    assert await open_transactions(notes) == 0
    await note(notes, 3)


async def test_a_unit_holds_no_connection_until_it_needs_one(dsn: str, notes: Pool) -> None:
    async with unit(notes) as opened:
        assert not opened.began and notes.get_idle_size() == notes.get_size()
        await noted(notes)
        assert opened.began


async def test_a_listener_that_fails_does_not_silence_the_next(
    notes: Pool, caplog: pytest.LogCaptureFixture
) -> None:
    told: list[int] = []
    async with unit(notes):
        after_commit(lambda: 1 // 0)
        after_commit(lambda: told.append(1))
    assert told == [1] and "after_commit.failed" in caplog.messages


class Block(NamedTuple):
    """A `transaction` with notes and blocks in it, and how it ends."""

    notes: list[int]
    inner: "list[Block]"
    ends: str  # well | refused | fault


ENDS = st.sampled_from(["well", "well", "refused", "fault"])
NUMBERS = st.lists(st.integers(0, 30), max_size=3)
BLOCKS = st.recursive(
    st.builds(Block, NUMBERS, st.just([]), ENDS),
    lambda inner: st.builds(Block, NUMBERS, st.lists(inner, max_size=3), ENDS),
    max_leaves=6,
)


class Fault(Exception):
    pass


async def carry_out(pool: Pool, block: Block, told: list[int]) -> None:
    async with transaction(pool) as connection:
        for n in block.notes:
            await connection.execute("INSERT INTO notes VALUES ($1) ON CONFLICT DO NOTHING", n)
            after_commit(lambda n=n: told.append(n))
        for inner in block.inner:
            try:
                await carry_out(pool, inner, told)
            except (Refusal, Fault):
                pass
        if block.ends == "refused":
            raise Refusal("busy")
        if block.ends == "fault":
            raise Fault


def kept(block: Block) -> list[int]:
    """The model: what a block leaves."""
    if block.ends != "well":
        return []
    return block.notes + [n for inner in block.inner for n in kept(inner)]


@given(blocks=st.lists(BLOCKS, max_size=3), ends=ENDS)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_any_nesting_of_blocks_leaves_and_tells_exactly_what_ended_well(
    notes: Pool, blocks: list[Block], ends: str
) -> None:
    told: list[int] = []
    await notes.execute("DELETE FROM notes")
    try:
        async with unit(notes):
            for block in blocks:
                try:
                    await carry_out(notes, block, told)
                except (Refusal, Fault):
                    pass
            if ends == "refused":
                raise Refusal("busy")
            if ends == "fault":
                raise Fault
    except (Refusal, Fault):
        pass
    expected = [] if ends == "fault" else [n for block in blocks for n in kept(block)]
    assert told == expected
    assert await noted(notes) == sorted(set(expected))
