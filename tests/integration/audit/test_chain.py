"""The audit chain in the database: sealed behind the change, whole under many writers, all meddling named."""

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import asyncpg
import pytest

from dispatch.audit import Anchor, Break, Fault
from server.audit.sealing import Sealer
from storage.audit.anchors import FILE, Anchors, Kept
from storage.audit.seals import BATCH, SealStore
from storage.audit.verify import Report, verify, verify_stretch
from storage.erasure_rules import ERASE
from storage.postgres import Pool, transaction
from storage.staff import record
from tests.served import ROOT, LocalServer

NOBODY = Kept({}, 0)


async def work(pool: Pool, rows: int, *, staff: int = 1, user: int | None = 7) -> None:
    """So many changes by staff."""
    for number in range(rows):
        async with transaction(pool) as connection:
            await record(
                connection, staff, "user.block", user, f"why {number}", {"was": "a", "is": str(number)}
            )


async def meddle(pool: Pool, *statements: str) -> None:
    """What the owner of the database can do: triggers do not fire for them."""
    async with transaction(pool) as connection:
        await connection.execute("SET LOCAL session_replication_role = replica")
        for statement in statements:
            await connection.execute(statement)


async def chained(pool: Pool, rows: int = 6) -> SealStore:
    """A chain of so many rows."""
    await work(pool, rows)
    seals = SealStore(pool)
    while await seals.seal() is not None:
        pass
    return seals


async def found(pool: Pool, kept: Kept = NOBODY) -> list[Fault]:
    return (await verify(pool, kept)).faults


async def test_fifty_writers_and_three_sealers_leave_one_unbroken_chain(pool: Pool) -> None:
    writing = asyncio.gather(*(work(pool, 8, staff=number) for number in range(1, 51)))

    async def sealing() -> None:
        store = SealStore(pool)
        while not writing.done() or await store.seal() is not None:
            await store.seal()
            await asyncio.sleep(0)

    await asyncio.gather(writing, *(sealing() for _ in range(3)))
    report = await verify(pool, NOBODY)
    assert (report.checked, report.broken, report.waiting) == (400, 0, 0)
    assert report.head == await SealStore(pool).head()
    assert await pool.fetchval("SELECT count(DISTINCT action_id) FROM staff_seals") == 400


async def test_a_row_that_commits_after_its_successor_was_sealed_is_sealed_too(pool: Pool) -> None:
    seals = SealStore(pool)
    async with pool.acquire() as slow, slow.transaction():
        await record(slow, 1, "user.block", 7, "first in number, last to commit")
        await work(pool, 1)
        assert await seals.seal() is not None
    assert await seals.seal() is not None
    order = [row[0] for row in await pool.fetch("SELECT action_id FROM staff_seals ORDER BY number")]
    assert order == [2, 1]
    assert await found(pool) == []


async def test_a_change_that_was_rolled_back_leaves_no_hole_in_the_chain(pool: Pool) -> None:
    with pytest.raises(RuntimeError):
        async with transaction(pool) as connection:
            await record(connection, 1, "user.block", 7, "never was")
            raise RuntimeError
    await chained(pool, 2)
    assert await found(pool) == []
    assert [row[0] for row in await pool.fetch("SELECT number FROM staff_seals ORDER BY number")] == [1, 2]


async def test_more_rows_than_a_batch_are_sealed_batch_by_batch(pool: Pool) -> None:
    await pool.execute(
        "INSERT INTO staff_actions (staff_id, action) SELECT 1, 'x' FROM generate_series(1, $1)", BATCH + 5
    )
    seals = SealStore(pool)
    first, second = await seals.seal(), await seals.seal()
    assert first is not None and second is not None
    assert (first.rows, second.rows, second.head.number) == (BATCH, 5, BATCH + 5)
    report = await verify(pool, NOBODY)
    assert (report.checked, report.broken) == (BATCH + 5, 0)


@pytest.mark.parametrize(
    "change",
    [
        "at = at + interval '1 microsecond'",
        "staff_id = 99",
        "action = 'user.unblock'",
        "user_id = NULL",
        "reason = 'another'",
        'detail = detail || \'{"is": "else"}\'',
        "salt = gen_random_uuid()",
    ],
)
async def test_a_field_that_was_changed_is_named_by_its_row(pool: Pool, change: str) -> None:
    await chained(pool)
    await meddle(pool, f"UPDATE staff_actions SET {change} WHERE id = 3")
    assert await found(pool) == [Fault(Break.CHANGED, 3, 3)]


Meddling = tuple[str, list[Fault]]
MEDDLINGS: dict[str, Meddling] = {
    "a row is deleted": ("DELETE FROM staff_actions WHERE id = 3", [Fault(Break.MISSING, 3, 3)]),
    "a row and its seal are deleted": (
        "DELETE FROM staff_actions WHERE id = 3; DELETE FROM staff_seals WHERE number = 3",
        [Fault(Break.SEAL_MISSING, 3)],
    ),
    "two rows change places": (
        "UPDATE staff_actions SET id = CASE id WHEN 2 THEN -4 WHEN 4 THEN -2 END WHERE id IN (2, 4);"
        "UPDATE staff_actions SET id = -id WHERE id < 0",
        [Fault(Break.CHANGED, 2, 2), Fault(Break.CHANGED, 4, 4)],
    ),
    "the words go": (
        "UPDATE staff_actions SET reason = '', salt = NULL WHERE id = 5",
        [Fault(Break.WORDS_GONE, 5, 5)],
    ),
}


@pytest.mark.parametrize("what", MEDDLINGS)
async def test_meddling_is_named(pool: Pool, what: str) -> None:
    statements, faults = MEDDLINGS[what]
    await chained(pool)
    await meddle(pool, *statements.split(";"))
    assert await found(pool) == faults


async def test_a_row_put_in_among_old_ones_is_named_and_never_sealed(pool: Pool) -> None:
    seals = await chained(pool, 3)
    await pool.execute("ALTER TABLE staff_actions ALTER id RESTART WITH 10")
    await work(pool, 1)
    await seals.seal()
    await pool.execute("INSERT INTO staff_actions (id, staff_id, action) VALUES (5, 1, 'user.block')")
    # Among new rows it may be of a slow transaction; among those that were sealed long ago nobody is so slow.
    assert await found(pool) == []
    assert await SealStore(pool, settled_s=0).seal() is None
    report = await verify(pool, NOBODY, settled_s=0)
    assert report.faults == [Fault(Break.UNSEALED, None, 5)]


@pytest.fixture
def anchors(tmp_path: Path) -> Anchors:
    return Anchors(tmp_path / FILE, "p" * 40)


async def test_an_end_that_was_cut_is_noticed_by_the_heads_beside_the_uploads(
    pool: Pool, anchors: Anchors
) -> None:
    await work(pool, 6)
    await Sealer(SealStore(pool), anchors).look(time.time())
    await meddle(pool, "DELETE FROM staff_seals WHERE number > 4", "DELETE FROM staff_actions WHERE id > 4")
    assert await found(pool) == []
    assert await found(pool, anchors.read()) == [Fault(Break.CUT, 5)]


async def test_a_chain_written_anew_after_a_cut_does_not_meet_the_old_head(
    pool: Pool, anchors: Anchors
) -> None:
    await work(pool, 6)
    await Sealer(SealStore(pool), anchors).look(time.time())
    await meddle(pool, "DELETE FROM staff_seals", "UPDATE staff_actions SET reason = 'innocent' WHERE id = 2")
    await Sealer(SealStore(pool), anchors).look(time.time())  # an honest worker that knows nothing of it
    assert await found(pool) == []
    assert await found(pool, anchors.read()) == [Fault(Break.RESEALED, 6, 6)]


def test_a_head_that_somebody_else_wrote_is_counted_as_forged(anchors: Anchors, tmp_path: Path) -> None:
    anchors.keep(Anchor(5, b"h" * 32), 1.0)
    true = (tmp_path / FILE).read_text()
    (tmp_path / FILE).write_text(true + true.replace('"number": 5', '"number": 4') + "no JSON\n" + true[:20])
    assert anchors.read() == Kept({5: b"h" * 32}, 2)  # the last line is one that a crash cut off


async def test_heads_are_kept_once_a_minute_and_not_for_every_row(pool: Pool, anchors: Anchors) -> None:
    sealer = Sealer(SealStore(pool), anchors)
    for at in (1000.0, 1001.0, 1030.0, 1059.0):
        await work(pool, 1)
        await sealer.look(at)
    assert set(anchors.read().heads) == {1}
    await sealer.look(1061.0)  # nothing new was sealed, but the head of 1059 waits
    assert set(anchors.read().heads) == {1, 4}


async def test_a_stretch_is_checked_behind_any_number(pool: Pool) -> None:
    await chained(pool, 10)
    await meddle(pool, "UPDATE staff_actions SET reason = '!' WHERE id IN (2, 9)")
    first: Report = await verify_stretch(pool, NOBODY, 0, 5)
    assert (first.checked, first.head.number, first.more) == (5, 5, True)
    assert first.faults == [Fault(Break.CHANGED, 2, 2)]
    second = await verify_stretch(pool, NOBODY, first.head.number, 100)
    assert (second.checked, second.more, second.faults) == (5, False, [Fault(Break.CHANGED, 9, 9)])


async def test_rows_and_seals_refuse_to_be_changed_deleted_or_emptied(pool: Pool) -> None:
    await chained(pool, 1)
    for statement in (
        "UPDATE staff_actions SET reason = ''",
        "UPDATE staff_actions SET reason = '', salt = NULL",
        "DELETE FROM staff_actions",
        "TRUNCATE staff_actions",
        "UPDATE staff_seals SET number = 5",
        "DELETE FROM staff_seals",
        "TRUNCATE staff_seals",
    ):
        with pytest.raises(asyncpg.RaiseError, match="append-only"):
            await pool.execute(statement)


async def test_an_erased_account_takes_the_words_along_and_the_chain_holds(pool: Pool) -> None:
    user = await pool.fetchval(
        "INSERT INTO users (phone, role, name) VALUES ('+77010000001', 'driver', 'x') RETURNING id"
    )
    await work(pool, 2, user=user)
    await work(pool, 1, user=None)
    await SealStore(pool).seal()
    for name in ("users.phone", "staff_actions.reason"):
        await pool.execute(ERASE[name], user)
    assert [row[0] for row in await pool.fetch("SELECT reason FROM staff_actions ORDER BY id")] == [
        "",
        "",
        "why 0",
    ]
    assert await found(pool) == []


Command = Callable[..., "subprocess.CompletedProcess[str]"]


async def test_the_command_names_the_row_and_says_so_by_its_exit_code(server: LocalServer) -> None:
    def command() -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "-P", "-m", "server", "verify-audit", "--json"],
            cwd=ROOT, env=server.environ, capture_output=True, text=True, check=False,
        )  # fmt: skip

    pool = server.services.pool
    await work(pool, 3)
    await SealStore(pool).seal()
    whole = await asyncio.to_thread(command)
    assert whole.returncode == 0, whole.stderr
    assert json.loads(whole.stdout)["checked"] == 3
    await meddle(pool, "UPDATE staff_actions SET reason = 'nothing' WHERE id = 2")
    broken = await asyncio.to_thread(command)
    assert broken.returncode == 1
    assert [(fault["kind"], fault["line"]) for fault in json.loads(broken.stdout)["faults"]] == [
        ("changed", 2)
    ]
