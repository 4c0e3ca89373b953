"""How the sandbox's pages look: HTML without a script and without anything from elsewhere."""

import base64
import hashlib
from html import escape
from pathlib import Path
from urllib.parse import urlencode

from server.i18n import LANGS, Lang, form, say
from server.i18n.langs import NAMES
from storage.sandbox.rows import Checkout, Delivery

from .cards import CARDS, EXPIRES, TestCard

SHOP = "Tracking Desk"
# Seconds until a payer who has paid is taken back by the page itself.
BACK_S = 4
TAGS = {"ru": "ru", "kk": "kk", "en": "en", "zh": "zh-Hans"}
STYLE = Path(__file__).with_suffix(".css").read_text(encoding="utf-8")
POLICY = (
    "default-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; img-src data:; "
    f"style-src 'sha256-{base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()}'"
)
GOOD = (
    '<svg class="mark" viewBox="0 0 64 64" aria-hidden="true"><circle cx="32" cy="32" r="30" fill="none" '
    'stroke="var(--good)" stroke-width="4"/><path d="M19 33l9 9 17-19" fill="none" stroke="var(--good)" '
    'stroke-width="5" stroke-linecap="round" stroke-linejoin="round"/></svg>'
)


def pay(page: Checkout, lang: Lang, card: TestCard | None, delivery: Delivery, problem: str = "") -> str:
    """The card form. `card` is filled in; `problem` is why the last try did not work."""
    sum_ = _money(page, lang)
    alert = f'<p class="bad" role="alert" data-testid="problem">{escape(problem)}</p>' if problem else ""
    kept = say(lang, "The card is kept for later payments.") if page.save_card else ""
    rows = "".join(
        f'<li><a href="?{_query(lang, delivery, one.last_four)}" data-testid="card-{one.last_four}"'
        f"{' aria-current=true' if one is card else ''}><b>•••• {one.last_four}</b>"
        f"<span>{escape(_outcome(one, lang))}</span></a></li>"
        for one in CARDS
    )
    ways = "".join(
        f"<option value={one}{' selected' if one is delivery else ''}>{escape(text)}</option>"
        for one, text in _deliveries(lang).items()
    )
    number = " ".join(card.number[i : i + 4] for i in range(0, 16, 4)) if card else ""
    return _whole(
        lang,
        f"""<main><section class="what"><h1>{SHOP}</h1>
<p class="sum" data-testid="sum">{escape(sum_)}</p>
<p class="soft">{escape(page.description)}</p>{_langs(lang, delivery)}</section>
<section class="how">{alert}<h2>{escape(say(lang, "Test cards"))}</h2><ul class="cards">{rows}</ul>
<form method="post" action="?{_query(lang, delivery)}" autocomplete="off">
<label>{escape(say(lang, "Card number"))}<input name="number" inputmode="numeric" maxlength="40" required
 autocomplete="off" value="{number}" placeholder="0000 0000 0000 0000"></label>
<div class="pair"><label>{escape(say(lang, "Expires"))}<input name="expires" inputmode="numeric" maxlength="9"
 autocomplete="off" value="{EXPIRES}"></label>
<label>CVC<input name="cvc" inputmode="numeric" maxlength="4" autocomplete="off" value="123"></label></div>
<button class="go" name="do" value="pay">{escape(say(lang, "Pay {amount}", amount=sum_))}</button>
<div class="other"><button class="go" name="do" value="decline" formnovalidate>
{escape(say(lang, "Let the bank decline"))}</button>
<a class="go" href="{escape(page.failed)}" data-testid="close">
{escape(say(lang, "Leave without paying"))}</a></div>
<details{" open" if delivery is not Delivery.ONCE else ""}><summary>
{escape(say(lang, "How the shop hears of it"))}</summary><select name="deliver">{ways}</select></details>
<p class="soft small">{escape(say(lang, "A real card is refused, and its number is kept nowhere."))}
{escape(kept)}</p>
</form></section></main>""",
    )


def confirm(page: Checkout, lang: Lang, delivery: Delivery) -> str:
    """3-D Secure: the bank asks."""
    question = say(lang, "Do you pay {amount} to {shop}?", amount=_money(page, lang), shop=SHOP)
    return _whole(
        lang,
        f"""<main class="narrow"><section class="end"><p class="soft">3-D Secure</p>
<h1>{escape(say(lang, "The bank wants to know"))}</h1><p class="soft">{escape(question)}</p>
<form method="post" action="?{_query(lang, delivery)}">
<button class="go" name="do" value="confirm">{escape(say(lang, "Yes, I pay"))}</button>
<div class="other"><button class="go" name="do" value="refuse">
{escape(say(lang, "No, it is not me"))}</button></div>
</form>{_langs(lang, delivery)}</section></main>""",
    )


def paid(page: Checkout, lang: Lang, delivery: Delivery) -> str:
    """It is done; the payer is taken back."""
    back = escape(page.back)
    return _whole(
        lang,
        f"""<main class="narrow"><section class="end">{GOOD}<h1 data-testid="paid">{escape(say(lang, "Paid"))}</h1>
<p class="sum">{escape(_money(page, lang))}</p>
<p class="soft">{escape(say(lang, "You are taken back in a moment."))}</p>
<a class="go" href="{back}" data-testid="back">{escape(say(lang, "Back to {shop}", shop=SHOP))}</a>
{_langs(lang, delivery)}</section></main>""",
        f'<meta http-equiv="refresh" content="{BACK_S};url={back}">',
    )


def over(lang: Lang) -> str:
    """No such page, or not any more."""
    return _whole(
        lang,
        f"""<main class="narrow"><section class="end"><h1>{escape(say(lang, "This page is over"))}</h1>
<p class="soft">{escape(say(lang, "Go back to where you came from and pay from there."))}</p></section></main>""",
    )


def why(lang: Lang, code: int) -> str:
    """What the payer is told of a decline."""
    match code:
        case 5051:
            return say(lang, "Declined: there is not enough money on the card.")
        case 5206:
            return say(lang, "Declined: the payment was not confirmed with the bank.")
        case 5005:
            return say(lang, "{shop} did not take this payment. Go back and try again.", shop=SHOP)
    return say(lang, "The bank has declined the payment.")


def not_a_test_card(lang: Lang) -> str:
    """What whoever types another number is told."""
    return say(lang, "This is not a test card. Its number was not kept.")


def _whole(lang: Lang, body: str, head: str = "") -> str:
    title = escape(say(lang, "Test payment"))
    note = escape(say(lang, "Test payment: no money moves."))
    return f"""<!doctype html>
<html lang="{TAGS[lang]}"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1">
<title>{title} · {SHOP}</title><link rel="icon" href="data:,">{head}<style>{STYLE}</style></head>
<body><p class="test">{note}</p>{body}</body></html>
"""


def _langs(lang: Lang, delivery: Delivery) -> str:
    links = "".join(
        f'<a href="?{_query(one, delivery)}" hreflang="{TAGS[one]}" lang="{TAGS[one]}"'
        f"{' aria-current=true' if one == lang else ''}>{NAMES[one]}</a>"
        for one in LANGS
    )
    return f'<nav class="langs">{links}</nav>'


def _query(lang: Lang, delivery: Delivery, card: str | None = None) -> str:
    wanted = {"lang": lang, "deliver": None if delivery is Delivery.ONCE else delivery, "card": card}
    return escape(urlencode({name: value for name, value in wanted.items() if value}))


def _money(page: Checkout, lang: Lang) -> str:
    return form.money(lang, page.money.minor, page.money.currency)


def _outcome(card: TestCard, lang: Lang) -> str:
    if card.declines is not None:
        return say(lang, "declined after 3-D Secure") if card.three_ds else say(lang, "declined by the bank")
    if card.charges_decline is not None:
        return say(lang, "paid, but later charges are declined")
    return say(lang, "paid after 3-D Secure") if card.three_ds else say(lang, "paid at once")


def _deliveries(lang: Lang) -> dict[Delivery, str]:
    return {
        Delivery.ONCE: say(lang, "Once"),
        Delivery.TWICE: say(lang, "Twice"),
        Delivery.LATE: say(lang, "A minute late"),
        Delivery.SHUFFLED: say(lang, "Out of order"),
        Delivery.NEVER: say(lang, "Never"),
    }
