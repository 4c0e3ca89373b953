"""Acquirers out of the settings, by name; the first takes new payments."""

import hashlib
import hmac
from collections.abc import Callable, Mapping

from billing.acquiring import Acquirer
from server.gateways.meters import VendorMeters
from storage.postgres import Pool

from .cloudpayments import CloudPayments
from .sandbox.acquirer import Sandbox
from .settings import Acquiring
from .stripe import Stripe


def acquirers(
    settings: Acquiring, pool: Pool, meters: VendorMeters, *, pepper: str, public_url: str, own_url: str
) -> Mapping[str, Acquirer]:
    """What the settings name, in their order. `own_url`: where this process listens."""

    def sandbox() -> Acquirer:
        secret = hmac.digest(pepper.encode(), b"sandbox acquirer", hashlib.sha256)
        return Sandbox(pool, secret, public_url=public_url, own_url=own_url)

    made: dict[str, Callable[[], Acquirer]] = {"sandbox": sandbox}
    if settings.cloudpayments is not None:
        account = settings.cloudpayments
        made["cloudpayments"] = lambda: CloudPayments(account, meters=meters)
    if settings.stripe is not None:
        at_stripe = settings.stripe
        made["stripe"] = lambda: Stripe(at_stripe, meters=meters)
    return {name: made[name]() for name in settings.names}
