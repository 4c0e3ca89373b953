"""The page in a real browser against a real server: what an operator, a shipper and a driver see and do."""

import logging
import re
import time
from collections.abc import Callable

import asyncpg
import pyotp
import pytest
from playwright.async_api import Browser, Page, expect

from tests.served import Server
from tracking_desk_client import Fix
from tracking_desk_client.messages import OrderForm

from .conftest import Visitor

At = Callable[[str], str]
ALMATY = (43.2525, 76.9115)


def fix(lat: float = ALMATY[0], lon: float = ALMATY[1], speed: float = 20.0) -> Fix:
    """A fresh fix of a truck that drives east."""
    return Fix(at=time.time(), lat=lat, lon=lon, speed=speed, heading=90.0, accuracy=5.0)


async def map_is_drawn(page: Page, trucks: int) -> None:
    """Waits for the map to rest with this many trucks."""
    await page.wait_for_function("n => window.__desk.idle && window.__desk.trucks === n", arg=trucks)


async def go_on_duty(page: Page) -> None:
    """Switches the shift on, off and on again if it was on: the switch itself is under test too."""
    switch = page.get_by_role("switch")
    await expect(switch).to_be_enabled()
    if await switch.get_attribute("aria-checked") == "true":
        await switch.click()
        await expect(switch).to_have_attribute("aria-checked", "false")
    await switch.click()
    await expect(switch).to_have_attribute("aria-checked", "true")


async def choose_city(page: Page, field: str, typed: str, name: str) -> None:
    """Types into an autocomplete field and takes the suggestion with this name."""
    await page.locator(field).click()
    await page.keyboard.type(typed)
    await page.get_by_role("option", name=re.compile(name)).first.click()


async def test_an_operator_sees_a_truck_arrive_move_and_tell_its_age(
    server: Server, visitor: Visitor, at: At
) -> None:
    async with visitor.page(role="admin") as page, server.driver() as driver:
        await map_is_drawn(page, 0)
        await driver.report(fix())
        await map_is_drawn(page, 1)
        await expect(page.locator(at("trucks-visible"))).to_have_text("1")
        await expect(page.locator(at("trucks-fresh"))).to_have_text("1")
        await page.click(at("tab-trucks"))
        await page.locator(at("truck-table")).get_by_role("button").click()
        await expect(page.locator(at("truck-speed"))).to_have_text("72 км/ч")
        await expect(page.locator(at("truck-age"))).to_have_text(re.compile(r"^[1-9]\d* с назад$"))
        await driver.report(fix(lon=ALMATY[1] + 0.001, speed=10.0))
        await expect(page.locator(at("truck-speed"))).to_have_text("36 км/ч")


async def test_a_phone_number_and_a_code_open_the_page_and_a_reload_keeps_it_open(
    visitor: Visitor, at: At, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="desk.otp")
    async with visitor.page(phone=True, locale="kk") as page:
        await page.get_by_label("Телефон").fill("8 705 123 45 67")
        await page.click(at("send-code"))
        await expect(page.locator(at("code"))).to_be_focused()
        code = next(record.__dict__["code"] for record in caplog.records if record.message == "otp.code")
        await page.locator(at("code")).fill(code)
        await expect(page.locator(at("duty"))).to_be_visible()
        await expect(page.locator(at("link"))).to_have_attribute("data-phase", "open")
        await page.reload()
        await expect(page.locator(at("duty"))).to_be_visible()
        assert await page.evaluate("JSON.stringify({...localStorage})") == (
            '{"desk.locale":"kk","desk.theme":"auto","desk.signed-in":"1"}'
        )
        await page.click(at("menu"))
        await page.click(at("sign-out"))
        await expect(page.locator(at("send-code"))).to_be_visible()


async def test_staff_set_up_a_second_factor_and_enter_with_a_recovery_code_when_the_app_is_away(
    server: Server, visitor: Visitor, at: At, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="desk.otp")
    number = "+77051112233"
    connection = await asyncpg.connect(server.dsn)
    await connection.execute("INSERT INTO users (phone, role, grade) VALUES ($1, 'admin', 'support')", number)

    async def show_phone(page: Page) -> None:
        caplog.clear()
        await page.get_by_label("Phone").fill(number)
        await page.click(at("send-code"))
        await expect(page.locator(at("code"))).to_be_focused()
        code = next(record.__dict__["code"] for record in caplog.records if record.message == "otp.code")
        await page.locator(at("code")).fill(code)

    async with visitor.page(locale="en") as page:
        await show_phone(page)
        secret = (await page.locator(at("factor-secret")).inner_text()).replace(" ", "")
        await expect(page.get_by_role("img", name="QR code")).to_be_visible()
        field = page.get_by_label("Code from the app")
        await field.fill("0000-0000")
        await page.click(at("factor-send"))
        await expect(page.get_by_text("Type the one that the app shows now").first).to_be_visible()
        [said] = visitor.complaints  # Chromium itself tells of every refused request
        assert "401" in said
        visitor.complaints.clear()
        await field.fill(pyotp.TOTP(secret).now())
        await page.click(at("factor-send"))
        kept = page.locator(at("recovery-codes")).locator("li")
        await expect(kept).to_have_count(10)  # waits for the answer, which all_inner_texts does not
        codes = await kept.all_inner_texts()
        await page.click(at("factor-kept"))
        await expect(page.locator(at("link"))).to_have_attribute("data-phase", "open")
    await connection.execute("DELETE FROM otp_requests")  # the next code would wait a minute
    await connection.close()
    async with visitor.page(locale="en") as page:
        await show_phone(page)
        await expect(page.locator(at("factor-secret"))).to_have_count(0)
        await page.get_by_label("Code from the app").fill(codes[0])
        await page.click(at("factor-send"))
        await expect(page.locator(at("link"))).to_have_attribute("data-phase", "open")


async def test_a_load_goes_from_the_form_to_the_driver_and_to_delivery_before_everybodys_eyes(
    server: Server, visitor: Visitor, at: At
) -> None:
    body = server.accounts["drivers"][0]["body"]
    async with (
        visitor.page(role="shipper") as shipper,
        visitor.page(role="driver", phone=True) as cab,
        server.driver() as tracker,
    ):
        await go_on_duty(cab)
        await tracker.report(fix())
        await tracker.drained()

        await shipper.click(at("tab-new-load"))
        await choose_city(shipper, at("pickup"), "Алматы", "Алматы")
        await choose_city(shipper, at("drop"), "Астана", "Астана")
        await shipper.locator(at("cargo")).fill("Яблоки")
        await shipper.locator(at("weight")).fill("0,3")
        await choose_body(shipper, body)
        await expect(shipper.locator(at("quote"))).to_contain_text("₸")
        await shipper.click(at("post-load"))
        panel = shipper.locator(at("order-panel"))
        await expect(panel).to_contain_text("Яблоки")

        await cab.click(at("accept"))
        await expect(cab.locator(at("trip"))).to_be_visible()
        await expect(panel.locator("[data-status=assigned]")).to_be_visible()
        for status in ("at_pickup", "loaded", "in_transit", "at_drop"):
            await cab.click(at("next-step"))
            await expect(panel.locator(f"[data-status={status}]")).to_be_visible()
        await tracker.report(fix(lon=ALMATY[1] + 0.002))
        await expect(shipper.locator(at("order-truck"))).to_contain_text("72 км/ч")
        await cab.click(at("next-step"))
        await expect(panel.locator("[data-status=delivered]")).to_be_visible()
        await expect(cab.locator(at("trip"))).to_be_hidden()


async def choose_body(page: Page, body: str) -> None:
    """Takes the body by its place in the list: names differ by language."""
    kinds = ["tent", "reefer", "isotherm", "flatbed", "container", "tipper", "tank", "lowboy", "van"]
    await page.get_by_label("Кузов").click()
    await page.get_by_role("option").nth(kinds.index(body)).click()


async def test_an_offer_that_another_driver_takes_leaves_the_screen(
    server: Server, visitor: Visitor, at: At
) -> None:
    async with visitor.page(role="driver", phone=True) as cab, server.driver() as mine:
        await go_on_duty(cab)
        await mine.report(fix())
        await mine.drained()
        order = await place_load(server)
        accept = cab.locator(at("accept"))
        await expect(accept).to_be_visible()
        async with server.api(server.accounts["shippers"][0]) as api:
            await api.cancel(order, "")
        await expect(accept).to_be_hidden()


async def place_load(server: Server) -> int:
    """A load near the first driver that fits the truck; returns its id."""
    async with server.api(server.accounts["shippers"][0]) as api:
        placed = await api.place(
            OrderForm(
                pickup_city=1526384,
                drop_city=1526273,
                cargo="Мука",
                weight_kg=300.0,
                volume_m3=1.0,
                body=server.accounts["drivers"][0]["body"],
            )
        )
    return placed.order


async def test_the_page_comes_back_by_itself_after_the_server_was_restarted(
    process: Server, chromium: Browser
) -> None:
    # No clean console is asked for here: the browser itself reports each refused connection.
    visitor = Visitor(chromium, process)
    async with visitor.page(role="admin", phone=True, locale="zh-CN") as page:
        async with process.driver() as driver:
            await driver.report(fix())
            await map_is_drawn(page, 1)
        link = page.locator("[data-testid=link]")
        await process.stop()
        await expect(link).to_have_attribute("data-phase", "waiting")
        await process.start()
        await expect(link).to_have_attribute("data-phase", "open")
        async with process.driver() as driver:
            await driver.report(fix(lon=ALMATY[1] + 0.003, speed=10.0))
            await map_is_drawn(page, 1)


@pytest.mark.parametrize("locale", ["ru", "kk", "en", "zh-CN"])
async def test_the_first_screen_speaks_each_language_and_fits_a_phone(
    visitor: Visitor, at: At, locale: str
) -> None:
    async with visitor.page(phone=True, locale=locale) as page:
        await expect(page.locator("html")).to_have_attribute("lang", locale)
        await expect(page.locator(at("send-code"))).to_be_visible()
        assert await page.evaluate("document.documentElement.scrollWidth") <= 390
        low = await page.evaluate(
            "[...document.querySelectorAll('button')].filter(b => b.getBoundingClientRect().height < 48)"
            ".map(b => b.textContent)"
        )
        assert low == []


async def test_the_shell_stays_within_its_first_load_budget(visitor: Visitor) -> None:
    async with visitor.page(phone=True) as page:
        await page.wait_for_load_state("networkidle")
        entries = await page.evaluate(
            "performance.getEntriesByType('resource').map(e => [e.name, e.encodedBodySize])"
        )
        sizes = {name: size for name, size in entries if name.endswith(".js")}
    assert sizes
    assert not any("MapCanvas" in name for name in sizes)
    assert sum(sizes.values()) < 150 * 1024, sizes
