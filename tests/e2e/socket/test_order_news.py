"""Who hears by the socket that a load was edited, confirmed, judged or called off, watching it or not."""

import asyncio
import time

from tests.served import Server
from tracking_desk_client.messages import OrderEdit, OrderForm, OrderStop

from .test_frames import point
from .test_watching import ALMATY, KONAEV, assigned
from .wire import Wire, signed_in


def stops(**of_pickup: object) -> list[OrderStop]:
    return [OrderStop("pickup", ALMATY, **of_pickup), OrderStop("drop", KONAEV)]  # type: ignore[arg-type]


async def news(wire: Wire, event: str) -> dict[str, object]:
    """The next event of this kind."""
    while (frame := await wire.receive("order.changed"))["event"] != event:
        pass
    return frame


async def test_the_driver_hears_of_an_edit_that_he_does_not_watch_and_agrees_to_the_times(
    server: Server,
) -> None:
    driver, owner = server.accounts["drivers"][0], server.accounts["shippers"][0]
    async with (
        signed_in(server, driver, stream=True) as truck,
        signed_in(server, owner) as shipper,
        server.api(owner) as api,
        server.api(driver) as cabin,
    ):
        order = await assigned(server, truck, driver)
        snapshot = (await shipper.command("order.watch", order=order))["result"]
        later = snapshot["state"]["created_at"] + 9000
        edited = await api.edit(
            order, 1, OrderEdit(stops=stops(window_to=later, contact_phone="+77012223344"))
        )
        heard = await news(truck, "edited")
        assert heard["order"] == order
        assert heard["fields"] == ["stops[0].contact_phone", "stops[0].window_to"]
        told = await shipper.receive("order.changed")
        assert (told["event"], told["offset"]) == ("edited", snapshot["offset"] + 1)
        refused = await truck.command("order.advance", order=order, status="at_pickup")
        assert refused["code"] == "acknowledge_required"
        seen = await cabin.order(order)
        assert seen.order.ack_due == edited.version == 2
        assert seen.order.stops[0].contact_phone == "+77012223344"
        assert [contact.role for contact in seen.contacts] == ["shipper"]
        await cabin.acknowledge(order, 2)
        assert (await shipper.receive("order.changed"))["event"] == "acknowledged"
        assert (await truck.command("order.advance", order=order, status="at_pickup"))["type"] == "ok"
        await api.cancel(order, "передумали", "plans_changed")
        assert (await news(truck, "cancelled"))["status"] == "cancelled"


async def test_a_shipper_hears_what_staff_have_said_without_watching(server: Server) -> None:
    owner = server.accounts["shippers"][0]
    async with (
        signed_in(server, owner) as shipper,
        server.api(owner) as api,
        server.api(server.accounts["admins"][0]) as staff,
    ):
        form = OrderForm("яблоки", 300.0, ALMATY, KONAEV, body="van", comment="мой ватсап 8 701 222 33 44")
        order = await api.place(form)
        assert order.status == "moderation"
        (case,) = (await staff.cases()).cases
        await staff.reject(case.case, ["contacts"], "без телефонов")
        assert (await news(shipper, "rejected"))["order"] == order.order
        mended = await api.edit(order.order, order.version, OrderEdit(comment="звоните через площадку"))
        assert mended.status == "moderation"
        (case,) = (await staff.cases()).cases
        await staff.approve(case.case)
        assert (await news(shipper, "approved"))["status"] == "open"


async def test_an_offer_of_the_load_as_it_was_closes_on_the_screen_and_the_new_one_appears(
    server: Server,
) -> None:
    driver, owner = server.accounts["drivers"][0], server.accounts["shippers"][0]
    async with signed_in(server, driver, stream=True) as truck, server.api(owner) as api:
        await truck.send("position.report", points=[point(1, time.time(), 43.25, 76.91)])
        await truck.receive("position.ack")
        await asyncio.sleep(0.25)
        order = await api.place(OrderForm("яблоки", 300.0, ALMATY, KONAEV, body=driver["body"]))
        old = (await truck.receive("offer.made"))["offer"]
        await api.edit(order.order, 1, OrderEdit(weight_kg=400.0))
        closed = await truck.receive("offer.closed")
        assert (closed["offer"], closed["reason"]) == (old["offer"], "changed")
        new = (await truck.receive("offer.made"))["offer"]
        assert (new["order"], new["weight_kg"], new["version"]) == (order.order, 400.0, 2)
        lost = await truck.command(
            "offer.accept", offer=old["offer"], accept_id="00000000-0000-4000-8000-000000000002"
        )
        assert lost["code"] == "offer_closed"
