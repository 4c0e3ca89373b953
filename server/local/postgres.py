"""A private PostgreSQL: made once, started on demand, recovered after a crash; TCP with a password."""

import os
import time
from dataclasses import dataclass
from pathlib import Path

from .checkout import Owner
from .processes import command_of
from .steps import Failed

USER = DATABASE = "desk"
START_TRIES = 20
MEND = "see the log; an instance beyond repair is made anew after `./desk down` and removing its data folder"


@dataclass(frozen=True, slots=True)
class Postgres:
    """One instance: `folder` holds its data and log and belongs to `owner`."""

    bin_folder: Path
    folder: Path
    owner: Owner
    port: int
    password: str

    @property
    def dsn(self) -> str:
        """How to reach it."""
        return f"postgresql://{USER}:{self.password}@127.0.0.1:{self.port}/{DATABASE}"

    @property
    def data(self) -> Path:
        """PGDATA."""
        return self.folder / "data"

    @property
    def log(self) -> Path:
        """The server's own log."""
        return self.folder / "postgres.log"

    def pid(self) -> int | None:
        """The postmaster, when the pid file names a live one of this very folder and not a reused pid."""
        try:
            pid = int((self.data / "postmaster.pid").read_text().split()[0])
        except (OSError, ValueError, IndexError):
            return None
        return pid if f"-D {self.data}" in command_of(pid) else None

    def create(self) -> None:
        """initdb, into a folder that gets its name only when it is whole."""
        if self.data.exists():
            return
        half = self.folder / "data.new"
        self.owner.command(["rm", "-rf", half])
        password_file = self.folder / "password"
        self.owner.write(password_file, self.password + "\n")
        try:
            self._must(
                "initdb", "-D", half, "-U", USER, f"--pwfile={password_file}", "--auth=scram-sha-256",
                "--encoding=UTF8", "--locale=C.UTF-8", "--data-checksums",
            )  # fmt: skip
        finally:
            password_file.unlink()
        half.rename(self.data)

    def start(self) -> None:
        """Starts it unless it runs, waits until it answers, and makes sure that the database is there."""
        if self.pid() is None:
            # A reused pid would make PostgreSQL believe that it still runs; `pid` has proven the opposite.
            (self.data / "postmaster.pid").unlink(missing_ok=True)
            self._configure()
            self._start()
        query = f"SELECT 1 FROM pg_database WHERE datname = '{DATABASE}'"
        if self._must("psql", *self._address, "-d", "postgres", "-Atc", query) != "1":
            self._must("createdb", *self._address, DATABASE)

    def stop(self) -> None:
        """Ends sessions, writes a checkpoint and stops."""
        if self.pid() is not None:
            self._must("pg_ctl", "stop", "-D", self.data, "-m", "fast", "-w", "-t", "60")

    def _start(self) -> None:
        # Backends of a killed postmaster leave within a moment and hold its shared memory until then.
        for turn in range(START_TRIES):
            done = self.owner.command(
                [self.bin_folder / "pg_ctl", "start", "-D", self.data, "-l", self.log, "-w", "-t", "120"]
            )
            if done.returncode == 0:
                return
            last = self.log.read_text(errors="replace")[-2000:] if self.log.is_file() else ""
            if "shared memory block" not in last or turn == START_TRIES - 1:
                break
            time.sleep(0.25)
        raise Failed(f"PostgreSQL does not start: {done.stderr.strip()}", MEND, self.log)

    def _configure(self) -> None:
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20
        settings = {
            "listen_addresses": "'127.0.0.1'",
            "port": self.port,
            "unix_socket_directories": "''",
            "max_connections": 200,
            "shared_buffers": f"{min(memory // 4, 1024)}MB",
            "synchronous_commit": "on",  # the promise behind every ack
            "fsync": "on",
            "wal_compression": "on",
            "max_wal_size": "4GB",
            "checkpoint_timeout": "15min",
            "timezone": "'UTC'",
            "log_timezone": "'UTC'",
            "log_line_prefix": "'%m [%p] %d '",
        }
        lines = "".join(f"{name} = {value}\n" for name, value in settings.items())
        self.owner.write(self.data / "postgresql.conf", lines)
        if self.log.is_file() and self.log.stat().st_size > 16 * 2**20:
            self.log.rename(self.log.with_suffix(".log.1"))

    @property
    def _address(self) -> tuple[str, ...]:
        return ("-h", "127.0.0.1", "-p", str(self.port), "-U", USER)

    def _must(self, program: str, *arguments: str | Path) -> str:
        done = self.owner.command([self.bin_folder / program, *arguments], PGPASSWORD=self.password)
        if done.returncode != 0:
            raise Failed(f"{program}: {done.stderr.strip()[-600:]}", MEND, self.log)
        return done.stdout.strip()
