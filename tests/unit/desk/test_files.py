"""The files beside the code say the same as the code."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from server.config import VARIABLES

ROOT = Path(__file__).resolve().parents[3]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]


def test_env_example_has_every_setting_and_no_other() -> None:
    named = re.findall(r"^#?([A-Z_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE)
    assert sorted(named) == sorted(VARIABLES)


@pytest.mark.parametrize("name", SERVICES)
def test_a_compose_service_can_be_started_from_what_is_written(name: str) -> None:
    service = SERVICES[name]
    assert "image" in service or "build" in service
    for other, how in service.get("depends_on", {}).items():
        assert other in SERVICES
        if how["condition"] == "service_healthy":
            assert "healthcheck" in SERVICES[other]
        else:
            assert how["condition"] == "service_completed_successfully" and SERVICES[other]["restart"] == "no"
    for volume in service.get("volumes", []):
        assert volume.split(":")[0] in COMPOSE["volumes"]
    for variable in service.get("environment", {}):
        assert not variable.startswith("DESK_") or variable in VARIABLES


def test_compose_takes_no_secret_from_a_default() -> None:
    text = (ROOT / "docker-compose.yml").read_text()
    for secret in ("POSTGRES_PASSWORD", "REDIS_PASSWORD", "DESK_PEPPER", "DESK_SIGNING_KEY"):
        uses = re.findall(rf"\$\{{{secret}([^}}]*)\}}", text)
        assert uses and all(use.startswith(":?") for use in uses)


def test_the_image_copies_only_what_the_ignore_file_lets_through() -> None:
    allowed = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    for line in (ROOT / "Dockerfile").read_text().splitlines():
        if line.startswith("COPY ") and "--from" not in line:
            for source in line.split()[1:-1]:
                assert (ROOT / source).exists(), line
                assert any(Path(source).is_relative_to(one) for one in allowed), line


def test_the_image_does_not_run_as_root() -> None:
    users = re.findall(r"^USER (\S+)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    assert users and users[-1] not in ("root", "0")


def test_every_locked_package_has_a_hash_and_no_server_is_named() -> None:
    for lock in (ROOT / "requirements").glob("*.lock"):
        text = lock.read_text()
        pins = re.findall(r"^[a-z0-9][^\n]*==[^\n]*$", text, re.MULTILINE)
        assert pins and all(pin.endswith("\\") for pin in pins), lock.name
        assert "://" not in text and "--index" not in text, lock.name


@pytest.mark.parametrize("shell", ["dash", "bash"])
def test_the_script_is_plain_shell(shell: str) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not on this machine")
    for script in ("desk", ".ci/run"):
        assert (ROOT / script).stat().st_mode & 0o111
        subprocess.run([shell, "-n", ROOT / script], check=True)


def test_help_names_every_verb_and_a_wrong_one_is_refused() -> None:
    script = (ROOT / "desk").read_text()
    told = subprocess.run([ROOT / "desk", "help"], capture_output=True, text=True, check=True).stdout
    verbs = set(re.findall(r"^([a-z |]+)\) lock=", script, re.MULTILINE))
    for verb in (word for line in verbs for word in line.split(" | ")):
        assert re.search(rf"(\./desk|\|) {verb}\b", told), verb
    wrong = subprocess.run([ROOT / "desk", "dance"], capture_output=True, text=True)
    assert wrong.returncode == 1 and "there is no 'dance'" in wrong.stderr
