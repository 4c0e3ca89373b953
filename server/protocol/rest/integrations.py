"""What a company's own programs use: API keys, and webhooks that tell them what happens to its orders."""

from typing import Annotated, Literal

from msgspec import Meta

from ..messages import STORABLE, RowId, Seconds
from .common import Form, View

Scope = Literal["orders:read", "orders:write", "bids:write", "places:read"]
Scopes = Annotated[list[Scope], Meta(min_length=1, max_length=4, description="What the key may be used for.")]
KeyName = Annotated[str, Meta(min_length=1, max_length=80, pattern=STORABLE)]
HookUrl = Annotated[
    str, Meta(min_length=9, max_length=1000, pattern=STORABLE, description="https, of the public internet.")
]
EventKind = Annotated[
    str,
    Meta(
        pattern=r"^order\.(\*|[a-z_]{2,32})(?![\s\S])",
        max_length=40,
        description="`order.` and the kind of an order's event, or `order.*` for all of them.",
    ),
]
EventKinds = Annotated[list[EventKind], Meta(min_length=1, max_length=30)]


class ApiKeyForm(Form, frozen=True):
    """A new key; without `expires_at` it works until it is revoked."""

    name: KeyName
    scopes: Scopes
    expires_at: Seconds | None = None


class ApiKeyView(View, frozen=True):
    """A key without its secret; `hint` is how it begins, `last_used_at` is exact to the minute."""

    key: RowId
    name: str
    hint: str
    scopes: list[str]
    made_by: RowId
    created_at: Seconds
    expires_at: Seconds | None
    last_used_at: Seconds | None
    revoked_at: Seconds | None


class ApiKeyMade(View, frozen=True):
    """A new key. `secret` is shown this once: only a hash of it is stored."""

    key: RowId
    secret: str
    view: ApiKeyView


class ApiKeys(View, frozen=True):
    """Every key of the company, newest first, also those that were revoked."""

    keys: list[ApiKeyView]


class WebhookForm(Form, frozen=True):
    """Where to tell, and of what."""

    url: HookUrl
    kinds: EventKinds


class WebhookEdit(Form, frozen=True):
    """All of an endpoint; `enabled` switches it off, and on again after it was switched off for failing."""

    url: HookUrl
    kinds: EventKinds
    enabled: bool


class WebhookView(View, frozen=True):
    """An endpoint. `failures` in a row; after a day of nothing else it is switched off: `disabled_why`."""

    webhook: RowId
    url: str
    kinds: list[str]
    enabled: bool
    failures: int
    created_at: Seconds
    disabled_at: Seconds | None
    disabled_why: Literal["failing", "gone", "owner"] | None


class WebhookMade(View, frozen=True):
    """A new endpoint. `secret` signs what is sent to it (Desk-Signature), and is shown this once."""

    webhook: RowId
    secret: str
    view: WebhookView


class WebhookSecret(View, frozen=True):
    """A new secret, shown this once. For a day the old one signs beside it."""

    secret: str


class Webhooks(View, frozen=True):
    """Every endpoint of the company, oldest first."""

    webhooks: list[WebhookView]


class DeliveryQueued(View, frozen=True):
    """A delivery that will be tried at once."""

    delivery: RowId


class DeliveryView(View, frozen=True):
    """One event at one endpoint. `answer` is the last HTTP status, `error` why the last attempt failed."""

    delivery: RowId
    kind: str
    order: RowId | None
    state: Literal["due", "delivered", "dead", "cancelled"]
    attempts: int
    created_at: Seconds
    done_at: Seconds | None
    next_at: Seconds | None
    answer: int | None
    error: str | None


class Deliveries(View, frozen=True):
    """One page, newest first."""

    deliveries: list[DeliveryView]
    next: int | None = None
