"""Gives back the tokens of those who have left, until the provider has taken them."""

import asyncio
import logging
import time
from collections.abc import Mapping

from server.gateways.http import NoAnswer
from storage import postgres
from storage.oidc import OidcStore

from .provider import Provider

log = logging.getLogger("desk.oidc")

POLL_S = 30.0
A_PERSON_AFTER = 12  # attempts: days


async def run(store: OidcStore, providers: Mapping[str, Provider]) -> None:
    """For ever; safe at any number of workers."""
    while True:
        await asyncio.sleep(POLL_S)
        try:
            while await once(store, providers, time.time()):
                pass
        except postgres.Unreachable as error:
            log.warning("oidc.revocations_wait", extra={"error": repr(error)})


async def once(store: OidcStore, providers: Mapping[str, Provider], now: float) -> int:
    """One round: how many were tried."""
    due = await store.due_revocations(now)
    for revocation in due:
        provider = providers.get(revocation.provider)
        if provider is None:
            continue  # not configured now: it comes again
        try:
            await provider.revoke(revocation.token, revocation.client, now)
        except NoAnswer as error:
            level = logging.ERROR if revocation.attempts >= A_PERSON_AFTER else logging.WARNING
            about = {"provider": provider.name, "attempts": revocation.attempts, "error": str(error)}
            log.log(level, "oidc.not_revoked", extra=about)
        else:
            await store.revoked(revocation.id)
    return len(due)
