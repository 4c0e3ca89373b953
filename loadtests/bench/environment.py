"""What a bench stands on: its own database, its own Redis, fresh secrets, accounts."""

import asyncio
import contextlib
import json
import os
import secrets
import shutil
import socket
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import asyncpg
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from redis.asyncio import Redis
from redis.exceptions import RedisError

from .processes import BenchError, Served, alive, cpu_seconds, process, run_tool, served
from .sockets import Account

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

    async def seed(self, **counts: int) -> None:
        """A made-up market by the operator's command: `orders`, `drivers`, `searches`, `seed`."""
        options = [word for name, count in counts.items() for word in (f"--{name}", str(count))]
        await run_tool("server", "seed", *options, environ=self.environ)
        await self.database.execute("ANALYZE")

    async def match_times(self, orders: int) -> dict[str, list[float]]:
        """Of so many orders how many seconds each one's match took, and how many drivers it found."""
        file = self._folder / "match-times.json"
        await run_tool(
            "server", "match-times", "--orders", str(orders), "--out", str(file), environ=self.environ
        )
        told: dict[str, list[float]] = json.loads(file.read_text())
        return told

    async def due_renewals(self, users: int) -> dict[str, list[float]]:
        """So many subscriptions that can be renewed; seconds of asking for access, and of not asking."""
        file = self._folder / "due-renewals.json"
        await run_tool(
            "server", "due-renewals", "--users", str(users), "--out", str(file), environ=self.environ
        )
        told: dict[str, list[float]] = json.loads(file.read_text())
        return told

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
    """Makes it all on the server of DESK_POSTGRES and on a Redis of its own; removes it whatever happens."""
    postgres = need("DESK_POSTGRES")
    name = f"desk_bench_{os.getpid()}_{secrets.token_hex(4)}"
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="desk-bench-")))
        redis_url = await stack.enter_async_context(_private_redis(folder))
        redis = Redis.from_url(redis_url)
        stack.push_async_callback(redis.aclose)
        try:
            await _execute(postgres, f"CREATE DATABASE {name}")
        except (OSError, asyncpg.PostgresError) as error:
            raise BenchError(f"PostgreSQL must be up and let us make a database: {error}") from None
        stack.push_async_callback(_execute, postgres, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        environ = dict(os.environ) | {
            "DESK_POSTGRES": _database(postgres, name),
            "DESK_REDIS": redis_url,
            "DESK_SIGNING_KEY": signing_key(),
            "DESK_PEPPER": secrets.token_hex(32),
            "DESK_LOG_LEVEL": "WARNING",
            "DESK_WATCH_HABITS": "off",
            # Few accounts ask for many: the limits would be measured instead.
            "DESK_RATE_LIMITS": "read=9999/99999,write=9999/99999,heavy=9999/99999,anonymous=9999/99999",
        }
        await run_tool("server", "migrate", environ=environ)
        database = await stack.enter_async_context(
            asyncpg.create_pool(environ["DESK_POSTGRES"], min_size=1, max_size=2)
        )
        yield Environment(environ, database, redis, folder)


@asynccontextmanager
async def _private_redis(folder: Path) -> AsyncIterator[str]:
    """A Redis that ends with the bench. Channels of one Redis are common to all its databases, so on a shared
    one the bench would tell the phones of a live installation that they have connected elsewhere."""
    program = shutil.which("redis-server")
    if program is None:
        raise BenchError("there is no redis-server on PATH: the bench needs one of its own")
    port = free_port()
    async with process(
        program, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no",
        "--dir", str(folder), environ=os.environ,
    ):  # fmt: skip
        url = f"redis://127.0.0.1:{port}/0"
        async with Redis.from_url(url) as probe:
            for _ in range(100):
                with contextlib.suppress(OSError, RedisError):
                    await probe.ping()
                    break
                await asyncio.sleep(0.05)
            else:
                raise BenchError("the bench's own Redis did not start")
        yield url


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


def _database(url: str, database: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path=f"/{database}"))


async def _execute(dsn: str, statement: str) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()
