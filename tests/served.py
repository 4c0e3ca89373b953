"""A real server process for tests: its own database, its own secrets, a free port, accounts to use."""

import asyncio
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from dispatch.rights import Grade
from server.app import serve
from server.auth import Tokens as AccessTokens
from server.config import load
from server.provision import Wanted, accounts
from server.services import Services
from storage.postgres import connect_pool
from tracking_desk_client import Api, DriverClient, OperatorClient, PointQueue, ShipperClient, Tokens

ROOT = Path(__file__).resolve().parent.parent
START_S = 30.0
STAFF = "support,moderator,finance"  # the admins after the first, which is a superadmin

# Tests ask without a pause; those of the limits set their own.
NO_LIMIT = "read=9999/99999,write=9999/99999,heavy=9999/99999,anonymous=9999/99999"

# Made up; the check digits are right.
BANK = {
    "DESK_TRANSFER_RECIPIENT": "ТОО «Пример»",
    "DESK_TRANSFER_BIC": "EXAMKZKA",
    "DESK_TRANSFER_ACCOUNTS": "KZT=KZ86125KZT5004100100",
    "DESK_TRANSFER_KASPI_URL": "https://pay.kaspi.kz/pay/example",
}

Account = dict[str, Any]


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def signing_key() -> str:
    """A fresh Ed25519 key."""
    return (
        Ed25519PrivateKey.generate()
        .private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        .decode()
    )


@dataclass
class Server:
    """One `python -m server serve` on a port, with the means to kill it and start it again."""

    dsn: str
    redis_url: str
    folder: Path
    port: int = field(default_factory=free_port)
    workers: int = 1
    secrets: dict[str, str] = field(
        default_factory=lambda: {"DESK_SIGNING_KEY": signing_key(), "DESK_PEPPER": secrets.token_hex(24)}
    )
    extra: dict[str, str] = field(default_factory=dict)
    accounts: dict[str, list[Account]] = field(default_factory=dict)
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> Path:
        """What it wrote to stderr."""
        return self.folder / f"server-{self.port}.log"

    @property
    def environ(self) -> dict[str, str]:
        """Its settings."""
        return {
            **{name: value for name, value in os.environ.items() if not name.startswith("DESK_")},
            "DESK_POSTGRES": self.dsn,
            "DESK_REDIS": self.redis_url,
            "DESK_PORT": str(self.port),
            "DESK_FILES": str(self.folder / "files"),
            "DESK_RATE_LIMITS": NO_LIMIT,
            "DESK_WATCH_HABITS": "off",
            **BANK,
            **self.secrets,
            **self.extra,
        }

    def provision(
        self,
        *,
        drivers: int = 3,
        shippers: int = 2,
        admins: int = 1,
        logisticians: int = 1,
        staff: str = STAFF,
    ) -> None:
        """Makes accounts with tokens for an hour: `admins` superadmins, then staff of the other grades."""
        out = self.folder / f"accounts-{self.port}.json"
        # fmt: off
        subprocess.run(
            [
                sys.executable, "-m", "server", "provision", "--drivers", str(drivers), "--shippers",
                str(shippers), "--admins", str(admins), "--logisticians", str(logisticians), "--staff", staff,
                "--access-hours", "1", "--out", str(out),
            ],
            cwd=ROOT, env=self.environ, check=True, stdout=subprocess.DEVNULL,
        )
        # fmt: on
        self.accounts = json.loads(out.read_text())

    async def start(self) -> None:
        """Starts the process and waits until it is ready."""
        # fmt: off
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(  # noqa: ASYNC220 - a fork of a test, not of a server
                [sys.executable, "-m", "server", "serve", "--workers", str(self.workers)],
                cwd=ROOT, env=self.environ, stderr=log, stdout=subprocess.DEVNULL,
            )
        # fmt: on
        until = time.monotonic() + START_S
        while not await asyncio.to_thread(self._ready):
            if self.process.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"the server did not start:\n{self.log.read_text()[-4000:]}")
            await asyncio.sleep(0.1)

    def _ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/readyz", timeout=2) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    async def stop(self, sign: signal.Signals = signal.SIGTERM) -> int:
        """Ends the process and returns its exit code."""
        if self.process is None:
            return 0
        self.process.send_signal(sign)
        code = await asyncio.to_thread(self.process.wait, 30)
        self.process = None
        return code

    def api(self, account: Account) -> Api:
        """REST as this account."""
        return Api(self.url, Tokens.stored(account["access"], account["refresh"]))

    @asynccontextmanager
    async def driver(self, number: int = 0, queue: PointQueue | None = None) -> AsyncIterator[DriverClient]:
        """A connected driver."""
        account = self.accounts["drivers"][number]
        async with self.api(account) as api:
            client = DriverClient(api, account["device"], account["device_secret"], queue or PointQueue(None))
            async with client:
                await client.connection.wait_connected()
                yield client

    @asynccontextmanager
    async def shipper(self, number: int = 0) -> AsyncIterator[ShipperClient]:
        """A connected shipper."""
        async with (
            self.api(self.accounts["shippers"][number]) as api,
            ShipperClient(api) as client,
        ):
            yield client

    @asynccontextmanager
    async def operator(self, number: int = 0) -> AsyncIterator[OperatorClient]:
        """A connected operator."""
        async with self.api(self.accounts["admins"][number]) as api, OperatorClient(api) as client:
            yield client


@dataclass
class LocalServer(Server):
    """The same server in the test's own event loop: real sockets, a fifth of the start-up time."""

    services: Services = field(init=False)
    _stop: asyncio.Event = field(default_factory=asyncio.Event)
    _task: "asyncio.Task[None] | None" = None

    async def start(self) -> None:
        """Serves in this process until `stop`."""
        config = load(self.environ)
        self.accounts = await self.accounts_again()
        ready: asyncio.Future[Services] = asyncio.get_running_loop().create_future()
        self._task = asyncio.create_task(serve(config, self._stop, on_ready=ready.set_result))
        await asyncio.wait((self._task, ready), return_when=asyncio.FIRST_COMPLETED)
        if self._task.done():
            await self._task
        self.services = await ready

    async def accounts_again(self) -> dict[str, list[Account]]:
        """The same accounts with a new sign-in each."""
        config = load(self.environ)
        pool = await connect_pool(config.postgres, name="provision", size=1)
        grades = tuple(Grade(grade) for grade in STAFF.split(","))
        wanted = Wanted(drivers=3, shippers=2, admins=1, logisticians=1, staff=grades, access_hours=1)
        made = await accounts(pool, AccessTokens(config.signing_key), wanted, time.time())
        await pool.close()
        return made

    async def stop(self, sign: signal.Signals = signal.SIGTERM) -> int:
        """Drains and ends."""
        self._stop.set()
        if self._task is not None:
            await self._task
        return 0


@asynccontextmanager
async def serving(
    dsn: str, redis_url: str, folder: Path, *, workers: int = 1, extra: dict[str, str] | None = None
) -> AsyncIterator[Server]:
    """A server that is ready, with accounts; ended with the block."""
    server = Server(dsn, redis_url, folder, workers=workers, extra=extra or {})
    server.provision()
    await server.start()
    try:
        yield server
    finally:
        await server.stop()
