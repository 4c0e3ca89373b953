"""Settings: every problem at once, no secret in a repr, no variable undocumented."""

from pathlib import Path

import pytest

from server.config import VARIABLES, ConfigError, load
from tests.served import ROOT, signing_key

GOOD = {
    "DESK_POSTGRES": "postgresql://desk@127.0.0.1/desk",
    "DESK_REDIS": "redis://127.0.0.1/0",
    "DESK_SIGNING_KEY": signing_key(),
    "DESK_PEPPER": "k3Jd93jf0sdkf93jf9sdkfj3909fk309fk",
}


def test_defaults_need_no_outside_account() -> None:
    config = load(GOOD)
    assert (config.host, config.port, config.public_url) == ("127.0.0.1", 8080, "http://127.0.0.1:8080")
    assert config.fcm_credentials is None


def test_all_problems_are_told_at_once() -> None:
    with pytest.raises(ConfigError) as error:
        load({"DESK_PORT": "http", "DESK_LOG_LEVEL": "LOUD"})
    for name in (
        "DESK_POSTGRES",
        "DESK_REDIS",
        "DESK_SIGNING_KEY",
        "DESK_PEPPER",
        "DESK_PORT",
        "DESK_LOG_LEVEL",
    ):
        assert name in str(error.value)


@pytest.mark.parametrize("pepper", ["short", "change-me-change-me-change-me-change-me", ""])
def test_a_short_or_sample_secret_is_refused(pepper: str) -> None:
    with pytest.raises(ConfigError, match="DESK_PEPPER"):
        load({**GOOD, "DESK_PEPPER": pepper})


def test_secrets_are_not_in_the_repr() -> None:
    text = repr(load(GOOD))
    assert GOOD["DESK_PEPPER"] not in text
    assert "PRIVATE KEY" not in text
    assert "postgresql" not in text


def test_a_key_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "key.pem"
    path.write_text(GOOD["DESK_SIGNING_KEY"])
    assert load({**GOOD, "DESK_SIGNING_KEY": f"@{path}"}).signing_key == GOOD["DESK_SIGNING_KEY"]
    with pytest.raises(ConfigError, match="not a file"):
        load({**GOOD, "DESK_SIGNING_KEY": "@/nowhere/key.pem"})


def test_the_example_environment_names_every_setting_and_no_other() -> None:
    lines = (ROOT / ".env.example").read_text().splitlines()
    named = {line.lstrip("# ").split("=")[0] for line in lines if "DESK_" in line.split("=")[0]}
    assert named == set(VARIABLES)
