"""A private Redis: memory only, 127.0.0.1, with a password. It holds copies, so it may always start empty."""

import os
import socket
import time
from dataclasses import dataclass
from pathlib import Path

from .checkout import Owner
from .processes import Record, command_of
from .steps import Failed

MEND = "see the log; then ./desk down and ./desk up"


@dataclass(frozen=True, slots=True)
class Redis:
    """One instance: `folder` belongs to `owner`."""

    program: str
    folder: Path
    owner: Owner
    port: int
    password: str

    @property
    def url(self) -> str:
        """How to reach it."""
        return f"redis://:{self.password}@127.0.0.1:{self.port}/0"

    @property
    def log(self) -> Path:
        """The server's own log."""
        return self.folder / "redis.log"

    def pid(self) -> int | None:
        """The process, when the pid file names a live Redis of this very folder and not a reused pid."""
        try:
            pid = int((self.folder / "redis.pid").read_text())
            at_home = os.readlink(f"/proc/{pid}/cwd") == str(self.folder)  # `dir` in its settings
        except (OSError, ValueError):
            return None
        return pid if at_home and "redis-server" in command_of(pid) else None

    def start(self) -> None:
        """Starts it when it is not running and waits until it answers."""
        if self.pid() is None:
            (self.folder / "redis.pid").unlink(missing_ok=True)
            settings = self.folder / "redis.conf"
            self.owner.write(settings, self._settings())
            done = self.owner.command([self.program, settings])
            if done.returncode != 0:
                raise Failed(f"Redis does not start: {done.stdout.strip()[-400:]}", MEND, self.log)
        deadline = time.monotonic() + 10
        while not self.answers():
            if time.monotonic() > deadline:
                raise Failed("Redis does not answer", MEND, self.log)
            time.sleep(0.03)

    def answers(self) -> bool:
        """Whether it takes our password and replies."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as line:
                line.sendall(f"AUTH {self.password}\r\nPING\r\n".encode())
                reply = b""
                while reply.count(b"\r\n") < 2:
                    more = line.recv(256)
                    if not more:
                        break
                    reply += more
        except OSError:
            return False
        return reply == b"+OK\r\n+PONG\r\n"

    def stop(self) -> None:
        """Ends it."""
        pid = self.pid()
        if pid is not None:
            record = Record(self.folder / "redis.stopping")
            record.write(pid)
            record.stop(grace_s=10)

    def _settings(self) -> str:
        return f"""\
bind 127.0.0.1
port {self.port}
requirepass {self.password}
daemonize yes
dir "{self.folder}"
pidfile "{self.folder}/redis.pid"
logfile "{self.log}"
appendonly no
save ""
maxmemory 512mb
maxmemory-policy noeviction
# A worker that stays behind is cut off and warms up again, instead of growing Redis.
client-output-buffer-limit pubsub 64mb 16mb 60
"""
