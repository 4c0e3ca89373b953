"""The private PostgreSQL and Redis of a checkout: shared by its commands, stopped by the last one."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from . import keyring, packages
from .checkout import Checkout
from .postgres import Postgres
from .redis import Redis
from .steps import Failed, Steps

REDIS, REDIS_OF_TESTS = "redis", "redis-of-tests"
IN_USE = "instances-in-use"
STARTING = "instances-starting"


@contextmanager
def running(
    checkout: Checkout, steps: Steps, environ: Mapping[str, str], *, redis: str = REDIS
) -> Iterator[dict[str, str]]:
    """Starts what the environment does not name, and yields the whole environment of a server process.

    `redis` names the instance: tests have their own, because channels are shared by all databases of a Redis.
    """
    try:
        with checkout.locked(IN_USE, shared=True):
            with checkout.locked(STARTING):
                whole = _start(checkout, steps, environ, redis)
            yield whole
    finally:
        stop(checkout)


def stop(checkout: Checkout) -> bool:
    """Stops them, unless another command of this checkout uses them. True when nobody does."""
    with checkout.locked(IN_USE, wait=False) as alone:
        if alone:
            secrets = keyring.load(checkout.state)
            for name in (REDIS_OF_TESTS, REDIS):
                redis = _redis(checkout, name, secrets)
                if redis is not None:
                    redis.stop()
            postgres = _postgres(checkout, secrets)
            if postgres is not None:
                postgres.stop()
    return alone


def environment(checkout: Checkout, environ: Mapping[str, str]) -> dict[str, str]:
    """Secrets and DSNs of this checkout below what the caller's environment says; starts nothing."""
    secrets = keyring.load(checkout.state)
    postgres = _postgres(checkout, secrets)
    redis = _redis(checkout, REDIS, secrets)
    return {
        **_settings(secrets),
        **({"DESK_POSTGRES": postgres.dsn} if postgres else {}),
        **({"DESK_REDIS": redis.url} if redis else {}),
        **_given(environ),
    }


def _start(checkout: Checkout, steps: Steps, environ: Mapping[str, str], redis_name: str) -> dict[str, str]:
    secrets = keyring.load(checkout.state)
    whole = _settings(secrets)
    if not environ.get("DESK_POSTGRES"):
        postgres = _postgres(checkout, secrets, choose=True)
        if postgres is None:
            raise Failed("PostgreSQL is not installed", packages.OTHER_WAYS)
        _show(checkout, postgres.log)
        if not postgres.data.exists():
            with steps.step("PostgreSQL: a new private instance"):
                postgres.create()
        with steps.step(f"PostgreSQL on port {postgres.port}"):
            postgres.start()
        whole["DESK_POSTGRES"] = postgres.dsn
    if not environ.get("DESK_REDIS"):
        redis = _redis(checkout, redis_name, secrets, choose=True)
        if redis is None:
            raise Failed("Redis is not installed", packages.OTHER_WAYS)
        _show(checkout, redis.log)
        with steps.step(f"Redis on port {redis.port}"):
            redis.start()
        whole["DESK_REDIS"] = redis.url
    return {**whole, **_given(environ)}


def _settings(secrets: Mapping[str, str]) -> dict[str, str]:
    """The secrets that the server reads; passwords travel inside the DSNs."""
    return {name: value for name, value in secrets.items() if name.startswith("DESK_")}


def _given(environ: Mapping[str, str]) -> dict[str, str]:
    """The caller's environment, where an empty setting means none."""
    return {name: value for name, value in environ.items() if value or not name.startswith("DESK_")}


def _postgres(checkout: Checkout, secrets: Mapping[str, str], *, choose: bool = False) -> Postgres | None:
    """The instance on its port; with `choose` on another one when it is down and a stranger has its port."""
    bin_folder = packages.find_postgres()
    if bin_folder is None:
        return None
    made = Postgres(
        bin_folder,
        checkout.data("postgres"),
        checkout.owner,
        checkout.port("postgres", keep=True),
        secrets["POSTGRES_PASSWORD"],
    )
    if choose and made.pid() is None:
        made = replace(made, port=checkout.port("postgres", keep=False))
    return made


def _redis(
    checkout: Checkout, name: str, secrets: Mapping[str, str], *, choose: bool = False
) -> Redis | None:
    """The same for Redis."""
    program = packages.find_redis()
    if program is None:
        return None
    made = Redis(
        program,
        checkout.data(name),
        checkout.owner,
        checkout.port(name, keep=True),
        secrets["REDIS_PASSWORD"],
    )
    if choose and made.pid() is None:
        made = replace(made, port=checkout.port(name, keep=False))
    return made


def _show(checkout: Checkout, log: Path) -> None:
    """A link among the other logs."""
    link = checkout.logs / log.name
    if not link.is_symlink():
        link.symlink_to(log)
    elif os.readlink(link) != str(log):
        link.unlink()
        link.symlink_to(log)
