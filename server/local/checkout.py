"""Where one checkout keeps its state, who owns its data, and which ports it has chosen."""

import fcntl
import hashlib
import json
import os
import pwd
import shutil
import socket
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from .processes import Record
from .steps import Failed

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Owner:
    """Who runs PostgreSQL and Redis: the caller, or `user` in root's stead (PostgreSQL refuses root)."""

    user: str | None

    def command(
        self, command: Iterable[str | Path], *, text: str = "", **more: str
    ) -> "subprocess.CompletedProcess[str]":
        """Runs a command as that user: `text` is its stdin, its output is captured, `more` is environment."""
        environ = {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C.UTF-8", "TZ": "UTC", **more}
        return subprocess.run(
            [str(part) for part in command],
            env=environ,
            cwd="/",
            input=text,
            capture_output=True,
            text=True,
            user=self.user,
            group=None if self.user is None else pwd.getpwnam(self.user).pw_gid,
            extra_groups=None if self.user is None else [],
        )

    def reaches(self, path: Path) -> bool:
        """Whether that user can enter the folder."""
        return self.command(["test", "-x", path]).returncode == 0

    def write(self, path: Path, text: str) -> None:
        """Writes a private file as that user: root must not follow links in a folder that is not its own."""
        done = self.command(["sh", "-c", 'umask 077 && cat >"$1"', "sh", path], text=text)
        if done.returncode != 0:
            raise Failed(f"cannot write {path}: {done.stderr.strip()}", "is the disk full or read-only?")


def find_owner() -> Owner:
    """The caller, or as root: `postgres` of the Debian package, else a system user `desk` that is made."""
    if os.geteuid() != 0:
        return Owner(None)
    for name in ("postgres", "desk"):
        try:
            pwd.getpwnam(name)
            return Owner(name)
        except KeyError:
            continue
    made = subprocess.run(
        ["useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", "desk"],
        capture_output=True,
        text=True,
    )
    if made.returncode != 0:
        raise Failed(
            f"no user to run PostgreSQL as: {made.stderr.strip()}", "make one: useradd --system desk"
        )
    return Owner("desk")


class Checkout:
    """The state folder `.desk/` of one checkout, or another folder in tests."""

    def __init__(self, root: Path = ROOT, state: Path | None = None) -> None:
        self.root = root
        self.state = state or root / ".desk"
        self.logs = self.state / "log"
        self.run = self.state / "run"
        self.owner = find_owner()
        for folder in (self.logs, self.run):
            folder.mkdir(parents=True, exist_ok=True)

    def record(self, name: str) -> Record:
        """The record of a process of that name."""
        return Record(self.run / f"{name}.pid")

    def data(self, name: str) -> Path:
        """The owner's private folder for an instance; outside the checkout when the owner cannot enter it."""
        base = self.state
        if not self.owner.reaches(base):
            digest = hashlib.sha256(str(self.state).encode()).hexdigest()[:12]
            base = Path("/var/lib/tracking-desk") / digest
            base.mkdir(mode=0o755, parents=True, exist_ok=True)
            (self.state / "DATA-IS-ELSEWHERE").write_text(
                f"User {self.owner.user} cannot enter this folder: PostgreSQL and Redis keep their data in\n"
                f"{base}\n"
                "Remove that folder too when you remove this checkout.\n"
            )
            (base / "checkout").write_text(f"{self.root}\n")
        folder = base / name
        if not folder.exists():
            folder.mkdir(mode=0o700)
            if self.owner.user is not None:
                shutil.chown(folder, self.owner.user, pwd.getpwnam(self.owner.user).pw_gid)
        return folder

    def port(self, name: str, keep: bool) -> int:
        """The port of an instance: chosen once; without `keep` chosen again when a stranger has taken it."""
        path = self.state / "ports"
        ports: dict[str, int] = json.loads(path.read_text()) if path.is_file() else {}
        if name not in ports or (not keep and not is_free("127.0.0.1", ports[name])):
            ports[name] = free_port("127.0.0.1", taken=ports.values())
            path.write_text(json.dumps(ports) + "\n")
        return ports[name]

    @contextmanager
    def locked(self, name: str, *, shared: bool = False, wait: bool = True) -> Iterator[bool]:
        """Holds a lock of this checkout; yields False when it is held elsewhere and `wait` is false."""
        with (self.run / f"{name}.lock").open("a") as file:
            try:
                kind = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
                fcntl.flock(file, kind if wait else kind | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
            else:
                yield True

    def fresh(self, name: str, digest: str) -> bool:
        """Whether the step's stamp says that it was done with the same inputs."""
        path = self.state / "stamps" / name
        return path.is_file() and path.read_text() == digest

    def stamp(self, name: str, digest: str) -> None:
        """Remembers that a step was done with these inputs."""
        path = self.state / "stamps" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(digest)


def is_free(host: str, port: int) -> bool:
    """Whether one could listen there now (SO_REUSEADDR: a port in TIME_WAIT is free)."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def free_port(host: str, *, taken: Iterable[int] = (), first: int | None = None) -> int:
    """A free port: the first one from `first` on, or any."""
    if first is not None:
        for port in range(first, min(first + 200, 65536)):
            if is_free(host, port):
                return port
        raise Failed(f"ports {first} to {first + 199} of {host} are all taken", "choose one: DESK_PORT=...")
    while True:
        with socket.socket() as probe:
            probe.bind((host, 0))
            port = int(probe.getsockname()[1])
        if port not in set(taken):
            return port


def digest_of(root: Path, paths: Iterable[Path], *more: str) -> str:
    """A hash over the names and contents of files, in order of name, and of other inputs."""
    total = hashlib.sha256("\0".join(more).encode())
    for path in sorted(paths):
        total.update(f"\0{path.relative_to(root)}\0".encode())
        total.update(hashlib.sha256(path.read_bytes()).digest())
    return total.hexdigest()
