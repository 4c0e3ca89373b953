"""The examples of the operator guide are requests that the desk takes."""

import re
import shlex
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from billing.payments import FINE, Verdict
from server.http.money import ROUTES

from .conftest import Desk, entry
from .test_notices import payment, told

GUIDE = Path(__file__).parents[3] / "docs/operations/finance.md"


def examples() -> list[list[str]]:
    """Each call of `money` as its arguments, in the order of the page."""
    blocks = re.findall(r"```sh\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)
    return [
        shlex.split(line)[1:] for block in blocks for line in block.splitlines() if line.startswith("money ")
    ]


def read(arguments: list[str], values: dict[str, object]) -> tuple[str, str, str | None]:
    """Method, path and body of a call, with the page's variables filled in."""
    method, body, url, rest = "GET", None, "", iter(arguments)
    for argument in rest:
        if argument in ("-X", "-d", "-o"):
            value = next(rest)
            method, body = (
                (value, body) if argument == "-X" else (method, value if argument == "-d" else body)
            )
        else:
            url = argument
    path = re.sub(r"\$([A-Z_]+)", lambda name: str(values[name[1]]), url.replace("$DESK", ""))
    return method, path, body


async def slip(desk: Desk) -> tuple[str, int]:
    invoice = await desk.invoice()
    _, file = await desk.upload(desk.driver)
    return invoice, (await desk.services.finance.slips.send(desk.driver.user, UUID(invoice), file["file"])).id


async def refund(desk: Desk, *, approved: bool = False) -> str:
    refunds = desk.services.paying.refunds
    invoice, _ = await desk.paid(6_000_000)
    asked = await refunds.request(desk.second.user, UUID(invoice), None, "по заявлению")
    if approved:
        await refunds.approve(desk.finance.user, asked.id)
    return str(asked.id)


@pytest.fixture
async def values(desk: Desk) -> dict[str, object]:
    """What the page's variables stand for."""
    paid, number = await desk.paid()
    invoice, good = await slip(desk)
    difference = await desk.services.pool.fetchval(
        "INSERT INTO payment_differences (provider, kind, transaction, currency, theirs)"
        " VALUES ('sandbox', 'missing_here', $1, 'KZT', 100) RETURNING id",
        entry(),
    )
    return {
        "INVOICE": invoice,
        "SLIP": good,
        "BAD_SLIP": (await slip(desk))[1],
        "REFERENCE": f"TD-{invoice[:8].upper()}",
        "PAID": paid,
        "TRANSACTION": number,
        "USER": desk.driver.user,
        "REFUND": await refund(desk),
        "OTHER_REFUND": await refund(desk),
        "APPROVED": await refund(desk, approved=True),
        "NOTICE": await told(desk, payment(desk, str(uuid4()), "9990")),
        "DIFFERENCE": difference,
    }


async def test_every_example_of_the_guide_is_taken(desk: Desk, values: dict[str, Any]) -> None:
    calls = [read(arguments, values) for arguments in examples()]
    assert len(calls) > 30
    for method, path, body in calls:
        headers = {**desk.finance._headers, "Content-Type": "application/json"}
        async with desk.finance._http.request(method, path, data=body, headers=headers) as answer:
            assert answer.status < 300, f"{method} {path}: {await answer.text()}"


def test_the_guide_names_every_way_of_moving_money() -> None:
    page = GUIDE.read_text(encoding="utf-8")
    for route in ROUTES:
        if route.method == "POST":
            last = route.path.rsplit("/", 1)[1]
            assert f"/{last}" in page, route.path


def test_the_guide_explains_every_alert() -> None:
    root = GUIDE.parents[2]
    sources = [*root.glob("server/paying/*.py"), *root.glob("server/finance/*.py")]
    told_ = {
        name
        for source in sources
        for name in re.findall(
            r"\.alert\([^,()]+(?:\([^()]*\))?, \"([a-z_]+)\"", source.read_text(encoding="utf-8")
        )
    }
    page = GUIDE.read_text(encoding="utf-8")
    assert {"double_payment", "no_list", "money_wrong"} <= told_
    for name in told_ | {verdict.value for verdict in Verdict if verdict not in FINE}:
        assert f"`{name}`" in page, name
