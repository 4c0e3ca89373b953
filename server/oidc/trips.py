"""The trips to Google and Apple and back: the page's by redirects, the app's by its own dialogue."""

import asyncio
import time
from collections.abc import Mapping
from typing import NamedTuple

from dispatch.errors import Refusal
from server.gateways.http import NoAnswer
from storage.identity import FactorNeeded, SignIn, Via, random_token
from storage.oidc import OidcStore, Purpose, Waiting

from .apple import Apple, name_in
from .idtoken import Untrusted, Vouched, plain
from .provider import Provider, told

PATIENCE_S, LOOK_S = 10.0, 0.1  # of a copy of a callback, for the one that came first
MAX_CODE = 2048

Outcome = SignIn | FactorNeeded | Waiting


class Started(NamedTuple):
    """For a page where to go, for an app the nonce; until when it must be over."""

    until: float
    redirect: str | None = None
    nonce: str | None = None


class Trips:
    """Begins trips and judges how they end."""

    def __init__(self, store: OidcStore, providers: Mapping[str, Provider]) -> None:
        self._store = store
        self.providers = providers

    async def start(self, name: str, challenge: bytes | None, purpose: Purpose, now: float) -> Started:
        """A trip begins: with a challenge the page's, without the app's.

        Refusal `not_found` for a provider that is not set up, `provider_unavailable`.
        """
        provider = self._provider(name)
        key = random_token()
        if challenge is None:
            return Started(await self._store.begin(key, name, purpose, None, now), nonce=key)
        nonce, verifier = self._store.secret("nonce", key), self._store.secret("pkce", key)
        try:
            address = await provider.address(key, nonce, verifier)
        except NoAnswer as error:
            raise told(name, error) from None
        return Started(await self._store.begin(key, name, purpose, challenge, now), redirect=address)

    async def callback(self, name: str, given: Mapping[str, str]) -> str | None:
        """The browser is back with what the provider gave it; the code of a refusal, or None.

        The same callback again, at once or a moment later, does nothing and is answered the same: browsers and
        proxies send things twice, and the provider's code is good once.
        """
        try:
            await self._came_back(self._provider(name), given)
        except Refusal as refusal:
            return refusal.code  # a browser is on its way: it is told by the page that it is sent to
        return None

    async def native(
        self, name: str, token: str, nonce: str, via: Via, *, person: str = "", code: str | None = None
    ) -> Outcome:
        """An app's dialogue gave an ID token. `person` is the name that Apple gives the first time only.

        Refusal `challenge_over` for a nonce that is not ours or is over, `provider_refused`,
        `provider_unavailable`, and those of `OidcStore.finish`.
        """
        provider, now = self._provider(name), time.time()
        await self._store.waits(nonce, name, now)
        try:
            who = await provider.vouched(token, provider.native_nonces(nonce), provider.audiences, now)
        except (Untrusted, NoAnswer) as error:
            raise told(name, error) from None
        identity = await self._seen(provider, who, plain(person, 120))
        if code is not None and isinstance(provider, Apple):
            await self._keep_refresh_of_app(provider, who, identity, code, nonce)
        await self._store.came_back(nonce, now, identity=identity)
        return await self._store.finish(nonce, None, via, now, identity=identity)

    async def _came_back(self, provider: Provider, given: Mapping[str, str]) -> None:
        state, code = given.get("state", ""), given.get("code", "")
        if "error" in given or not 1 <= len(code) <= MAX_CODE:  # the person said no, or somebody plays
            await self._store.came_back(state, time.time(), error="provider_refused")
            raise Refusal("provider_refused")
        if not await self._mine(provider, state, code):
            return
        try:
            identity = await self._identify(provider, state, code, given)
        except NoAnswer as error:
            await self._store.let_go(state)
            raise told(provider.name, error) from None
        except Untrusted as error:
            await self._store.came_back(state, time.time(), error="provider_refused")
            raise told(provider.name, error) from None
        await self._store.came_back(state, time.time(), identity=identity)

    async def _mine(self, provider: Provider, state: str, code: str) -> bool:
        """Whether this callback is the one to exchange the code; False once another has done it."""
        until = time.monotonic() + PATIENCE_S
        while time.monotonic() < until:
            claimed = await self._store.claim(state, provider.name, code, time.time())
            if claimed.mine or claimed.back:
                return claimed.mine
            await asyncio.sleep(LOOK_S)
        raise Refusal("provider_unavailable")

    async def _identify(self, provider: Provider, state: str, code: str, given: Mapping[str, str]) -> int:
        nonces, ours = frozenset({self._store.secret("nonce", state)}), frozenset({provider.web})
        now = time.time()
        first = identity = None
        if front := given.get("id_token"):
            # Apple's form: whoever it is and what the person is called is stored before the code is tried, as
            # the name will not be told again.
            first = await provider.vouched(front, nonces, ours, now, code)
            identity = await self._seen(provider, first, name_in(given.get("user", "")))
        exchanged = await provider.exchange(code, provider.web, now, self._store.secret("pkce", state))
        who = await provider.vouched(exchanged.id_token, nonces, ours, now)
        if first is not None and first.subject != who.subject:
            raise Untrusted("two people in one answer")
        if identity is None:
            identity = await self._seen(provider, who, "")
        if exchanged.refresh is not None:
            await self._store.keep_refresh(identity, provider.web, exchanged.refresh)
        return identity

    async def _seen(self, provider: Provider, who: Vouched, person: str) -> int:
        return await self._store.seen(provider.name, who.subject, who.email, person or who.name)

    async def _keep_refresh_of_app(
        self, apple: Apple, who: Vouched, identity: int, code: str, nonce: str
    ) -> None:
        """The sign-in stands without it: what fails here only means that there is nothing to revoke one day."""
        now = time.time()
        try:
            exchanged = await apple.exchange(code, apple.app, now)
            same = await apple.vouched(exchanged.id_token, apple.native_nonces(nonce), apple.audiences, now)
        except (Untrusted, NoAnswer) as error:
            told(apple.name, error)
            return
        if same.subject == who.subject and exchanged.refresh is not None:
            await self._store.keep_refresh(identity, apple.app, exchanged.refresh)

    def _provider(self, name: str) -> Provider:
        provider = self.providers.get(name)
        if provider is None:
            raise Refusal("not_found", "this way of signing in is not set up here")
        return provider
