"""One line of progress a step, a log of each, and how to mend what failed."""

import os
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

TAIL_LINES = 25


class Failed(Exception):
    """A step cannot be done; `mend` says what a person does about it."""

    def __init__(self, what: str, mend: str, log: Path | None = None) -> None:
        super().__init__(what)
        self.what = what
        self.mend = mend
        self.log = log

    def report(self) -> str:
        """What to print before leaving."""
        lines = [f"desk: {self.what}", f"  {self.mend}"]
        if self.log is not None and self.log.is_file():
            lines = [*tail(self.log, TAIL_LINES), *lines, f"  the whole log: {self.log}"]
        return "\n".join(lines)


def tail(path: Path, lines: int) -> list[str]:
    """The last lines of a text file."""
    with path.open(encoding="utf-8", errors="replace") as file:
        return [line.rstrip("\n") for line in deque(file, lines)]


def say(text: str) -> None:
    """A line for the person; stdout is kept for results."""
    print(text, file=sys.stderr, flush=True)


class Steps:
    """Shows and logs the steps of one start; on a terminal the running one ticks."""

    def __init__(self, logs: Path) -> None:
        self._logs = logs
        self._tty = sys.stderr.isatty()
        self.times: list[tuple[str, float]] = []
        logs.mkdir(parents=True, exist_ok=True)

    def log(self, name: str) -> Path:
        """Where the step or service of that name writes."""
        return self._logs / f"{name}.log"

    @contextmanager
    def step(self, what: str, log: Path | None = None) -> Iterator[None]:
        """Times a block, and prints its line when it is done."""
        began = time.monotonic()
        done = threading.Event()
        ticker = threading.Thread(target=self._tick, args=(what, began, done, log), daemon=True)
        if self._tty:
            ticker.start()
        try:
            yield
        except BaseException:
            self._end(ticker, done)
            say(f"  FAIL {what}  {time.monotonic() - began:.1f}s")
            raise
        self._end(ticker, done)
        self.times.append((what, time.monotonic() - began))
        say(f"  ok   {what}  {self.times[-1][1]:.1f}s")

    def run(
        self,
        what: str,
        command: Sequence[str | Path],
        *,
        log: str,
        mend: str,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
    ) -> None:
        """Runs a command as a step, its output in the log; raises Failed with the log's tail."""
        path = self.log(log)
        with self.step(what, path), path.open("wb") as file:
            status = subprocess.run(
                command, cwd=cwd, env=env, stdin=subprocess.DEVNULL, stdout=file, stderr=file
            ).returncode
            if status != 0:
                raise Failed(f"{what} failed with status {status}", mend, path)

    def _end(self, ticker: threading.Thread, done: threading.Event) -> None:
        done.set()
        if self._tty:
            ticker.join()
            print("\r\033[K", end="", file=sys.stderr, flush=True)

    def _tick(self, what: str, began: float, done: threading.Event, log: Path | None) -> None:
        for turn in range(1_000_000):
            last = tail(log, 1) if log is not None and log.is_file() else []
            line = f"{'|/-+'[turn % 4]}    {what}  {time.monotonic() - began:.0f}s"
            if last:
                line += f"  {last[0].strip()}"
            width = os.get_terminal_size(sys.stderr.fileno()).columns
            printable = "".join(c for c in line if c.isprintable())
            print(f"\r\033[K  {printable[: max(width - 4, 20)]}", end="", file=sys.stderr, flush=True)
            if done.wait(0.2):
                return
