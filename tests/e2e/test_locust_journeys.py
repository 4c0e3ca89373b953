"""The Locust journeys against a served process: not how fast, but that every step of them happens."""

import asyncio
import json
import sys
from pathlib import Path

from tests.served import ROOT, Server


async def test_drivers_shippers_and_operators_make_their_journeys_without_a_failure(
    process: Server, tmp_path: Path
) -> None:
    process.provision(drivers=12, shippers=6, admins=3)
    accounts = tmp_path / "locust-accounts.json"
    accounts.write_text(json.dumps(process.accounts))
    # fmt: off
    locust = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "locust", "-f", "loadtests/locustfile.py", "--headless", "--json",
        "-u", "10", "-r", "10", "-t", "10s", "--stop-timeout", "10", "--host", process.url,
        cwd=ROOT, env={**process.environ, "DESK_ACCOUNTS": str(accounts)},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )
    # fmt: on
    told, said = await asyncio.wait_for(locust.communicate(), 90)
    assert locust.returncode == 0, said.decode()
    stats = {line["name"]: line for line in json.loads(told)}
    assert not {name: line["num_failures"] for name, line in stats.items() if line["num_failures"]}
    happened = {name for name, line in stats.items() if line["num_requests"]}
    assert happened >= {
        "connect", "position->ack", "truck->map", "area.watch",
        "/api/v1/quotes", "/api/v1/orders", "order.watch", "order->offer", "offer.seen", "offer.accept",
        "order->assigned", "order.advance",
    }  # fmt: skip
