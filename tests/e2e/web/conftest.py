"""Chromium for tests of the built page; every page must end with a clean console."""

import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Browser, Page, async_playwright

from server.config import load
from server.provision import sign_in_link
from tests.served import Server

ROOT = Path(__file__).resolve().parents[3]
DIST = ROOT / "clients" / "web" / "dist"
# Software rendering, and nothing that talks to the internet by itself.
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PHONE = {"width": 390, "height": 844}
DESKTOP = {"width": 1440, "height": 900}


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    """Debian's Chromium."""
    program = shutil.which("chromium")
    if program is None:
        pytest.skip("Chromium is not installed (apt-get install chromium)")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=program, args=ARGUMENTS)
        yield browser
        await browser.close()


@pytest.fixture
async def chromium(browser: Browser) -> Browser:
    """The same, where the built web app is what is looked at."""
    if not (DIST / "index.html").is_file():
        pytest.fail("the page is not built: run npm ci && npm run build in clients/web")
    return browser


class Visitor:
    """Opens pages on one server and remembers what their consoles complained about."""

    def __init__(self, browser: Browser, server: Server) -> None:
        self._browser = browser
        self._server = server
        self.complaints: list[str] = []

    async def link(self, role: str) -> str:
        """An address that signs in as the first account of this role."""
        made = await sign_in_link(load(self._server.environ), role)
        return f"{self._server.url}/#{urlsplit(made).fragment}"

    @asynccontextmanager
    async def page(
        self, *, phone: bool = False, locale: str = "ru", role: str | None = None
    ) -> AsyncIterator[Page]:
        """A page of its own browser profile, signed in when a role is given."""
        context = await self._browser.new_context(
            viewport=PHONE if phone else DESKTOP,  # type: ignore[arg-type]  # a plain dict of the right shape
            locale=locale,
            has_touch=phone,
        )
        page = await context.new_page()
        page.set_default_timeout(20_000)
        page.on("console", self._heard)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        await page.goto(await self.link(role) if role else self._server.url)
        try:
            yield page
        finally:
            await context.close()

    def _heard(self, message: Any) -> None:
        if message.type == "error":
            self.complaints.append(message.text)


@pytest.fixture
async def visitor(chromium: Browser, server: Server) -> AsyncIterator[Visitor]:
    """Pages on the test's server; at the end no console may have complained."""
    one = Visitor(chromium, server)
    yield one
    assert one.complaints == []


@pytest.fixture
def at(visitor: Visitor) -> Callable[[str], str]:
    """The selector of a part by its test id."""
    return lambda name: f"[data-testid={name}]"
