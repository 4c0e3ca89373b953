"""Private PostgreSQL and Redis of one checkout, really started, killed and started again."""

import os
import shutil
import signal
import socket
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import asyncpg
import pytest

from server.local import instances, packages
from server.local.checkout import Checkout
from server.local.postgres import Postgres
from server.local.steps import Steps
from storage.redis import connect

pytestmark = pytest.mark.skipif(
    packages.find_postgres() is None or packages.find_redis() is None,
    reason="PostgreSQL and Redis are not installed here: the stores are given by address",
)


@pytest.fixture
def checkout() -> Iterator[Checkout]:
    """A state folder of this test's own, where the lent user can enter; nothing is left running."""
    state = Path(tempfile.mkdtemp(prefix="desk-state-"))
    state.chmod(0o755)
    made = Checkout(state=state)
    yield made
    instances.stop(made)
    shutil.rmtree(state)


async def value(dsn: str, query: str) -> object:
    """One value from a fresh connection."""
    connection = await asyncpg.connect(dsn)
    try:
        return await connection.fetchval(query)
    finally:
        await connection.close()


async def ping(url: str) -> bool:
    """Whether that Redis takes the password and answers."""
    client = connect(url)
    try:
        return bool(await client.ping())
    finally:
        await client.aclose()


def postmaster(checkout: Checkout) -> int:
    """The running PostgreSQL of the checkout."""
    return int((checkout.data("postgres") / "data" / "postmaster.pid").read_text().split()[0])


def listens(address: str) -> bool:
    """Whether anything accepts at a DSN's or URL's host and port."""
    host, _, port = address.rpartition("@")[2].partition("/")[0].partition(":")
    with socket.socket() as probe:
        return probe.connect_ex((host, int(port))) == 0


async def test_instances_are_durable_private_and_gone_when_the_last_user_leaves(checkout: Checkout) -> None:
    steps = Steps(checkout.logs)
    with instances.running(checkout, steps, {}) as first:
        dsn = first["DESK_POSTGRES"]
        for setting, wanted in (("fsync", "on"), ("synchronous_commit", "on"), ("data_checksums", "on")):
            assert await value(dsn, f"SHOW {setting}") == wanted
        assert await value(dsn, "SELECT count(*) > 0 FROM pg_available_extensions WHERE name = 'postgis'")
        with pytest.raises(asyncpg.InvalidPasswordError):
            await value(dsn.replace("desk:", "desk:not", 1), "SELECT 1")
        assert await ping(first["DESK_REDIS"])
        with instances.running(checkout, steps, {}) as second:  # another ./desk of this checkout
            assert second == first
        assert await value(dsn, "SELECT 1") == 1  # it left, we are still here
        await value(dsn, "CREATE TABLE kept AS SELECT 42 AS answer")
    assert not listens(dsn) and not listens(first["DESK_REDIS"])
    with instances.running(checkout, steps, {}) as again:
        assert again == first  # the same ports and passwords
        assert await value(dsn, "SELECT answer FROM kept") == 42


async def test_a_killed_postgres_is_recovered_by_the_next_start(checkout: Checkout) -> None:
    steps = Steps(checkout.logs)
    with instances.running(checkout, steps, {}) as env:
        await value(env["DESK_POSTGRES"], "CREATE TABLE kept AS SELECT 42 AS answer")
        os.kill(postmaster(checkout), signal.SIGKILL)
    with instances.running(checkout, steps, {}) as again:
        assert await value(again["DESK_POSTGRES"], "SELECT answer FROM kept") == 42


async def test_a_stale_pid_file_with_a_reused_pid_does_not_stop_a_start(checkout: Checkout) -> None:
    steps = Steps(checkout.logs)
    with instances.running(checkout, steps, {}):
        pass
    stale = checkout.data("postgres") / "data" / "postmaster.pid"
    # Somebody else's live process now has the number: this test.
    checkout.owner.write(stale, f"{os.getpid()}\n{stale.parent}\n{int(time.time())}\n5432\n\n127.0.0.1\n")
    with instances.running(checkout, steps, {}) as env:
        assert await value(env["DESK_POSTGRES"], "SELECT 1") == 1


async def test_a_port_that_a_stranger_has_taken_is_chosen_anew(checkout: Checkout) -> None:
    steps = Steps(checkout.logs)
    before = {name: checkout.port(name, keep=True) for name in ("postgres", "redis")}
    with ExitStack() as strangers:
        for port in before.values():
            stranger = strangers.enter_context(socket.socket())
            stranger.bind(("127.0.0.1", port))
            stranger.listen()
        with instances.running(checkout, steps, {}) as env:
            assert await value(env["DESK_POSTGRES"], "SELECT 1") == 1
            assert await ping(env["DESK_REDIS"])
            for name, old in before.items():
                assert checkout.port(name, keep=True) != old


async def test_addresses_in_the_environment_replace_the_private_instances(checkout: Checkout) -> None:
    given = {"DESK_POSTGRES": "postgresql://elsewhere/db", "DESK_REDIS": "redis://elsewhere"}
    with instances.running(checkout, Steps(checkout.logs), given) as env:
        assert {name: env[name] for name in given} == given
        assert not (checkout.state / "postgres" / "data").exists()
        assert len(env["DESK_PEPPER"]) >= 32


async def test_a_half_made_cluster_is_made_anew(checkout: Checkout) -> None:
    half = checkout.data("postgres") / "data.new"
    checkout.owner.command(["sh", "-c", f"mkdir {half} && echo x >{half}/PG_VERSION"])
    with instances.running(checkout, Steps(checkout.logs), {}) as env:
        assert await value(env["DESK_POSTGRES"], "SELECT 1") == 1


def test_an_instance_never_takes_another_folders_server_for_its_own(checkout: Checkout) -> None:
    with instances.running(checkout, Steps(checkout.logs), {}):
        bin_folder = packages.find_postgres()
        assert bin_folder is not None
        other = Postgres(bin_folder, checkout.data("other"), checkout.owner, 1, "x")
        other.owner.command(["mkdir", other.data])
        other.owner.write(other.data / "postmaster.pid", f"{postmaster(checkout)}\n")
        assert other.pid() is None


@pytest.mark.skipif(os.geteuid() != 0, reason="only root lends the instances to another user")
def test_data_lies_elsewhere_when_the_lent_user_cannot_enter_the_checkout() -> None:
    with tempfile.TemporaryDirectory() as closed:  # 0700, of root
        checkout = Checkout(state=Path(closed) / ".desk")
        folder = checkout.data("postgres")
        try:
            assert checkout.owner.reaches(folder)
            assert not folder.is_relative_to(closed)
            assert str(folder.parent) in (checkout.state / "DATA-IS-ELSEWHERE").read_text()
            assert folder == checkout.data("postgres")
        finally:
            shutil.rmtree(folder.parent)
