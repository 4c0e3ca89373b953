"""The schema that migrations build is the schema that storage.schema declares."""

import asyncpg

from storage import migrate, partitions
from storage.postgres import Pool, connect_pool


def test_upgrade_to_head_leaves_nothing_for_autogenerate(own_dsn: str) -> None:
    # The clone has live partitions, which autogenerate must not take for removed tables.
    migrate.check(own_dsn)


def test_the_first_migration_goes_down_and_up_again(own_dsn: str) -> None:
    migrate.downgrade(own_dsn, "base")
    migrate.upgrade(own_dsn)
    migrate.check(own_dsn)


async def test_partitions_are_made_once_and_cover_the_accepted_time_span(own_dsn: str) -> None:
    pool = await connect_pool(own_dsn, name="test", size=1)
    now = 1_900_000_000.0
    made = await partitions.ensure(pool, now)
    assert len(made) == partitions.DAYS_BACK + partitions.DAYS_AHEAD + 1
    assert await partitions.ensure(pool, now) == []
    assert not await partitions.rest_is_used(pool)
    await pool.close()


async def test_a_point_outside_every_partition_raises_the_alarm(pool: Pool) -> None:
    try:
        await pool.execute(
            "INSERT INTO positions (device_id, recorded_at, stream_id, seq, driver_id, received_at, point,"
            " cell, flag)"
            " VALUES (1, '2001-01-01', 1, 1, 1, now(), 'SRID=4326;POINT(76 43)'::geometry, 0, 0)"
        )
    except asyncpg.PostgresError as error:  # pragma: no cover - the assertion below says it better
        raise AssertionError("the default partition must take it") from error
    assert await partitions.rest_is_used(pool)
