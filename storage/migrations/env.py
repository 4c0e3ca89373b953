"""alembic's environment: async engine over asyncpg, GeoAlchemy2 types, partitions left alone."""

import asyncio
import re

from alembic import context
from geoalchemy2 import alembic_helpers
from sqlalchemy import Connection, pool, text
from sqlalchemy.ext.asyncio import create_async_engine

from storage.schema import metadata

PARTITION = re.compile(r".+_(p\d{8}|rest)")


def include_name(name: str | None, kind: str, parents: object) -> bool:
    """Hides partitions: autogenerate would take each for a removed table and drop it."""
    return not (kind == "table" and name and PARTITION.fullmatch(name))


def migrate(connection: Connection) -> None:
    """One transaction for all migrations, one migrator at a time."""
    context.configure(
        connection=connection,
        target_metadata=metadata,
        include_name=include_name,
        include_object=alembic_helpers.include_object,
        render_item=alembic_helpers.render_item,
        process_revision_directives=alembic_helpers.writer,
        compare_type=True,
    )
    with context.begin_transaction():
        connection.execute(text("SELECT pg_advisory_xact_lock(72707473)"))
        context.run_migrations()


async def run() -> None:
    """Connects with the DSN that storage.migrate handed over."""
    dsn: str = context.config.attributes["dsn"]
    url = re.sub(r"^postgres(ql)?://", "postgresql+asyncpg://", dsn)
    engine = create_async_engine(url, poolclass=pool.NullPool)
    async with engine.connect() as connection:
        await connection.run_sync(migrate)
        await connection.commit()
    await engine.dispose()


if context.is_offline_mode():
    raise SystemExit("offline SQL is not produced: run the migration against a database")
asyncio.run(run())
