"""Secrets of one checkout, made once and readable by their owner only."""

import base64
import os
import secrets
from collections.abc import Mapping
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat


def load(state: Path) -> dict[str, str]:
    """Reads `secrets.env`, adding what it lacks; the signing key is a PEM file beside it."""
    path = state / "secrets.env"
    found = read_env(path)
    # Hexadecimal: safe in DSNs, configuration files and shells without quoting.
    made = {name: secrets.token_hex(32) for name in ("DESK_PEPPER", "POSTGRES_PASSWORD", "REDIS_PASSWORD")}
    made["DESK_VAPID_PRIVATE_KEY"] = _vapid_key()
    whole = {**made, **found}
    if whole != found:
        _write_private(path, "".join(f"{name}={value}\n" for name, value in whole.items()))
    signing = state / "signing.pem"
    if not signing.is_file():
        key = ed25519.Ed25519PrivateKey.generate()
        _write_private(signing, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode())
    return {**whole, "DESK_SIGNING_KEY": f"@{signing}"}


def read_env(path: Path) -> dict[str, str]:
    """NAME=value lines of a file; comments and blank lines are skipped."""
    if not path.is_file():
        return {}
    lines = (line.strip() for line in path.read_text().splitlines())
    pairs: Mapping[str, str] = dict(
        line.split("=", 1) for line in lines if "=" in line and not line.startswith("#")
    )
    return dict(pairs)


def _vapid_key() -> str:
    number = ec.generate_private_key(ec.SECP256R1()).private_numbers().private_value
    return base64.urlsafe_b64encode(number.to_bytes(32, "big")).rstrip(b"=").decode()


def _write_private(path: Path, text: str) -> None:
    """Readable by the owner from its first moment, and never half written."""
    half = path.with_name(path.name + ".new")
    half.unlink(missing_ok=True)
    with os.fdopen(os.open(half, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    half.replace(path)
