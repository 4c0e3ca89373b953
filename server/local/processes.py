"""Which processes are ours: recorded by pid and start time, so that a reused pid is never signalled."""

import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


def started_at(pid: int) -> str | None:
    """Start time of a live process, in clock ticks after boot; None when it is gone or a zombie."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    fields = stat.rpartition(")")[2].split()  # after the name, which may hold spaces: state is the first
    return None if fields[0] in "ZX" else fields[19]


def command_of(pid: int) -> str:
    """The command line of a process, or nothing."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
    except OSError:
        return ""


@dataclass(frozen=True, slots=True)
class Record:
    """A process that this checkout started, as kept in a file `<pid> <start>`."""

    path: Path

    def write(self, pid: int) -> None:
        """Remembers a live process."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_text(f"{pid} {started_at(pid)}\n")

    def pid(self) -> int | None:
        """Its pid while it lives and is the one that was recorded."""
        try:
            pid, _, start = self.path.read_text().strip().partition(" ")
            return int(pid) if started_at(int(pid)) == start else None
        except (OSError, ValueError):
            return None

    def stop(self, grace_s: float, sign: signal.Signals = signal.SIGTERM) -> bool:
        """Asks it to end, waits, then kills its group. True when there was something to stop."""
        pid = self.pid()
        if pid is not None:
            os.kill(pid, sign)
            if not self._gone(grace_s):
                # Its own session (see `start`), so the group is this process and its children, nobody else's.
                if os.getpgid(pid) == pid:
                    os.killpg(pid, signal.SIGKILL)
                else:
                    os.kill(pid, signal.SIGKILL)
                self._gone(5)
        self.path.unlink(missing_ok=True)
        return pid is not None

    def _gone(self, within_s: float) -> bool:
        deadline = time.monotonic() + within_s
        while self.pid() is not None:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.05)
        return True


def start(
    command: Sequence[str | Path],
    *,
    record: Record,
    log: Path,
    env: Mapping[str, str],
    stdout: int | None = None,
    cwd: Path | None = None,
) -> subprocess.Popen[str]:
    """Starts a child in its own session, so that Ctrl-C reaches only us and children are ended in order."""
    with log.open("ab") as file:
        child = subprocess.Popen(
            command,
            env=env,
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=file if stdout is None else stdout,
            stderr=file,
            start_new_session=True,
            text=True,
        )
    record.write(child.pid)
    return child
