"""Only processes that were recorded are ever signalled."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

from server.local.checkout import digest_of, free_port, is_free
from server.local.processes import Record, start, started_at

SLEEP = [sys.executable, "-c", "import time; print('up', flush=True); time.sleep(60)"]
STUBBORN = [
    sys.executable,
    "-c",
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(60)",
]


def launch(command: list[str], tmp_path: Path) -> "tuple[subprocess.Popen[str], Record]":
    """A child that has reached its sleep."""
    record = Record(tmp_path / "child.pid")
    child = start(
        command, record=record, log=tmp_path / "child.log", env=dict(os.environ), stdout=subprocess.PIPE
    )
    assert child.stdout is not None and child.stdout.readline() == "up\n"
    child.stdout.close()
    return child, record


def test_a_recorded_process_is_found_and_ended(tmp_path: Path) -> None:
    child, record = launch(SLEEP, tmp_path)
    assert record.pid() == child.pid
    assert record.stop(grace_s=10)
    assert child.wait() == -signal.SIGTERM
    assert record.pid() is None and not record.path.exists()


def test_a_process_that_ignores_sigterm_is_killed_after_its_grace(tmp_path: Path) -> None:
    child, record = launch(STUBBORN, tmp_path)
    assert record.stop(grace_s=0.2)
    assert child.wait() == -signal.SIGKILL


def test_a_reused_pid_is_not_ours_and_is_left_alone(tmp_path: Path) -> None:
    child, record = launch(SLEEP, tmp_path)
    record.path.write_text(f"{child.pid} 1\n")  # that pid, but started at another time
    assert record.pid() is None
    assert not record.stop(grace_s=1)
    assert child.poll() is None
    child.kill()
    child.wait()


def test_a_broken_record_names_nobody(tmp_path: Path) -> None:
    record = Record(tmp_path / "x.pid")
    for text in ("", "abc", "-1", "12 34 56\n"):
        record.path.write_text(text)
        assert record.pid() is None


def test_a_zombie_counts_as_gone() -> None:
    child = subprocess.Popen([sys.executable, "-c", ""])
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert started_at(child.pid) is None
    child.wait()


def test_the_next_free_port_is_taken_when_the_first_is_in_use() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        assert not is_free("127.0.0.1", port)
        assert port < free_port("127.0.0.1", first=port) < port + 200


def test_a_digest_sees_content_names_and_other_inputs(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    one.write_text("a")
    first = digest_of(tmp_path, [one])
    assert first == digest_of(tmp_path, [one])
    one.write_text("b")
    changed = digest_of(tmp_path, [one])
    one.rename(two)
    renamed = digest_of(tmp_path, [two])
    assert len({first, changed, renamed, digest_of(tmp_path, [two], "v20")}) == 4
