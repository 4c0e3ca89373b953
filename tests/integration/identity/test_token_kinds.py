"""Every kind of secret at every place that takes one: only its own place does (control C02).

All of them are true and fresh when they are shown: what is refused is the kind.
"""

import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import pytest
from aiohttp import WSMsgType, WSServerHandshakeError

from tests.integration.webhooks.companies import company

from .desk import WEB, Desk
from .oidc import PHONE, Browser, content, told

SHIPPER, DRIVER, STAFF = "+77011234568", "+77011234569", "+77011234570"
ONE_CODE = {"code": "000000"}


@dataclass
class Ring:
    """One of each kind, made anew for each try: several are good once."""

    browser: Browser
    desk: Desk
    driver: dict[str, str] = field(default_factory=dict)
    device: int = 0
    code: str = "x" * 43  # of Google, for the newest state

    async def open(self) -> None:
        """Three people, a company and a device."""
        self.desk.services.ready = True
        self.shipper = await self.desk.sign_in(SHIPPER, "shipper")
        self.driver = await self.desk.sign_in(DRIVER)
        self.company = await company(self.desk.services.pool, int(self.shipper["user"]))
        await self.desk.services.pool.execute(
            "INSERT INTO users (phone, role, grade) VALUES ($1, 'admin', 'support')", STAFF
        )

    async def access(self) -> str:
        return self.driver["access"]

    async def refresh(self) -> str:
        fresh: str = (await self._again())["refresh"]
        return fresh

    async def ticket(self) -> str:
        made = await self.desk.ok("POST", "/ws-ticket", self.driver["access"], status=201, json={})
        ticket: str = made["ticket"]
        return ticket

    async def api_key(self) -> str:
        scopes = ["orders:read"]
        _, key = await self.desk.services.api_keys.add(
            self.company, int(self.shipper["user"]), "ERP", scopes, None
        )
        return key

    async def challenge(self) -> str:
        await self.no_limits()
        asked = await self.desk.sign_in(STAFF, status=202)
        challenge: str = asked["challenge"]
        return challenge

    async def device_secret(self) -> str:
        made = await self.desk.ok("POST", "/devices", self.driver["access"], status=201, json={"label": "x"})
        self.device = made["device"]
        secret: str = made["device_secret"]
        return secret

    async def state(self) -> str:
        """As the browser brings it back; it names the trip from then on, and does no more before."""
        given = self.browser.issuers["google"].visit(await self.browser.start("google"), secrets.token_hex(8))
        self.code = given["code"]
        return given["state"]

    async def flow(self) -> str:
        given = self.browser.issuers["google"].visit(await self.browser.start("google"), secrets.token_hex(8))
        return told(await self.browser.back("google", given))["flow"]

    async def identity(self) -> str:
        waiting: str = (await content(await self.browser.travel("google", secrets.token_hex(8)), 202))[
            "identity"
        ]
        return waiting

    async def webhook_secret(self) -> str:
        hook = {"url": "https://8.8.8.8/hook", "kinds": ["order.*"]}
        made = await self.desk.ok("POST", "/company/webhooks", self.shipper["access"], status=201, json=hook)
        secret: str = made["secret"]
        await self.desk.call("DELETE", f"/company/webhooks/{made['webhook']}", self.shipper["access"])
        return secret

    async def session(self) -> str:
        """No secret, but an id that looks like one."""
        (first, *_) = (await self.desk.ok("GET", "/me/sessions", self.driver["access"]))["sessions"]
        session: str = first["session"]
        return session

    async def _again(self) -> dict[str, str]:
        await self.no_limits()
        return await self.desk.sign_in(DRIVER)

    async def no_limits(self) -> None:
        """Codes can be asked for at once again."""
        await self.desk.services.pool.execute("DELETE FROM otp_requests")


KINDS = (
    "access", "refresh", "ticket", "api_key", "challenge", "device_secret", "state", "flow", "identity",
    "webhook_secret", "session",
)  # fmt: skip


# -- places: what each says to what is shown there ----------------------------------------------------------


async def bearer(ring: Ring, shown: str) -> bool:
    return (await ring.desk.call("GET", "/me", shown)).status == 200


async def key_header(ring: Ring, shown: str) -> bool:
    return (await ring.desk.call("GET", "/orders", headers={"X-Api-Key": shown})).status == 200


async def refresh_body(ring: Ring, shown: str) -> bool:
    return (await ring.desk.call("POST", "/auth/refresh", json={"refresh": shown})).status == 200


async def refresh_cookie(ring: Ring, shown: str) -> bool:
    headers = {**WEB, "Cookie": f"desk_refresh={shown}"}
    return (await ring.desk.call("POST", "/auth/refresh", headers=headers, json={})).status == 200


async def second_factor(ring: Ring, shown: str) -> bool:
    code = await ring.desk.refused("POST", "/auth/second-factor", json={"challenge": shown, **ONE_CODE})
    return code == "code_wrong"  # the challenge is known, the code is not


async def finish(ring: Ring, shown: str) -> bool:
    return (await ring.browser.finish(shown)).status in (200, 202)


async def callback(ring: Ring, shown: str) -> bool:
    answer = await ring.browser.back("google", {"state": shown, "code": ring.code})
    return "flow" in told(answer)


async def verify_identity(ring: Ring, shown: str) -> bool:
    await ring.no_limits()
    asked = await ring.desk.ask(PHONE)
    return (await ring.desk.call("POST", "/auth/verify", json={**asked, "identity": shown})).status == 200


async def link_identity(ring: Ring, shown: str) -> bool:
    answer = await ring.desk.call("POST", "/me/identities", ring.driver["access"], json={"identity": shown})
    if answer.status == 200:
        for one in (await answer.json())["identities"]:
            await ring.desk.call("DELETE", f"/me/identities/{one['identity']}", ring.driver["access"])
    return answer.status == 200


async def native(ring: Ring, shown: str) -> bool:
    form = {"id_token": shown, "nonce": "n" * 43}
    return (await ring.desk.call("POST", "/auth/google/native", json=form)).status in (200, 202)


async def ticket_device(ring: Ring, shown: str) -> bool:
    form = {"device": ring.device or 1, "device_secret": shown}
    return (await ring.desk.call("POST", "/ws-ticket", ring.driver["access"], json=form)).status == 201


async def socket_ticket(ring: Ring, shown: str) -> bool:
    try:
        async with ring.desk.client.ws_connect(
            "/ws", params={"ticket": shown}, protocols=("desk.v1.json",)
        ) as socket:
            return bool((await socket.receive_json())["type"] == "welcome")
    except WSServerHandshakeError:
        return False


async def hello_token(ring: Ring, shown: str) -> bool:
    return await _hello(ring, {"token": shown})


async def hello_device(ring: Ring, shown: str) -> bool:
    return await _hello(
        ring, {"token": ring.driver["access"], "device": ring.device or 1, "device_secret": shown}
    )


async def _hello(ring: Ring, fields: dict[str, object]) -> bool:
    async with ring.desk.client.ws_connect("/ws", protocols=("desk.v1.json",)) as socket:
        await socket.send_json({"type": "hello", "version": 1, **fields})
        first = await socket.receive()
        return first.type is WSMsgType.TEXT and '"welcome"' in first.data


Place = Callable[[Ring, str], Awaitable[bool]]
# Each place, and the only kind that it takes.
PLACES: dict[Place, str | None] = {
    bearer: "access",
    key_header: "api_key",
    refresh_body: "refresh",
    refresh_cookie: "refresh",
    second_factor: "challenge",
    finish: "flow",
    callback: "state",
    verify_identity: "identity",
    link_identity: "identity",
    native: None,  # what Google signs
    ticket_device: "device_secret",
    socket_ticket: "ticket",
    hello_token: "access",
    hello_device: "device_secret",
}


@pytest.fixture
async def ring(browser: Browser, desk: Desk) -> Ring:
    made = Ring(browser, desk)
    await made.open()
    return made


@pytest.mark.parametrize("kind", KINDS)
async def test_a_secret_opens_its_own_place_and_no_other(ring: Ring, kind: str) -> None:
    wrong = []
    for place, own in PLACES.items():
        ring.desk.client.session.cookie_jar.clear()
        opened = await place(ring, await getattr(ring, kind)())
        if opened is not (kind == own):
            wrong.append(f"{place.__name__} {'takes' if opened else 'refuses'} {kind}")
    assert not wrong, "\n".join(wrong)


async def test_a_key_of_a_company_begins_no_linking(ring: Ring) -> None:
    form = {"challenge": "c" * 43, "purpose": "link"}
    assert (
        await ring.desk.refused("POST", "/auth/google/start", await ring.api_key(), json=form) == "forbidden"
    )
