"""Real PostgreSQL and Redis for every test that needs them: one migrated template, clones of it."""

import asyncio
import os
import time
import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest
from redis.asyncio import Redis

from storage import migrate, partitions
from storage.postgres import Pool, connect_pool
from storage.redis import connect as connect_redis
from tests.served import LocalServer, Server, serving

ROOT = Path(__file__).resolve().parent.parent
SHARED = ROOT.parent / "shared"


def need(name: str) -> str:
    """A service address from the environment; `./desk test` sets them."""
    value = os.environ.get(name)
    if not value:
        pytest.fail(
            f"{name} is not set: run the tests through ./desk test, or source the output of ./desk env"
        )
    return value


def database(dsn: str, name: str) -> str:
    """The same server, another database."""
    return urlunsplit(urlsplit(dsn)._replace(path=f"/{name}"))


async def admin(dsn: str, *statements: str) -> None:
    """Runs statements outside any transaction (CREATE and DROP DATABASE need that)."""
    connection = await asyncpg.connect(dsn)
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The real traces beside the project; tests that need them skip where they are absent."""
    folder = SHARED / "data"
    if not folder.is_dir():
        pytest.skip("the real traces (../shared/data) are not beside this checkout")
    return folder


@pytest.fixture(scope="session")
def template() -> Iterator[str]:
    """Name of a migrated database with its partitions, made once a run."""
    server = need("DESK_POSTGRES")
    name = f"desk_template_{uuid.uuid4().hex[:12]}"
    asyncio.run(admin(server, f"CREATE DATABASE {name}"))
    dsn = database(server, name)
    migrate.upgrade(dsn)

    async def fill() -> None:
        pool = await connect_pool(dsn, name="template", size=1)
        await partitions.ensure(pool, time.time())
        await pool.close()

    asyncio.run(fill())
    yield name
    asyncio.run(admin(server, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)"))


# Empties every table and starts every identity anew: ~10 ms, where a clone costs half a second. As a replica
# session it need not mind foreign keys. Whoever is still connected belongs to the test before.
EMPTY = """
DO $$
DECLARE name text;
BEGIN
    PERFORM pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid();
    SET LOCAL session_replication_role = replica;
    FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = 'public'
        AND tablename NOT IN ('alembic_version', 'spatial_ref_sys') LOOP
        EXECUTE format('DELETE FROM %I', name);
    END LOOP;
    FOR name IN SELECT sequencename FROM pg_sequences WHERE schemaname = 'public' AND last_value IS NOT NULL LOOP
        EXECUTE format('ALTER SEQUENCE %I RESTART', name);
    END LOOP;
END $$
"""


async def clone(server: str, template: str) -> str:
    """A new database like the template; returns its DSN."""
    name = f"desk_test_{uuid.uuid4().hex[:12]}"
    await admin(server, f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY")
    return database(server, name)


async def drop(dsn: str) -> None:
    """Removes a test's database."""
    name = urlsplit(dsn).path.lstrip("/")
    await admin(database(dsn, "postgres"), f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


@pytest.fixture(scope="session")
def shared_clone(template: str) -> Iterator[str]:
    """One clone for all tests that only fill tables."""
    dsn = asyncio.run(clone(need("DESK_POSTGRES"), template))
    yield dsn
    asyncio.run(drop(dsn))


@pytest.fixture
def dsn(shared_clone: str) -> str:
    """A migrated database without rows."""
    asyncio.run(admin(shared_clone, EMPTY))
    return shared_clone


@pytest.fixture
def own_dsn(template: str) -> Iterator[str]:
    """A clone of this test's own, for what changes the schema."""
    dsn = asyncio.run(clone(need("DESK_POSTGRES"), template))
    yield dsn
    asyncio.run(drop(dsn))


@pytest.fixture
async def pool(dsn: str) -> AsyncIterator[Pool]:
    """A pool on the empty database."""
    opened = await connect_pool(dsn, name="test", size=10)
    yield opened
    opened.terminate()
    await asyncio.sleep(0.01)  # the transports close in the next turns of the loop


@pytest.fixture
def redis_url() -> str:
    """The test Redis; names carry the test's own prefix where tests could meet."""
    return need("DESK_REDIS")


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    """A client on an empty Redis database."""
    client = connect_redis(redis_url)
    await client.flushdb()
    yield client
    await client.aclose()


@pytest.fixture
async def server(dsn: str, redis: Redis, redis_url: str, tmp_path: Path) -> AsyncIterator[LocalServer]:
    """A server in this test's loop, with 3 drivers, 2 shippers and an operator."""
    local = LocalServer(dsn, redis_url, tmp_path)
    await local.start()
    yield local
    await local.stop()


@pytest.fixture
async def process(dsn: str, redis: Redis, redis_url: str, tmp_path: Path) -> AsyncIterator[Server]:
    """The same as a process of its own, to be killed or drained."""
    async with serving(dsn, redis_url, tmp_path) as running:
        yield running
