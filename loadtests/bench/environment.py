"""What a bench stands on: its own database, an empty Redis database, fresh secrets, accounts."""

import json
import os
import secrets
import socket
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import asyncpg
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from redis.asyncio import Redis

from .processes import BenchError, Served, alive, cpu_seconds, run_tool, served
from .sockets import Account

REDIS_DATABASE = 5  # emptied: 0 is where an installation lives
TOKEN_HOURS = 12


@dataclass(frozen=True, slots=True)
class Accounts:
    """Who takes part."""

    drivers: list[Account]
    shippers: list[Account]
    admins: list[Account]


@dataclass(frozen=True, slots=True)
class StoreCost:
    """CPU seconds so far of the backends of our database and of Redis; None when they are elsewhere."""

    postgres: float | None
    redis: float


class Environment:
    """Settings for the server under test and a connection to look behind its back."""

    def __init__(
        self, environ: Mapping[str, str], database: asyncpg.Pool, redis: Redis, folder: Path
    ) -> None:
        self.environ = dict(environ)
        self.database = database
        self.redis = redis
        self._folder = folder

    async def provision(self, *, drivers: int = 0, shippers: int = 0, admins: int = 0) -> Accounts:
        """Accounts made by the operator's command, with tokens that outlive any bench."""
        file = self._folder / "accounts.json"
        await run_tool(
            "server", "provision", "--drivers", str(drivers), "--shippers", str(shippers),
            "--admins", str(admins), "--access-hours", str(TOKEN_HOURS), "--out", str(file),
            environ=self.environ,
        )  # fmt: skip
        lines: dict[str, list[dict[str, Any]]] = json.loads(file.read_text())
        roles = ("drivers", "shippers", "admins")
        return Accounts(*([Account.read(line) for line in lines.get(role, [])] for role in roles))

    @asynccontextmanager
    async def server(self) -> AsyncIterator[Served]:
        """The real server, one worker process."""
        port = free_port()
        environ = self.environ | {"DESK_PORT": str(port), "DESK_HOST": "127.0.0.1"}
        async with served("server", "serve", port=port, environ=environ) as one:
            yield one

    @asynccontextmanager
    async def peer(self) -> AsyncIterator[Served]:
        """The reference server on the same stores, with the same tokens."""
        port = free_port()
        environ = self.environ | {"PEER_PORT": str(port)}
        async with served("loadtests.peers.fastapi_server", port=port, environ=environ) as one:
            yield one

    @asynccontextmanager
    async def floor(self) -> AsyncIterator[Served]:
        """A bare aiohttp websocket that only receives."""
        port = free_port()
        async with served("loadtests.peers.floor", str(port), port=port, environ=self.environ) as one:
            yield one

    async def count(self, query: str, *arguments: object) -> int:
        """One number from the database."""
        return int(await self.database.fetchval(query, *arguments) or 0)

    async def cost(self) -> StoreCost:
        """What PostgreSQL and Redis have used; Redis counts all its clients."""
        pids = [
            row["pid"]
            for row in await self.database.fetch(
                "SELECT pid FROM pg_stat_activity WHERE datname = current_database()"
            )
        ]
        local = all(alive(pid) for pid in pids)
        told = await self.redis.info("cpu")
        return StoreCost(
            cpu_seconds(pids) if local else None, float(told["used_cpu_user"]) + float(told["used_cpu_sys"])
        )


@asynccontextmanager
async def environment() -> AsyncIterator[Environment]:
    """Makes it all on the servers of DESK_POSTGRES and DESK_REDIS, and removes it whatever happens."""
    postgres, redis_url = need("DESK_POSTGRES"), _other(need("DESK_REDIS"), str(REDIS_DATABASE))
    name = f"desk_bench_{secrets.token_hex(6)}"
    redis = Redis.from_url(redis_url)
    with tempfile.TemporaryDirectory(prefix="desk-bench-") as folder:
        try:
            await _execute(postgres, f"CREATE DATABASE {name}")
            await redis.flushdb()
        except (OSError, asyncpg.PostgresError) as error:
            await redis.aclose()
            raise BenchError(f"PostgreSQL and Redis must be up and let us make a database: {error}") from None
        try:
            environ = dict(os.environ) | {
                "DESK_POSTGRES": _other(postgres, name),
                "DESK_REDIS": redis_url,
                "DESK_SIGNING_KEY": signing_key(),
                "DESK_PEPPER": secrets.token_hex(32),
                "DESK_LOG_LEVEL": "WARNING",
                "PYTHONUNBUFFERED": "1",
            }
            await run_tool("server", "migrate", environ=environ)
            async with asyncpg.create_pool(environ["DESK_POSTGRES"], min_size=1, max_size=2) as database:
                yield Environment(environ, database, redis, Path(folder))
        finally:
            await redis.flushdb()
            await redis.aclose()
            await _execute(postgres, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


def need(name: str) -> str:
    """A variable that `desk` sets."""
    value = os.environ.get(name)
    if not value:
        raise BenchError(f"{name} is not set: run this through ./desk bench")
    return value


def signing_key() -> str:
    """A fresh Ed25519 key as PKCS8 PEM."""
    key = Ed25519PrivateKey.generate()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _other(url: str, database: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path=f"/{database}"))


async def _execute(dsn: str, statement: str) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()
