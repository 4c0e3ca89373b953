"""The sandbox's pages in Chromium, on a phone and on a desktop, as a payer goes through them."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Literal
from uuid import uuid4

import pytest
from playwright.async_api import Browser, Page, expect

from billing.acquiring import Redirect
from storage.postgres import Pool
from tests.contract.acquiring.contract import an_order
from tests.contract.acquiring.sandbox import BehindSandbox, opened

from .conftest import DESKTOP, PHONE

SIZES = {"phone": PHONE, "desktop": DESKTOP}
Size = Literal["phone", "desktop"]
Scheme = Literal["light", "dark"]
# Text on its ground, as WCAG 2.1 reckons it; of every element that has words of its own.
CONTRASTS = """() => {
  const channel = v => (v /= 255) <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4
  const light = rgb => .2126 * channel(rgb[0]) + .7152 * channel(rgb[1]) + .0722 * channel(rgb[2])
  const rgba = text => text.match(/[\\d.]+/g).map(Number)
  const ground = element => {
    for (; element; element = element.parentElement) {
      const c = rgba(getComputedStyle(element).backgroundColor)
      if (c.length < 4 || c[3] > 0) return c
    }
    return [255, 255, 255]
  }
  return [...document.querySelectorAll('body *')]
    .filter(e => [...e.childNodes].some(n => n.nodeType === 3 && n.data.trim()) && e.offsetParent)
    .map(e => {
      const [a, b] = [light(rgba(getComputedStyle(e).color)), light(ground(e))].sort((x, y) => y - x)
      return [(a + .05) / (b + .05), e.textContent.trim().slice(0, 30)]
    }).filter(([ratio]) => ratio < 4.5)
}"""
# What a thumb presses is 44 pixels high or more.
TOO_SMALL = """() => [...document.querySelectorAll('a, button, input, select, summary')]
  .filter(e => e.offsetParent && e.getBoundingClientRect().height < 43.5).map(e => e.outerHTML.slice(0, 80))"""
OVERFLOWS = "() => document.documentElement.scrollWidth > document.documentElement.clientWidth"


@pytest.fixture
async def desk(pool: Pool) -> AsyncIterator[BehindSandbox]:
    async with opened(pool) as behind:
        yield behind


async def where(desk: BehindSandbox) -> Redirect:
    """A page of a fresh order. Both ways back lead to the receiver; a browser gets a 405 there, which will do."""
    back = f"{desk.url}/hooks/acquirers/x/"
    return await desk.sandbox.checkout(
        an_order(), back + "paid", back + "left", save_card=True, attempt=uuid4()
    )


@asynccontextmanager
async def visit(
    browser: Browser, size: Size, scheme: Scheme = "light"
) -> AsyncIterator[tuple[Page, list[str]]]:
    """A page of its own profile, and what its console complained about."""
    context = await browser.new_context(
        viewport=SIZES[size],  # type: ignore[arg-type]  # a plain dict of the right shape
        color_scheme=scheme,
        has_touch=size == "phone",
    )
    page, complaints = await context.new_page(), list[str]()
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    try:
        yield page, complaints
    finally:
        await context.close()


async def is_sound(page: Page) -> None:
    """Nothing is cut off, too pale or too small."""
    assert not await page.evaluate(OVERFLOWS)
    assert await page.evaluate(CONTRASTS) == []
    assert await page.evaluate(TOO_SMALL) == []


@pytest.mark.parametrize("size", ["phone", "desktop"])
async def test_a_payer_picks_a_card_confirms_it_with_the_bank_and_is_taken_back(
    desk: BehindSandbox, browser: Browser, size: Size
) -> None:
    async with visit(browser, size) as (page, complaints):
        await page.goto((await where(desk)).url)
        await expect(page.get_by_test_id("sum")).to_have_text(re.compile("1.990"))
        await is_sound(page)
        await page.get_by_test_id("card-1881").click()
        await expect(page.get_by_label("Номер карты")).to_have_value("4012 8888 8888 1881")
        await page.get_by_role("button", name="Оплатить").click()
        await expect(page.get_by_text("Банк спрашивает")).to_be_visible()
        await is_sound(page)
        await page.get_by_role("button", name="Да, это я плачу").click()
        await expect(page.get_by_test_id("problem")).to_contain_text("не подтверждён")
        await is_sound(page)
        await page.get_by_test_id("card-4242").click()
        await page.get_by_role("button", name="Оплатить").click()
        await page.get_by_role("button", name="Да, это я плачу").click()
        await expect(page.get_by_test_id("paid")).to_be_visible()
        await is_sound(page)
        assert complaints == []
        await page.wait_for_url("**/paid")
    await desk.brought()
    assert sorted(desk.receiver.kinds()) == ["check", "check", "fail", "pay"]


async def test_every_language_fits_on_a_phone_by_day_and_by_night(
    desk: BehindSandbox, browser: Browser
) -> None:
    schemes: list[Scheme] = ["light", "dark"]
    for scheme in schemes:
        async with visit(browser, "phone", scheme) as (page, complaints):
            await page.goto((await where(desk)).url)
            for name in ("Қазақша", "English", "简体中文", "Русский"):
                await page.get_by_role("link", name=name).click()
                await expect(page.get_by_role("link", name=name)).to_have_attribute("aria-current", "true")
                await is_sound(page)
            await page.get_by_text("Как об оплате узнает магазин").click()
            await page.get_by_role("combobox").select_option("twice")
            await is_sound(page)
            await page.get_by_test_id("card-3055").click()
            await page.get_by_role("button", name="Оплатить").click()
            await expect(page.get_by_test_id("paid")).to_be_visible()
            await is_sound(page)
            assert complaints == []


async def test_a_number_that_is_no_test_card_is_refused_and_gone_from_the_page(
    desk: BehindSandbox, browser: Browser
) -> None:
    async with visit(browser, "desktop") as (page, _):
        await page.goto((await where(desk)).url)
        await page.get_by_label("Номер карты").fill("5555 5555 5555 4444")
        await page.get_by_role("button", name="Оплатить").click()
        await expect(page.get_by_test_id("problem")).to_contain_text("не тестовая карта")
        assert "4444" not in await page.content()
    assert desk.receiver.posted == []


async def test_whoever_leaves_pays_nothing_and_whoever_is_declined_may_leave(
    desk: BehindSandbox, browser: Browser
) -> None:
    async with visit(browser, "phone") as (page, complaints):
        await page.goto((await where(desk)).url)
        await page.get_by_role("button", name="Отказ банка").click()
        await expect(page.get_by_test_id("problem")).to_be_visible()
        assert complaints == []
        await page.get_by_test_id("close").click()
        await page.wait_for_url("**/left")
    await desk.brought()
    assert desk.receiver.kinds() == ["check", "fail"]
