"""The REST API, typed: one method a route, tokens refreshed on the way, problems raised as ApiError."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace
from types import TracebackType
from typing import Any, Self
from uuid import uuid4

import aiohttp

from .board import BoardCalls
from .errors import ApiError
from .messages import (
    AcceptForm,
    AdvanceForm,
    CancelForm,
    CancelReason,
    Cities,
    CityQuery,
    CrossingQuery,
    Crossings,
    DeclineForm,
    DeclineReason,
    Device,
    DeviceForm,
    Drivers,
    DriverView,
    FactorAsked,
    FactorForm,
    Fault,
    Lang,
    Offers,
    OrderDetail,
    OrderForm,
    OrderPage,
    OrdersQuery,
    OrderState,
    OtpAsked,
    OtpForm,
    PageQuery,
    PinQuery,
    PlaceQuery,
    Places,
    PlaceView,
    Profile,
    PushEndpoint,
    PushEndpointForm,
    PushKey,
    Quote,
    QuoteForm,
    SavedPlace,
    SavedPlaceForm,
    SavedPlaces,
    SignedIn,
    SubscriptionForm,
    Ticket,
    TicketForm,
    VehicleForm,
    VerifyForm,
)
from .postings import PostingCalls
from .taking import TakingCalls
from .talking import ChatCalls
from .telling import InboxCalls
from .tokens import Tokens

TIMEOUT_S = 15.0


class Api(BoardCalls, ChatCalls, InboxCalls, PostingCalls, TakingCalls):
    """One account's REST access. Use as an async context manager, or call `close`.

    `url` is the desk's address, `https://desk.example`. `on_tokens` hears of every new pair of tokens, so
    that an app can store them: a refresh token is good for one use. `http` may be shared by many accounts.
    `language` is what the desk's sentences shall be in: ru, kk, en or zh. Methods raise ApiError for refusals,
    aiohttp.ClientError or TimeoutError when the desk cannot be reached.
    """

    def __init__(
        self,
        url: str,
        tokens: Tokens | None = None,
        *,
        on_tokens: Callable[[Tokens], None] = lambda tokens: None,
        http: aiohttp.ClientSession | None = None,
        language: str = "en",
    ) -> None:
        self.url = url.rstrip("/")
        self.language = language
        self.tokens = tokens
        self._on_tokens = on_tokens
        self._http = http
        self._own_http = http is None
        self._refreshing = asyncio.Lock()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the HTTP connections, unless they were lent to this client."""
        if self._http and self._own_http:
            await self._http.close()
            self._http = None

    async def session(self) -> aiohttp.ClientSession:
        """The HTTP session, made on first use because that needs a running loop."""
        if self._http is None:
            self._http = aiohttp.ClientSession()
        return self._http

    @property
    def socket_url(self) -> str:
        """Where the websocket is: http becomes ws, https wss."""
        return "ws" + self.url.removeprefix("http") + "/ws"

    # -- signing in -----------------------------------------------------------------------------------------

    async def ask_code(self, form: OtpForm) -> OtpAsked:
        """Have a one-time code sent to the phone."""
        return OtpAsked.from_wire(await self._call("POST", "/api/v1/auth/otp", form.to_wire(), signed=False))

    async def verify(self, form: VerifyForm) -> SignedIn | FactorAsked:
        """Sign in with the code; the tokens are kept for all further calls. Staff must show a second factor."""
        wire = await self._call("POST", "/api/v1/auth/verify", form.to_wire(), signed=False)
        return FactorAsked.from_wire(wire) if "challenge" in wire else self._keep(wire)

    async def second_factor(self, form: FactorForm) -> SignedIn:
        """Answer the challenge of a staff sign-in with a code of the authenticator app, or a recovery code."""
        return self._keep(
            await self._call("POST", "/api/v1/auth/second-factor", form.to_wire(), signed=False)
        )

    async def sign_out(self) -> None:
        """End the session; its tokens and sockets die with it."""
        await self._call("POST", "/api/v1/auth/sign-out")
        self.tokens = None

    async def access(self, at_least_s: float = 5.0) -> str:
        """An access token that lives at least `at_least_s` more seconds, refreshed when need be."""
        if self.tokens is None:
            raise ApiError("unauthenticated", False, "sign in first")
        if self.tokens.left() < at_least_s and self.tokens.refresh:
            await self.refresh(at_least_s)
        return self.tokens.access

    def token_left(self) -> float:
        """Seconds that the present access token still lives."""
        return self.tokens.left() if self.tokens else 0.0

    async def refresh(self, unless_left_s: float = float("inf")) -> None:
        """Trade the refresh token for the next pair. Callers that come together share one trade.

        A token that another caller replaced in the meantime is not traded again when `unless_left_s` of life
        is left. Raises ApiError `session_revoked` or `unauthenticated` when the user must sign in again.
        """
        before = self.tokens
        async with self._refreshing:
            if self.tokens is not before or self.tokens is None or self.tokens.left() >= unless_left_s:
                return
            if self.tokens.refresh is None:
                raise ApiError("unauthenticated", False, "no refresh token")
            body = {"refresh": self.tokens.refresh}
            self._keep(await self._call("POST", "/api/v1/auth/refresh", body, signed=False))

    def _keep(self, wire: Any) -> SignedIn:
        signed_in = SignedIn.from_wire(wire)
        self.tokens = Tokens.received(signed_in.access, signed_in.refresh)
        self._on_tokens(self.tokens)
        return signed_in

    # -- anybody --------------------------------------------------------------------------------------------

    async def me(self) -> Profile:
        """Who is signed in."""
        return Profile.from_wire(await self._call("GET", "/api/v1/me"))

    async def ticket(self, form: TicketForm) -> Ticket:
        """A single-use ticket for `/ws?ticket=`, for clients that cannot send a hello frame."""
        return Ticket.from_wire(await self._call("POST", "/api/v1/ws-ticket", form.to_wire()))

    async def push_key(self) -> PushKey:
        """The key for Web Push subscriptions."""
        return PushKey.from_wire(await self._call("GET", "/api/v1/push/key"))

    async def add_push_endpoint(self, form: PushEndpointForm) -> PushEndpoint:
        """Where to push when no socket is open."""
        return PushEndpoint.from_wire(await self._call("POST", "/api/v1/push/endpoints", form.to_wire()))

    async def remove_push_endpoint(self, endpoint: int) -> None:
        """Stop pushing there."""
        await self._call("DELETE", f"/api/v1/push/endpoints/{endpoint}")

    async def cities(self, q: str, lang: Lang = "ru", limit: int = 10) -> Cities:
        """Towns by name, best match first."""
        query = CityQuery(q, lang, limit).to_wire()
        return Cities.from_wire(await self._call("GET", "/api/v1/cities", query=query))

    async def find_places(self, query: PlaceQuery) -> Places:
        """Addresses, towns and border crossings by text, best match first."""
        return Places.from_wire(await self._call("GET", "/api/v1/places/search", query=query.to_wire()))

    async def place_at(self, query: PinQuery) -> PlaceView:
        """The address of a place on the map."""
        return PlaceView.from_wire(await self._call("GET", "/api/v1/places/reverse", query=query.to_wire()))

    async def crossings(self, query: CrossingQuery) -> Crossings:
        """Border crossings of Kazakhstan."""
        return Crossings.from_wire(await self._call("GET", "/api/v1/crossings", query=query.to_wire()))

    async def saved_places(self) -> SavedPlaces:
        """Own kept places, the last used first."""
        return SavedPlaces.from_wire(await self._call("GET", "/api/v1/saved-places"))

    async def save_place(self, form: SavedPlaceForm) -> SavedPlace:
        """Keep a place."""
        return SavedPlace.from_wire(await self._call("POST", "/api/v1/saved-places", form.to_wire()))

    async def change_place(self, place: int, version: int, form: SavedPlaceForm) -> SavedPlace:
        """Edit the version of a kept place that was read; `version_stale` when somebody was faster."""
        path, headers = f"/api/v1/saved-places/{place}", {"If-Match": f'"{version}"'}
        return SavedPlace.from_wire(await self._call("PUT", path, form.to_wire(), headers=headers))

    async def forget_place(self, place: int) -> None:
        """Forget a kept place."""
        await self._call("DELETE", f"/api/v1/saved-places/{place}")

    async def place_used(self, place: int) -> None:
        """It was chosen: it stands first from now on."""
        await self._call("POST", f"/api/v1/saved-places/{place}/used")

    async def quote(self, form: QuoteForm) -> Quote:
        """Distance, time, costs, price and profit of a haul."""
        return Quote.from_wire(await self._call("POST", "/api/v1/quotes", form.to_wire()))

    async def orders(
        self, before: int | None = None, limit: int = 20, *, only: OrdersQuery | None = None
    ) -> OrderPage:
        """Own orders (operators: all), newest first; `only` narrows them by state, day and words."""
        query = replace(only or OrdersQuery(), before=before, limit=limit).to_wire()
        return OrderPage.from_wire(await self._call("GET", "/api/v1/orders", query=query))

    async def order(self, order: int) -> OrderDetail:
        """One order with its route and history."""
        return OrderDetail.from_wire(await self._call("GET", f"/api/v1/orders/{order}"))

    async def cancel(
        self, order: int, reason: str = "", code: CancelReason = "other", fault: Fault | None = None
    ) -> OrderState:
        """Call the order off, with a code and words; whose fault it was is for operators to say."""
        body = CancelForm(reason, code, fault).to_wire()
        return OrderState.from_wire(await self._call("POST", f"/api/v1/orders/{order}/cancel", body))

    # -- drivers --------------------------------------------------------------------------------------------

    async def register_device(self, label: str = "") -> Device:
        """Register this phone or tracker; the secret is shown this once."""
        return Device.from_wire(await self._call("POST", "/api/v1/devices", DeviceForm(label).to_wire()))

    async def set_vehicle(self, form: VehicleForm) -> VehicleForm:
        """The truck that this driver drives."""
        return VehicleForm.from_wire(await self._call("PUT", "/api/v1/me/vehicle", form.to_wire()))

    async def offers(self) -> Offers:
        """The caller's live offers."""
        return Offers.from_wire(await self._call("GET", "/api/v1/offers"))

    async def accept(self, offer: int, accept_id: str) -> OrderState:
        """Take an offered load; the same `accept_id` gets the same answer."""
        body = AcceptForm(accept_id).to_wire()
        return OrderState.from_wire(await self._call("POST", f"/api/v1/offers/{offer}/accept", body))

    async def decline(self, offer: int, reason: DeclineReason = "unsaid", note: str = "") -> None:
        """Turn an offer down, and say why."""
        await self._call("POST", f"/api/v1/offers/{offer}/decline", DeclineForm(reason, note).to_wire())

    async def accept_from_board(self, order: int, accept_id: str) -> OrderState:
        """Take a load from the board; the same `accept_id` gets the same answer."""
        body = AcceptForm(accept_id).to_wire()
        return OrderState.from_wire(await self._call("POST", f"/api/v1/board/{order}/accept", body))

    async def advance(self, order: int, form: AdvanceForm) -> OrderState:
        """The assigned driver's next step."""
        return OrderState.from_wire(
            await self._call("POST", f"/api/v1/orders/{order}/advance", form.to_wire())
        )

    # -- shippers -------------------------------------------------------------------------------------------

    async def place(self, form: OrderForm, key: str | None = None) -> OrderState:
        """Post a load. Give your own `key` to be able to repeat the call safely after a lost answer."""
        headers = {"Idempotency-Key": key or str(uuid4())}
        return OrderState.from_wire(
            await self._call("POST", "/api/v1/orders", form.to_wire(), headers=headers)
        )

    # -- operators ------------------------------------------------------------------------------------------

    async def drivers(self, before: int | None = None, limit: int = 20) -> Drivers:
        """All drivers, newest first."""
        query = PageQuery(before, limit).to_wire()
        return Drivers.from_wire(await self._call("GET", "/api/v1/admin/drivers", query=query))

    async def set_subscription(self, driver: int, paid_until: float) -> DriverView:
        """Until when a driver's subscription is paid, epoch seconds."""
        body = SubscriptionForm(paid_until).to_wire()
        return DriverView.from_wire(
            await self._call("PUT", f"/api/v1/admin/drivers/{driver}/subscription", body)
        )

    # -- the wire -------------------------------------------------------------------------------------------

    async def _call(
        self,
        method: str,
        path: str,
        body: Mapping[str, object] | None = None,
        *,
        query: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        signed: bool = True,
    ) -> Any:
        sent = {"Accept-Language": self.language, **(headers or {})}
        if signed:
            sent["Authorization"] = f"Bearer {await self.access()}"
        try:
            return await self._once(method, path, body, query, sent)
        except ApiError as error:
            if not signed or error.code != "token_expired":
                raise
        # The desk's clock decides: a token that seemed good here is traded, and the call made once more.
        await self.refresh()
        sent["Authorization"] = f"Bearer {await self.access()}"
        return await self._once(method, path, body, query, sent)

    async def _once(
        self,
        method: str,
        path: str,
        body: Mapping[str, object] | None,
        query: Mapping[str, Any] | None,
        headers: Mapping[str, str],
    ) -> Any:
        session = await self.session()
        timeout = aiohttp.ClientTimeout(total=TIMEOUT_S)
        async with session.request(
            method, self.url + path, json=body, params=_params(query), headers=headers, timeout=timeout
        ) as answer:
            if answer.status >= 400:
                raise await _problem(answer)
            return await answer.json() if answer.status != 204 else None


def _params(query: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """A query as an address says it: truth as JSON has it, lists joined by commas and left out when empty."""
    if query is None:
        return None
    return {name: _param(value) for name, value in query.items() if value != []}


def _param(value: Any) -> Any:
    if isinstance(value, bool):
        return str(value).lower()
    return ",".join(map(str, value)) if isinstance(value, list) else value


async def _problem(answer: aiohttp.ClientResponse) -> ApiError:
    """RFC 9457 problem JSON to ApiError; another body (a proxy's page) may pass when it is 5xx or 429."""
    after = answer.headers.get("Retry-After", "")
    wait = float(after) if after.isdigit() else None
    try:
        problem = await answer.json(content_type=None)
        code, detail = problem["code"], problem.get("detail") or problem.get("title", "")
        retry, path = bool(problem["retry"]), problem.get("path")
    except (ValueError, TypeError, KeyError, AttributeError):
        retry = answer.status >= 500 or answer.status == 429
        code, detail, path = "unavailable" if retry else "bad_request", f"HTTP {answer.status}", None
    return ApiError(code, retry, detail, status=answer.status, path=path, retry_after=wait)
