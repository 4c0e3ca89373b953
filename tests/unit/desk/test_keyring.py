"""Secrets of a checkout."""

import base64
import stat
from pathlib import Path

from server.config import load
from server.local import keyring

STORES = {"DESK_POSTGRES": "postgresql://x", "DESK_REDIS": "redis://x"}


def test_made_secrets_are_what_the_server_accepts(tmp_path: Path) -> None:
    config = load({**keyring.load(tmp_path), **STORES})
    assert "PRIVATE KEY" in config.signing_key
    assert config.vapid_private_key is not None
    assert len(base64.urlsafe_b64decode(config.vapid_private_key + "=")) == 32


def test_secrets_are_made_once_and_read_by_their_owner_only(tmp_path: Path) -> None:
    first = keyring.load(tmp_path)
    assert keyring.load(tmp_path) == first
    for path in tmp_path.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_two_checkouts_share_no_secret(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    one.mkdir()
    two.mkdir()
    assert not set(keyring.load(one).values()) & set(keyring.load(two).values())
    assert (one / "signing.pem").read_text() != (two / "signing.pem").read_text()


def test_a_secret_set_by_hand_stays_and_a_missing_one_is_added(tmp_path: Path) -> None:
    (tmp_path / "secrets.env").write_text(f"# mine\nDESK_PEPPER={'p1' * 20}\n\n")
    loaded = keyring.load(tmp_path)
    assert loaded["DESK_PEPPER"] == "p1" * 20
    assert keyring.read_env(tmp_path / "secrets.env").keys() > {"DESK_PEPPER", "REDIS_PASSWORD"}
