"""What must be on the machine: PostgreSQL with PostGIS, Redis, and Chromium for the tests."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from server.pdf import fonts

from .steps import Failed, Steps, say

OLDEST_POSTGRES = 15
APT_INSTALL = ("apt-get", "-o", "DPkg::Lock::Timeout=120", "install", "-y", "--no-install-recommends")
POLICY = Path("/usr/sbin/policy-rc.d")
OTHER_WAYS = """Other ways: `docker compose up` (see docker-compose.yml), or servers of yours:
  DESK_POSTGRES=postgresql://user:password@host/db DESK_REDIS=redis://host:6379/0 ./desk up"""


def find_postgres() -> Path | None:
    """The bin folder of the newest PostgreSQL >= 15 that has PostGIS beside it."""
    candidates = [path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/pg_ctl")]
    on_path = shutil.which("pg_config")
    if on_path:
        bindir = subprocess.run([on_path, "--bindir"], capture_output=True, text=True).stdout.strip()
        if bindir and (Path(bindir) / "pg_ctl").is_file():
            candidates.append(Path(bindir))
    usable = [(_major(path), path) for path in candidates]
    return max((found for found in usable if found[0] >= OLDEST_POSTGRES), default=(0, None))[1]


def _major(bin_folder: Path) -> int:
    """Its major version, or 0 when PostGIS is not beside it."""

    def told(*command: str) -> str:
        return subprocess.run([bin_folder / command[0], *command[1:]], capture_output=True, text=True).stdout

    version = re.search(r"\(PostgreSQL\) (\d+)", told("postgres", "-V"))
    extension = Path(told("pg_config", "--sharedir").strip()) / "extension" / "postgis.control"
    return int(version[1]) if version and extension.is_file() else 0


def find_redis() -> str | None:
    """redis-server, also where a plain user's PATH lacks sbin."""
    return shutil.which(
        "redis-server", path=f"{os.environ.get('PATH', '')}:/usr/bin:/usr/sbin:/usr/local/bin"
    )


def find_chromium() -> str | None:
    """Debian's browser, for the tests."""
    return shutil.which("chromium")


def prepare(steps: Steps, *, postgres: bool, redis: bool, browser: bool) -> None:
    """Makes sure that what is asked for is installed; raises Failed with the ways out.

    Without the fonts of waybills and reports everything else works: where they cannot be installed, that is said.
    """
    wanted: list[tuple[str, Callable[[], object], list[str]]] = []
    if postgres:
        wanted.append(("PostgreSQL 15 with PostGIS", find_postgres, _postgres_packages()))
    if redis:
        wanted.append(("Redis", find_redis, ["redis-server"]))
    if browser:
        wanted.append(("Chromium", find_chromium, ["chromium", "fonts-noto-core", "fonts-noto-cjk"]))
    missing = [(what, packages) for what, found, packages in wanted if not found()]
    letters = [] if fonts.found() else [("fonts of papers", list(fonts.PACKAGES))]
    if missing:
        _install_all(steps, missing + letters)
    elif letters:
        try:
            _install_all(steps, letters)
        except Failed:
            say(f"  no waybills as PDF: apt-get install {' '.join(fonts.PACKAGES)}")
    for what, found, packages in wanted:
        if not found():
            raise Failed(
                f"{what} is still missing after installing",
                f"apt-get install {' '.join(packages)}\n{OTHER_WAYS}",
            )


def _install_all(steps: Steps, missing: Sequence[tuple[str, list[str]]]) -> None:
    names = [name for _, packages in missing for name in packages]
    _install(steps, " and ".join(what for what, _ in missing), names)


def _postgres_packages() -> list[str]:
    """The oldest supported major that this release of Debian or Ubuntu has."""
    for major in range(OLDEST_POSTGRES, OLDEST_POSTGRES + 4):
        if shutil.which("apt-cache") is None:
            break
        known = subprocess.run(["apt-cache", "show", f"postgresql-{major}-postgis-3"], capture_output=True)
        if known.returncode == 0:
            return [f"postgresql-{major}", f"postgresql-{major}-postgis-3"]
    return [f"postgresql-{OLDEST_POSTGRES}", f"postgresql-{OLDEST_POSTGRES}-postgis-3"]


def _install(steps: Steps, what: str, packages: Sequence[str]) -> None:
    by_hand = f"as root: apt-get install --no-install-recommends {' '.join(packages)}\n{OTHER_WAYS}"
    if shutil.which("apt-get") is None:
        raise Failed(f"{what} is missing and this is no Debian", OTHER_WAYS)
    privileged = _privileged(what, by_hand)
    say(f"  {what}: installing {' '.join(packages)}")
    steps.run("Debian package lists", [*privileged, "apt-get", "update"], log="apt", mend=by_hand)
    with _services_stay_down(privileged):
        steps.run(
            f"{what} from Debian",
            [*privileged, "DEBIAN_FRONTEND=noninteractive", *APT_INSTALL, *packages],
            log="apt",
            mend=by_hand,
        )


def _privileged(what: str, by_hand: str) -> list[str]:
    """The words before a command that needs root; asks for a password only a person at a terminal."""
    if os.geteuid() == 0:
        return ["env"]
    if shutil.which("sudo"):
        if subprocess.run(["sudo", "-n", "true"], capture_output=True).returncode == 0:
            return ["sudo", "-n", "env"]
        if sys.stdin.isatty():
            say(f"  {what} is missing: sudo will ask for your password to install it")
            if subprocess.run(["sudo", "-v"]).returncode == 0:
                return ["sudo", "env"]
    raise Failed(f"{what} is missing, and installing it needs root", by_hand)


@contextmanager
def _services_stay_down(privileged: Sequence[str]) -> Iterator[None]:
    """Keeps the packages from starting servers of their own. A policy of the machine's wins."""
    if POLICY.exists():
        yield
        return
    made = f"printf '#!/bin/sh\\nexit 101\\n' >{POLICY} && chmod 755 {POLICY}"
    subprocess.run([*privileged, "sh", "-c", made], check=True, stdin=subprocess.DEVNULL)
    try:
        yield
    finally:
        subprocess.run([*privileged, "rm", "-f", str(POLICY)], check=False, stdin=subprocess.DEVNULL)
