"""What Stripe's events say to us: of each thing that happens one, though Stripe tells most of them by several.

- Money was taken: `charge.succeeded`, which has invoice, payer, amount and card. `payment_intent.succeeded`,
  `checkout.session.completed` and `checkout.session.async_payment_succeeded` tell the same without the card.
- A try was declined: `payment_intent.payment_failed`. `charge.failed` and `checkout.session.async_payment_failed`
  tell the same, and not of every decline.
- Nobody paid on a page before its time was over: `checkout.session.expired`.
- Money was given back: `refund.created`, or `refund.updated` when a bank took its time. `charge.refunded` has only
  the sum of all refunds.

The key of a payment is its PaymentIntent, so however often it is told, it counts once.
"""

import logging
from typing import TypeVar

import msgspec
from msgspec import Struct

from billing.acquiring import Advice, Kind, Notification, State, Transaction

from .stripe_objects import Charge, Intent, Page, Refund, money, of_charge, of_intent, of_refund

log = logging.getLogger("desk.stripe")

T = TypeVar("T")


class _About(Struct, frozen=True):
    object: msgspec.Raw


class _Event(Struct, frozen=True):
    id: str
    type: str
    livemode: bool
    data: _About


def said(raw: bytes) -> list[Notification]:
    """What an event says to us. msgspec.MsgspecError or ValueError where it is none, or of another form."""
    event = msgspec.json.decode(raw, type=_Event)
    match event.type:
        case "charge.succeeded":
            paid = of_charge(_held(event, Charge))
            return [Notification(Kind.PAY, paid.id, paid)]
        case "payment_intent.payment_failed":
            # A payment may fail many times: each is an event of its own.
            return [Notification(Kind.FAIL, event.id, of_intent(_held(event, Intent)))]
        case "checkout.session.expired":
            page = _expired(_held(event, Page))
            return [Notification(Kind.FAIL, page.id, page)]
        case "refund.created" | "refund.updated":
            back = of_refund(_held(event, Refund), test=not event.livemode)
            return [Notification(Kind.REFUND, back.id, back)] if back.state is State.REFUNDED else []
        case "charge.dispute.created":
            # A bank takes the money back for weeks or for ever. What that costs the payer a person decides.
            log.error("stripe.disputed", extra={"event": event.id})
    return []


def _held(event: _Event, kind: type[T]) -> T:
    return msgspec.json.decode(event.data.object, type=kind)


def _expired(page: Page) -> Transaction:
    """A page that nobody paid on before its time was over."""
    about = page.metadata or {}
    return Transaction(
        page.id,
        State.CANCELLED,
        money(page.amount_total or 0, page.currency or ""),
        about.get("invoice"),
        about.get("account"),
        float(page.created),
        reason="expired",
        advice=Advice.OTHER,
        test=not page.livemode,
    )
