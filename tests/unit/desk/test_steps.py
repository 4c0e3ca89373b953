"""Progress, logs and failures of the steps of `./desk`."""

import sys
from pathlib import Path

import pytest

from server.local.demo import last_progress
from server.local.steps import Failed, Steps


def test_a_failing_step_shows_the_end_of_its_log_and_how_to_mend_it(tmp_path: Path) -> None:
    steps = Steps(tmp_path)
    code = "print('line', *range(3), sep='\\n'); raise SystemExit(3)"
    with pytest.raises(Failed) as caught:
        steps.run("Breaking", [sys.executable, "-c", code], log="breaking", mend="try again")
    report = caught.value.report()
    assert report.startswith("line\n0\n1\n2\n")
    assert "Breaking failed with status 3" in report
    assert "try again" in report
    assert str(tmp_path / "breaking.log") in report
    assert steps.times == []


def test_a_step_that_went_well_is_one_plain_line_without_a_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    steps = Steps(tmp_path)
    steps.run("Working", [sys.executable, "-c", "print('noise')"], log="working", mend="")
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("  ok   Working  ") and said.err.count("\n") == 1
    assert [what for what, _ in steps.times] == ["Working"]
    assert (tmp_path / "working.log").read_text() == "noise\n"


def test_a_step_never_waits_for_input(tmp_path: Path) -> None:
    Steps(tmp_path).run(
        "Asking", [sys.executable, "-c", "import sys; sys.exit(len(sys.stdin.read()))"], log="a", mend=""
    )


@pytest.mark.parametrize(
    ("log", "line"),
    [
        (b"", ""),
        (b"one\ntwo\n", "two"),
        (b"one\rtwo\rthree", "three"),
        (b"one\n\x1b[2K\rtwo \x07\n\n", "two"),
        (b"x" * 5000 + b"\nlast\n", "last"),
    ],
)
def test_the_status_line_is_the_last_thing_the_simulator_said(tmp_path: Path, log: bytes, line: str) -> None:
    path = tmp_path / "simulator.log"
    path.write_bytes(log)
    assert last_progress(path) == line
