"""The product without `assert` (control C44): the order path, signing in and the codecs under `python -O`."""

import subprocess
import sys

from tests.served import ROOT

SUBSET = (
    "tests/unit/dispatch",
    "tests/unit/identity",
    "tests/unit/protocol/test_codec.py",
    "tests/integration/dispatch",
    "tests/integration/bids/test_bids.py",
    "tests/integration/http/test_once.py",
    "tests/integration/identity/test_identity.py",
)
# pytest says that -O leaves out assertions of plugins; those of test modules it writes anew as ifs.
QUIET = (
    "-q",
    "-p",
    "no:cacheprovider",
    "-W",
    "ignore::pytest.PytestConfigWarning",
    "-W",
    "ignore::pytest.PytestAssertRewriteWarning",
)


def test_the_order_path_and_signing_in_work_without_asserts() -> None:
    probe = [sys.executable, "-O", "-c", "assert False; print(__debug__)"]
    assert subprocess.run(probe, capture_output=True, text=True, check=True).stdout == "False\n"
    command = [sys.executable, "-O", "-m", "pytest", *QUIET, *SUBSET]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    assert " passed" in done.stdout
