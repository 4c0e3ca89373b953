"""Accounts to drive the system with: a provisioned file, or made for this run by the operator's command."""

import asyncio
import json
import os
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from tracking_desk_client import Api, DriverClient, OperatorClient, PointQueue, ShipperClient, Tokens

APP = "loadtests"


@dataclass(frozen=True, slots=True)
class Account:
    """Who signs in, with tokens that outlive the run."""

    user: int
    access: str
    refresh: str | None


@dataclass(frozen=True, slots=True)
class DriverAccount(Account):
    """A driver with one device and one vehicle."""

    device: int
    device_secret: str
    body: str
    capacity_kg: float
    volume_m3: float


@dataclass(frozen=True, slots=True)
class Accounts:
    """Everybody that a run may play, and where."""

    url: str
    drivers: tuple[DriverAccount, ...]
    shippers: tuple[Account, ...]
    admins: tuple[Account, ...]

    def need(self, drivers: int, shippers: int = 0, admins: int = 0) -> None:
        """Raises SystemExit with a sentence when there are too few accounts."""
        for name, wanted in (("drivers", drivers), ("shippers", shippers), ("admins", admins)):
            got = len(getattr(self, name))
            if got < wanted:
                raise SystemExit(f"the accounts file has {got} {name} and the run needs {wanted}")


def read_accounts(path: Path, url: str | None = None) -> Accounts:
    """The file that `python -m server provision` writes; `url` overrides the one inside."""
    whole = json.loads(path.read_text())
    return Accounts(
        url=(url or whole["url"]).rstrip("/"),
        drivers=tuple(
            DriverAccount(
                *_account(one), one["device"], one["device_secret"], one["body"], one["capacity_kg"],
                one["volume_m3"],
            )
            for one in whole["drivers"]
        ),
        shippers=tuple(Account(*_account(one)) for one in whole["shippers"]),
        admins=tuple(Account(*_account(one)) for one in whole["admins"]),
    )  # fmt: skip


async def provision(url: str | None, drivers: int, shippers: int, admins: int, prefix: str) -> Accounts:
    """Have the server's operator command make the accounts; needs its database and signing key here.

    Raises SystemExit with the command's own words when it fails.
    """
    with tempfile.TemporaryDirectory(prefix="desk-accounts-") as folder:
        path = Path(folder) / "accounts.json"
        counts = ["--drivers", str(drivers), "--shippers", str(shippers), "--admins", str(admins)]
        more = ["--prefix", prefix, "--access-hours", "24", "--out", str(path)]
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "server", "provision", *counts, *more,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        said, _ = await process.communicate()
        if process.returncode:
            raise SystemExit(f"accounts could not be made:\n{said.decode(errors='replace')[-2000:]}")
        return read_accounts(path, url or os.environ.get("DESK_URL"))


class Troupe:
    """Clients of many accounts in one process: they share the HTTP pool and keep their points in memory."""

    def __init__(self, accounts: Accounts, http: aiohttp.ClientSession) -> None:
        self.accounts = accounts
        self._http = http

    def driver(self, account: DriverAccount) -> DriverClient:
        """A client of one driver."""
        return DriverClient(self._api(account), account.device, account.device_secret, PointQueue(), app=APP)

    def shipper(self, account: Account) -> ShipperClient:
        """A client of one shipper."""
        return ShipperClient(self._api(account), app=APP)

    def operator(self, account: Account) -> OperatorClient:
        """A client of one operator."""
        return OperatorClient(self._api(account), app=APP)

    def _api(self, account: Account) -> Api:
        return Api(self.accounts.url, Tokens.stored(account.access, account.refresh), http=self._http)


def pool() -> aiohttp.ClientSession:
    """HTTP connections without a bound: each simulated client holds a socket."""
    return aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))


def _account(one: dict[str, Any]) -> tuple[int, str, str | None]:
    return one["user"], one["access"], one.get("refresh")
