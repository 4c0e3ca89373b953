"""`python -m server.contract --write | --check`: the files that are generated from the declared contract."""

import argparse
import json
import sys
from pathlib import Path

from server.http.routes import ROUTES
from server.protocol.contract import asyncapi
from server.protocol.openapi import openapi
from server.protocol.schemas import Json
from server.protocol.sdk import messages_py
from server.protocol.typescript import codes_ts, messages_ts

ROOT = Path(__file__).parents[1]
GOLDEN = ROOT / "tests/golden"


def generated() -> dict[Path, str]:
    """The text of every generated file by its path."""
    web = ROOT / "clients/web/src/protocol"
    return {
        web / "messages.ts": messages_ts(),
        web / "codes.ts": codes_ts(),
        ROOT / "clients/python/tracking_desk_client/messages.py": messages_py(),
        ROOT / "docs/asyncapi.json": asyncapi(_examples()),
        ROOT / "docs/openapi.json": openapi(ROUTES),
    }


def _examples() -> dict[str, list[Json]]:
    """The golden frames by message type: what the tests hold to is what readers are shown."""
    found: dict[str, list[Json]] = {}
    for path in sorted(GOLDEN.glob("*.json")):
        frame = json.loads(path.read_text(encoding="utf-8"))
        found.setdefault(frame["type"], []).append(frame)
    return found


def stale() -> dict[Path, str]:
    """Generated files that are missing or differ from the declarations, with the text they should have."""
    return {
        path: text
        for path, text in generated().items()
        if not path.exists() or path.read_text(encoding="utf-8") != text
    }


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m server.contract", description=__doc__)
    choice = parser.add_mutually_exclusive_group(required=True)
    choice.add_argument("--write", action="store_true", help="bring every generated file up to date")
    choice.add_argument("--check", action="store_true", help="exit with 1 and name the files that are stale")
    if parser.parse_args().write:
        for path, text in stale().items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            print(f"written: {path.relative_to(ROOT)}")
        return 0
    paths = stale()
    for path in paths:
        print(f"stale: {path.relative_to(ROOT)} (mend it with: python -m server.contract --write)")
    return 1 if paths else 0


if __name__ == "__main__":
    sys.exit(main())
