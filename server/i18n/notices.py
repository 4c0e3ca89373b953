"""What a phone shows of a push: title and body by kind of news, in the language of the endpoint.

A push passes through strangers' servers and lies on lock screens (control C61): a text may hold row ids, a count
and words of the contract's vocabularies, never a name, a number to call, an address or anybody's free text. The
gate refuses a template that asks for more; `dispatch.notices.facts_of` lets nothing else out of a payload.
Inbox, SMS and e-mail say the same.

One kind says what staff wrote, WRITTEN_BY_STAFF: their text comes from the row of the broadcast, never from a
payload, and `dispatch.content.fit_for_a_push` has judged it. `server.gateways.push.Push` takes such a text for no
other kind.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from dispatch.content import Texts, said
from dispatch.notices import COUNT, IDS, WORDS

from .catalogue import plural, say
from .langs import Lang

WRITTEN_BY_STAFF = "broadcast.sent"


@dataclass(frozen=True, slots=True)
class Template:
    """English sentences; `many` is the body for other counts than one, chosen by the fact `n`."""

    title: str
    body: str
    many: str = ""


# `kind/word` is told instead of `kind` when one of the notice's WORDS is that word.
NOTICES: dict[str, Template] = {
    "offer.made": Template("New load", "A load is offered to you. Open the app before the offer ends."),
    "offer.closed": Template("Offer closed", "This load is no longer offered."),
    "offer.closed/taken": Template("Offer closed", "Another driver has taken this load."),
    "offer.closed/withdrawn": Template("Offer closed", "The shipper has withdrawn this load."),
    "offer.invited": Template(
        "Invitation", "A shipper asks you to carry a load. Open the app before the offer ends."
    ),
    "bid.made": Template("New bid", "A driver names a price for order {order}."),
    "bid.changed": Template("New price", "There is a new price for order {order}."),
    "bid.closed": Template("Bid closed", "A bid for order {order} is closed."),
    "bid.closed/accepted": Template("Bid accepted", "A bid for order {order} is accepted."),
    "bid.closed/declined": Template("Bid closed", "The shipper has declined the bid for order {order}."),
    "bid.closed/withdrawn": Template("Bid closed", "A driver has withdrawn the bid for order {order}."),
    "bid.closed/expired": Template("Bid closed", "A bid for order {order} has expired."),
    "bid.closed/outdated": Template("Bid closed", "Order {order} has changed: look at it and bid again."),
    "bid.closed/lost": Template("Bid closed", "Order {order} went elsewhere."),
    "search.matched": Template("New load", "A load suits your saved search."),
    "order.changed": Template("Order {order}", "The order has changed. Open the app to see how."),
    "order.changed/edited": Template("Order {order}", "The order was changed. Open the app to see how."),
    "order.changed/confirmed": Template("Order {order}", "The shipper has confirmed the load."),
    "order.changed/lapsed": Template(
        "Order {order}", "The load has left the board: confirm it to bring it back."
    ),
    "order.changed/acknowledged": Template("Order {order}", "The driver has agreed to the new times."),
    "order.changed/sharing_paused": Template(
        "Order {order}", "The driver holds the exact position back for a while."
    ),
    "order.changed/sharing_resumed": Template("Order {order}", "The driver shares the position again."),
    "order.changed/approved": Template("Order {order}", "The load was approved: drivers see it."),
    "order.changed/rejected": Template("Order {order}", "The load was turned down. Open the app to see why."),
    "order.edited": Template("Order {order}", "The order was changed. Look at it before you drive on."),
    "order.confirm": Template(
        "Order {order}", "Does the load still stand? Confirm it, or it leaves the board soon."
    ),
    "order.changed/open": Template("Order {order}", "The order is published: drivers see it."),
    "order.changed/assigned": Template(
        "Order {order}", "The order has its driver. Open the app for the details."
    ),
    "order.changed/at_pickup": Template("Order {order}", "The truck is at the pickup."),
    "order.changed/loaded": Template("Order {order}", "The cargo is loaded."),
    "order.changed/in_transit": Template("Order {order}", "The truck is on its way."),
    "order.changed/at_drop": Template("Order {order}", "The truck is at the drop."),
    "order.changed/delivered": Template("Order {order}", "The cargo is delivered."),
    "order.changed/closed": Template("Order {order}", "The order is closed."),
    "order.changed/cancelled": Template("Order {order}", "The order is cancelled."),
    "order.changed/expired": Template(
        "Order {order}", "Nobody took the load in time: the order has expired."
    ),
    "order.changed/disputed": Template("Order {order}", "A dispute is open: an operator is looking into it."),
    "order.changed/delayed": Template("Order {order}", "The truck is late. Open the app to see by how much."),
    "order.changed/proof_demanded": Template(
        "Order {order}", "The shipper says what proves the delivery. Look at it before the drop."
    ),
    "order.changed/incident": Template(
        "Order {order}", "The driver reports an incident. Open the app to see it."
    ),
    "trip.suggested": Template("Order {order}", "Has the state of the trip changed? Confirm it in the app."),
    "trip.suggested/at_pickup": Template("Order {order}", "Are you at the pickup? Confirm it in the app."),
    "trip.suggested/loaded": Template("Order {order}", "Is the cargo loaded? Confirm it in the app."),
    "trip.suggested/in_transit": Template("Order {order}", "Are you on your way? Confirm it in the app."),
    "trip.suggested/at_drop": Template("Order {order}", "Are you at the drop? Confirm it in the app."),
    "trip.suggested/delivered": Template("Order {order}", "Is the cargo delivered? Confirm it in the app."),
    "chat.message": Template("Order {order}", "There is a new message. Open the app to read it."),
    "order.changed/dispute_answered": Template(
        "Order {order}", "The other side has answered to the dispute."
    ),
    "order.changed/dispute_message": Template("Order {order}", "There is news in the dispute."),
    "order.changed/dispute_withdrawn": Template(
        "Order {order}", "The dispute was withdrawn: the haul goes on."
    ),
    "order.changed/dispute_decided": Template(
        "Order {order}", "The dispute is decided. Open the app to see how."
    ),
    "review.asked": Template("Order {order}", "How was the haul? Rate the other side within two weeks."),
    "order.changed/payment_marked": Template(
        "Order {order}", "The shipper says that money was sent. Confirm it in the app once you have it."
    ),
    "order.changed/payment_confirmed": Template("Order {order}", "The driver has received the payment."),
    "order.changed/payment_contested": Template(
        "Order {order}", "The driver contests a payment. Open the app to see why."
    ),
    "order.changed/payment_withdrawn": Template("Order {order}", "The shipper takes a payment back."),
    "order.changed/payment_missed": Template("Order {order}", "The driver says that no payment has come."),
    "order.changed/payment_due": Template(
        "Order {order}", "The payment for this haul is due. Say in the app whether it was made."
    ),
    "order.changed/payment_overdue": Template(
        "Order {order}", "The payment for this haul is a week late. Say in the app whether it was made."
    ),
    "order.changed/payment_unconfirmed": Template(
        "Order {order}", "The shipper says that this haul is paid. Confirm it, or say that it is not."
    ),
    "review.waiting": Template(
        "Order {order}", "The other side has rated the haul. Rate it too: then both see what was said."
    ),
    "review.published": Template("Order {order}", "There is a new rating of you. Open the app to read it."),
    "review.hidden": Template("Order {order}", "Your rating was hidden. Open the app to see why."),
    "company.invited": Template("Invitation", "A company invites you. Open the app to answer."),
    "company.decided": Template("Your company", "Staff has looked at your company. Open the app to see how."),
    "company.decided/verified": Template("Your company", "Your company is verified."),
    "company.decided/rejected": Template("Your company", "Your company could not be verified."),
    "document.reviewed": Template("Your papers", "A paper of yours has been checked."),
    "document.reviewed/approved": Template("Your papers", "A paper of yours is approved."),
    "document.reviewed/rejected": Template(
        "Your papers", "A paper of yours is rejected. Open the app to see why."
    ),
    "document.expires": Template(
        "Your papers", "A paper runs out in {n} day.", "A paper runs out in {n} days."
    ),
    "subscription.started": Template("Your subscription", "Your subscription is active."),
    "subscription.started/trial": Template("Your subscription", "Your trial period has begun."),
    "subscription.paid": Template(
        "Your subscription", "Your payment has arrived: the subscription goes on. The receipt is in the app."
    ),
    "subscription.ending": Template(
        "Your subscription",
        "Your subscription ends in {n} day. Renew it to go on taking loads.",
        "Your subscription ends in {n} days. Renew it to go on taking loads.",
    ),
    "subscription.ending/trial": Template(
        "Your subscription",
        "Your trial period ends in {n} day. Choose a plan to go on taking loads.",
        "Your trial period ends in {n} days. Choose a plan to go on taking loads.",
    ),
    "subscription.failed": Template(
        "Your subscription", "The payment failed. Pay in the app to keep your subscription."
    ),
    "subscription.ended": Template("Your subscription", "Your subscription has ended. Renew it in the app."),
    "payment.refunded": Template("Payment", "A payment of yours was refunded. The receipt is in the app."),
    "bonus.granted": Template(
        "Bonus", "You have {n} free day of subscription.", "You have {n} free days of subscription."
    ),
    "bonus.granted/referral": Template(
        "Bonus",
        "For those whom you have invited you get {n} free day.",
        "For those whom you have invited you get {n} free days.",
    ),
    "bonus.granted/rating": Template(
        "Bonus", "For your high rating you get {n} free day.", "For your high rating you get {n} free days."
    ),
    "bonus.revoked": Template("Bonus", "A bonus was taken back. Open the app to see why."),
    "referral.progress": Template(
        "Your invitations",
        "{n} more paying shipper, and you get a bonus.",
        "{n} more paying shippers, and you get a bonus.",
    ),
    "referral.progress/joined": Template("Your invitations", "Somebody whom you have invited has joined."),
    "export.ready": Template("Your data", "The export of your data is ready for a week."),
    "transfer.refused": Template(
        "Your transfer", "We could not confirm your transfer. Open the app to see why."
    ),
    # What is said when the broadcast's own text cannot be had.
    "broadcast.sent": Template("Message", "There is news from us. Open the app to read it."),
    "webhook.disabled": Template(
        "Webhook switched off", "Your company's endpoint did not take events for a day and was switched off."
    ),
    "webhook.disabled/gone": Template(
        "Webhook switched off", "Your company's endpoint says that it is gone and was switched off."
    ),
}


def text(lang: Lang, kind: str, facts: Mapping[str, object], written: Texts | None = None) -> tuple[str, str]:
    """(title, body) for news of a known kind; `facts` as `dispatch.notices` takes them from a payload. `written`
    is what staff wrote of a broadcast, where it can be had."""
    theirs = None if written is None else said(written, lang)
    if theirs is not None:
        return theirs.title, theirs.body
    variants = (f"{kind}/{facts[name]}" for name in WORDS if name in facts)
    template = next((NOTICES[name] for name in variants if name in NOTICES), NOTICES[kind])
    given = dict(facts)
    count = given.pop(COUNT, 1)
    n = count if isinstance(count, int) else 1
    title = say(lang, template.title, **given)
    if template.many:
        return title, plural(lang, template.body, template.many, n, **given)
    return title, say(lang, template.body, **given)


def preview(lang: Lang) -> Iterator[tuple[str, str, str]]:
    """(kind, title, body) of every text, with made-up facts: for proof-readers."""
    for name, template in NOTICES.items():
        for n in (1, 3, 5) if template.many else (1,):
            kind, _, word = name.partition("/")
            facts = {**dict.fromkeys(IDS, 1042), COUNT: n, **({"event": word} if word else {})}
            yield name, *text(lang, kind, facts)
