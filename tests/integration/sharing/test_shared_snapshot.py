"""What a public link shows in each state of its order: one golden file, property by property.

A property that appears, or a state in which it appears, is a change of this file, to be read by a person. Write it
anew with DESK_WRITE_GOLDEN=1 and read the difference.
"""

import json
import os
import time
from pathlib import Path

import pytest

from dispatch.model import Actor, Party, Status
from dispatch.visibility import GRACE_S
from geo.cells import cell_of
from geo.types import Fix
from server.protocol.rest.sharing import SharedOrder
from tests.integration.orders.market import ALMATY, Market
from tests.integration.orders.test_property_snapshots import SECRET, STOPS, paths
from tests.served import LocalServer

from .road import ask

GOLDEN = Path(__file__).parents[2] / "golden" / "rights" / "shared.json"
CARGO = "секретный груз"
OUTLIVED = (Status.DELIVERED, Status.CLOSED, Status.CANCELLED)


async def test_a_public_page_holds_what_the_golden_file_says_in_each_state(
    server: LocalServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    services = server.services
    market = Market(services.pool)
    table: dict[str, str] = {}
    for status in Status:
        if status is Status.DRAFT:
            continue  # is no order yet
        order, shipper, driver = await market.haul(status, stops=STOPS, cargo=CARGO)
        await services.pool.execute(
            "UPDATE users SET name = 'Кто-то' WHERE id = ANY($1::bigint[])", [shipper, driver]
        )
        now = time.time()
        services.live.put(
            driver, Fix(now, ALMATY.lat, ALMATY.lon, 20.0, 90.0), cell_of(*ALMATY.position), now
        )
        services.live.take_own(now)
        secret = await link(server, order, shipper)
        for state, clock in (
            (status.value, 0.0),
            *(((f"{status} and over", GRACE_S + 60),) if status in OUTLIVED else ()),
        ):
            monkeypatch.setattr(services, "now", lambda clock=clock: time.time() + clock)
            answer = await ask(server, None, "GET", f"/shared/{secret}")
            assert answer.status == 200, (state, answer.body)
            table[state] = " ".join(sorted(set(paths(answer.body))))
            text = json.dumps(answer.body, ensure_ascii=False)
            hidden = (*SECRET.values(), "Кто-то", CARGO, "мука", "463600", "KZT", "43.29", "76.82")
            assert not [word for word in hidden if word in text], (state, text)
            assert not {order, shipper, driver} & set(numbers(answer.body)), (state, text)
        monkeypatch.undo()
        if status in (Status.ASSIGNED, Status.IN_TRANSIT):
            await services.pauses.pause(driver, order, 5, (cell_of(*ALMATY.position, 5), 1))
            answer = await ask(server, None, "GET", f"/shared/{secret}")
            table[f"{status} and paused"] = " ".join(sorted(set(paths(answer.body))))
    if os.environ.get("DESK_WRITE_GOLDEN") == "1":
        GOLDEN.write_text(json.dumps(table, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    assert table == json.loads(GOLDEN.read_text(encoding="utf-8"))
    shown = {state for state, keys in table.items() if "position.lat" in keys}
    assert shown == {"assigned", "at_pickup", "loaded", "in_transit", "at_drop", "delivered"}
    known = {name.partition(".")[0].removesuffix("[]") for keys in table.values() for name in keys.split()}
    assert known <= set(SharedOrder.__struct_fields__)


async def link(server: LocalServer, order: int, shipper: int) -> str:
    """A link that outlives the haul, also to an order that is over already."""
    party = Party(shipper, Actor.SHIPPER)
    pool = server.services.pool
    kept = await pool.fetchval("SELECT status FROM orders WHERE id = $1", order)
    await pool.execute("UPDATE orders SET status = 'open' WHERE id = $1", order)
    _, secret = await server.services.links.add(party, order, "кому", None, time.time() + 86_400)
    await pool.execute("UPDATE orders SET status = $2 WHERE id = $1", order, kept)
    return secret


def numbers(told: object) -> list[int]:
    """Every whole number within an answer."""
    if isinstance(told, dict):
        return [number for each in told.values() for number in numbers(each)]
    if isinstance(told, list):
        return [number for each in told for number in numbers(each)]
    return [told] if isinstance(told, int) and not isinstance(told, bool) else []
