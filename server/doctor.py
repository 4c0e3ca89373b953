"""Looks at every part as it is, starts nothing, and says how to mend what is not well."""

import asyncio
import base64
import json
import os
import resource
import shutil
import socket
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import aiohttp
import asyncpg
from alembic.script import ScriptDirectory
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from redis.asyncio import Redis

from server.local import packages, web
from server.local.checkout import Checkout
from server.pdf import fonts
from storage import migrate, partitions
from storage.redis import connect

from .config import ROOT, Config, ConfigError, load

OK, WARN, FAIL = "ok", "warn", "fail"
NOFILE = 65536  # 20 k sockets a worker, database, logs, and room
VAPID_BYTES = 32
DISK_WARN, DISK_FAIL = 5 * 2**30, 2**30
LOCAL = ("127.0.0.1", "localhost", "::1")
TIMEOUT = aiohttp.ClientTimeout(total=5)


class Finding(NamedTuple):
    """One line of the report; `mend` is empty when all is well."""

    part: str
    state: str
    found: str
    mend: str = ""


def report(environ: Mapping[str, str], *, as_json: bool) -> int:
    """Prints the findings; 1 when one of them is a failure."""
    findings = asyncio.run(examine(environ))
    worst = FAIL if any(f.state == FAIL for f in findings) else OK
    if as_json:
        print(json.dumps({"state": worst, "findings": [f._asdict() for f in findings]}, ensure_ascii=False))
    else:
        print(table(findings))
    return 1 if worst == FAIL else 0


def table(findings: list[Finding]) -> str:
    """The findings for a person to read."""
    width = max(len(finding.part) for finding in findings)
    lines: list[str] = []
    for part, state, found, mend in findings:
        lines.append(f"{state:4}  {part:{width}}  {found}")
        lines += [f"{'':4}  {'':{width}}  -> {line}" for line in mend.splitlines()]
    return "\n".join(lines)


async def examine(environ: Mapping[str, str]) -> list[Finding]:
    """Every finding, in order. A check that breaks is itself a finding."""
    findings = [*_safely("machine", _machine), *_safely("environment", _environment)]
    try:
        config = load(environ)
    except ConfigError as error:
        return [*findings, Finding("settings", FAIL, str(error), "set them, or start with ./desk up")]
    findings += [Finding("settings", OK, "complete")]
    findings += _safely("secrets", lambda: _secrets(config))
    findings += _safely("web page", lambda: _web(config))
    findings += _safely("files", lambda: _files(config))
    findings += _safely("push", lambda: _push(config))
    for part, check in (
        ("PostgreSQL", _postgres),
        ("Redis", _redis),
        ("server", _server),
        ("public address", _public),
    ):
        findings += await _safely_later(part, config, check)
    return findings


def _safely(part: str, check: Callable[[], Iterator[Finding]]) -> list[Finding]:
    try:
        return list(check())
    except Exception as error:  # the doctor outlives what it finds
        return [Finding(part, FAIL, f"{type(error).__name__}: {error}", "this check itself broke")]


async def _safely_later(
    part: str, config: Config, check: Callable[[Config], AsyncIterator[Finding]]
) -> list[Finding]:
    found: list[Finding] = []
    try:
        async for finding in check(config):
            found.append(finding)
    except Exception as error:
        found.append(Finding(part, FAIL, f"{type(error).__name__}: {error}", MEND[part]))
    return found


MEND = {
    "PostgreSQL": "./desk up starts the private one; for another one check DESK_POSTGRES",
    "Redis": "./desk up starts the private one; for another one check DESK_REDIS",
    "server": "./desk up, or ./desk serve; its log is .desk/log/server.log",
    "public address": "check DESK_PUBLIC_URL, DNS and the certificate",
}


def _machine() -> Iterator[Finding]:
    version = ".".join(map(str, sys.version_info[:3]))
    yield Finding("python", OK if sys.version_info >= (3, 11) else FAIL, version)
    postgres, redis = packages.find_postgres(), packages.find_redis()
    yield Finding(
        "programs",
        OK if postgres and redis else WARN,
        f"PostgreSQL in {postgres or 'no place'}, Redis {redis or 'missing'}",
        "" if postgres and redis else f"./desk up installs them when it may.\n{packages.OTHER_WAYS}",
    )
    letters = fonts.found()
    yield Finding(
        "fonts", OK if letters else WARN, "for waybills and trip reports" if letters else "no papers can be drawn",
        "" if letters else f"as root: apt-get install {' '.join(fonts.PACKAGES)}",
    )  # fmt: skip
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    enough = hard == resource.RLIM_INFINITY or hard >= NOFILE
    yield Finding(
        "open files", OK if enough else WARN, f"limit {soft}, up to {hard}",
        "" if enough else f"raise it to {NOFILE}: LimitNOFILE= of systemd, or docker run --ulimit",
    )  # fmt: skip
    free = shutil.disk_usage(ROOT).free
    state = OK if free >= DISK_WARN else WARN if free >= DISK_FAIL else FAIL
    yield Finding(
        "disk", state, f"{free / 2**30:.1f} GiB free", "" if state == OK else "a million points take ~0.2 GiB"
    )


def _environment() -> Iterator[Finding]:
    stamp = ROOT / ".venv" / "desk-stamp"
    if not stamp.is_file():
        yield Finding("packages", OK, f"{sys.prefix}, not made by ./desk")
        return
    kind, digest, place = stamp.read_text().split(" ", 2)
    lock = ROOT / "requirements" / f"{kind}.lock"
    fresh = sha256(lock.read_bytes()).hexdigest().startswith(digest) and Path(place.strip()) == ROOT
    yield Finding(
        "packages", OK if fresh else WARN, f"{kind}.lock {'installed' if fresh else 'has changed since'}",
        "" if fresh else "./desk up installs the new lock",
    )  # fmt: skip


def _secrets(config: Config) -> Iterator[Finding]:
    key = load_pem_private_key(config.signing_key.encode(), password=None)
    right = isinstance(key, Ed25519PrivateKey)
    yield Finding(
        "signing key", OK if right else FAIL, type(key).__name__,
        "" if right else "make one: openssl genpkey -algorithm ed25519 -out signing.pem",
    )  # fmt: skip
    varied = len(set(config.pepper)) >= 10
    yield Finding(
        "pepper", OK if varied else FAIL, f"{len(config.pepper)} characters",
        "" if varied else "give random characters: openssl rand -hex 32",
    )  # fmt: skip
    loose = [
        path.name
        for name in ("secrets.env", "signing.pem", "accounts.json")
        if (path := ROOT / ".desk" / name).is_file() and path.stat().st_mode & 0o077
    ]
    if loose:
        yield Finding(
            "secret files", FAIL, f"others can read {', '.join(loose)}", "chmod 600 .desk/" + loose[0]
        )


def _web(config: Config) -> Iterator[Finding]:
    if not (config.web_dist / "index.html").is_file():
        yield Finding("web page", WARN, f"not built in {config.web_dist}", "./desk up builds it")
        return
    checkout = Checkout()
    own = config.web_dist.resolve() == (web.folder(checkout) / "dist").resolve()
    stale = own and (checkout.state / "stamps" / "web").is_file() and not web.is_fresh(checkout)
    yield Finding(
        "web page", WARN if stale else OK, "older than its sources" if stale else "built",
        "./desk up builds it" if stale else "",
    )  # fmt: skip


def _files(config: Config) -> Iterator[Finding]:
    """Uploads need a folder of their own, which may not be there before the first one."""
    folder = config.files
    there = next(parent for parent in (folder, *folder.parents) if parent.exists())
    if not os.access(there, os.W_OK | os.X_OK):
        yield Finding(
            "files", FAIL, f"cannot write to {there}", "give DESK_FILES a folder of the server's user"
        )
    elif folder.resolve().is_relative_to(config.web_dist.resolve()):
        yield Finding(
            "files", FAIL, f"{folder} is inside the web page", "put DESK_FILES elsewhere: it is private"
        )
    elif shutil.disk_usage(there).free < DISK_FAIL:
        yield Finding("files", FAIL, "less than 1 GiB free", "make room, or put DESK_FILES on another disk")
    else:
        yield Finding("files", OK, f"{folder}")


def _push(config: Config) -> Iterator[Finding]:
    if config.vapid_private_key is None:
        yield Finding("web push", OK, "off: no DESK_VAPID_PRIVATE_KEY")
    else:
        raw = config.vapid_private_key
        size = len(base64.urlsafe_b64decode(raw + "=" * (-len(raw) % 4)))
        yield Finding(
            "web push", OK if size == VAPID_BYTES else FAIL, f"a VAPID key of {size} bytes",
            "" if size == VAPID_BYTES else "a P-256 private key in base64url has 32; ./desk makes one",
        )  # fmt: skip
    if config.fcm_credentials is None:
        yield Finding("fcm", OK, "off: no DESK_FCM_CREDENTIALS")
        return
    project = json.loads(Path(config.fcm_credentials).read_text()).get("project_id")
    installed = find_spec("firebase_admin") is not None
    yield Finding(
        "fcm", OK if project and installed else FAIL, f"project {project}, library there: {installed}",
        "" if project and installed else "give a service account file; pip install tracking-desk[fcm]",
    )  # fmt: skip


async def _postgres(config: Config) -> AsyncIterator[Finding]:
    connection = await asyncpg.connect(config.postgres, timeout=5)
    try:
        major = connection.get_server_version().major
        new = major >= packages.OLDEST_POSTGRES
        yield Finding(
            "PostgreSQL", OK if new else FAIL, f"version {major}", "" if new else "15 or newer is needed"
        )
        unsafe = [n for n in ("fsync", "full_page_writes") if await connection.fetchval(f"SHOW {n}") != "on"]
        if unsafe:
            yield Finding(
                "durability", FAIL, f"{', '.join(unsafe)} is off", "an ack promises storage: turn it on"
            )
        postgis = await connection.fetchval("SELECT extversion FROM pg_extension WHERE extname = 'postgis'")
        yield Finding(
            "PostGIS", OK if postgis else FAIL, postgis or "missing", "" if postgis else "./desk migrate"
        )
        known = await connection.fetchval("SELECT to_regclass('alembic_version') IS NOT NULL")
        at = await connection.fetchval("SELECT version_num FROM alembic_version") if known else None
        head = ScriptDirectory.from_config(migrate.config(config.postgres)).get_current_head()
        yield Finding(
            "schema", OK if at == head else FAIL, f"at {at or 'nothing'}, head is {head}",
            "" if at == head else "./desk migrate",
        )  # fmt: skip
        if at is None:
            return
        existing = {row["relname"] for row in await connection.fetch(partitions.EXISTING)}
        today = datetime.now(UTC).date()
        days = (today, today + timedelta(days=1))
        missing = [name for day in days if (name := partitions.partition_name(day)) not in existing]
        yield Finding(
            "partitions", WARN if missing else OK,
            f"missing {', '.join(missing)}" if missing else f"{len(existing)}, up to tomorrow at least",
            "a running server makes them: ./desk up" if missing else "",
        )  # fmt: skip
    finally:
        await connection.close()


async def _redis(config: Config) -> AsyncIterator[Finding]:
    client: Redis = connect(config.redis)
    try:
        told = await client.info()
        policy = told.get("maxmemory_policy", "noeviction")
        yield Finding(
            "Redis", OK if policy == "noeviction" else WARN, f"version {told['redis_version']}, {policy}",
            "" if policy == "noeviction" else "set maxmemory-policy noeviction: evicted keys are lost trucks",
        )  # fmt: skip
    finally:
        await client.aclose()


async def _server(config: Config) -> AsyncIterator[Finding]:
    host = "127.0.0.1" if config.host in ("0.0.0.0", "::") else config.host
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.settimeout(2)
        if probe.connect_ex((host, config.port)) != 0:
            yield Finding("server", WARN, f"nothing listens at {host}:{config.port}", MEND["server"])
            return
    async with aiohttp.ClientSession(timeout=TIMEOUT) as client:
        async with client.get(f"http://{host}:{config.port}/readyz") as answer:
            ready = answer.status == 200
            found = f"port {config.port}, /readyz {answer.status}: {(await answer.text())[:200]}"
            mend = "" if ready else "a part above is down, or a stranger has this port: set DESK_PORT"
            yield Finding("server", OK if ready else FAIL, found, mend)


async def _public(config: Config) -> AsyncIterator[Finding]:
    """A proxy that forgets the Upgrade header leaves a page that loads and a map that never moves."""
    url = urlsplit(config.public_url)
    if url.hostname in LOCAL:
        return
    if url.scheme != "https":
        yield Finding(
            "public address", WARN, config.public_url, "phones send positions over TLS only: use https"
        )
    async with aiohttp.ClientSession(timeout=TIMEOUT) as client:
        try:
            async with client.ws_connect(f"{config.public_url}/ws", protocols=("desk.v1.json",)) as line:
                yield Finding("public address", OK, f"websocket opened, subprotocol {line.protocol}")
        except aiohttp.WSServerHandshakeError as error:
            yield Finding(
                "public address", FAIL, f"no websocket there: {error.status} {error.message}",
                "the proxy must pass Upgrade and Connection on /ws and speak HTTP/1.1 to us",
            )  # fmt: skip
