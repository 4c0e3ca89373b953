"""Where somebody pays in the sandbox: `/sandbox-pay/p/{token}`. What is typed is compared with the test cards and
forgotten; nothing but the last four digits of a test card goes further."""

from aiohttp import web
from multidict import MultiMapping

from server.i18n import DEFAULT, Lang, known
from storage.sandbox.rows import Checkout, Delivery

from . import look
from .acquirer import PREFIX, Sandbox
from .cards import BY_LAST_FOUR, CARDS, card_of, expires_of
from .terminal import DECLINING, Terminal

HEADERS = {
    "Content-Security-Policy": look.POLICY,
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex",
}
DELIVERIES = frozenset(Delivery)


def add_pages(app: web.Application, sandbox: Sandbox) -> None:
    """Adds the pages of the sandbox."""
    terminal = Terminal(sandbox)

    async def show(request: web.Request) -> web.Response:
        page = await sandbox.books.page(request.match_info["token"])
        return _shown(request, page)

    async def act(request: web.Request) -> web.Response:
        page = await sandbox.books.page(request.match_info["token"])
        if page is None or page.state == "paid":
            return _shown(request, page)
        form = await request.post()
        match form.get("do"):
            case "confirm" | "refuse" as said:
                await terminal.confirm(page, agreed=said == "confirm")
            case "pay" | "decline" as said:
                card = DECLINING if said == "decline" else card_of(str(form.get("number", "")))
                if card is None:
                    return _shown(request, page, look.not_a_test_card(_lang(request, page)))
                wish = _delivery(form, page) if "deliver" in form else _delivery(request.query, page)
                await terminal.pay(page, card, expires_of(str(form.get("expires", ""))), wish)
            case _:
                raise web.HTTPBadRequest
        # Back to the page itself: whoever reloads it pays nothing again.
        where = f"{PREFIX}/p/{page.token}?lang={_lang(request, page)}"
        return web.Response(status=303, headers={**HEADERS, "Location": where})

    app.router.add_get(PREFIX + "/p/{token:[0-9A-Za-z_-]{1,64}}", show)
    app.router.add_post(PREFIX + "/p/{token:[0-9A-Za-z_-]{1,64}}", act)


def _shown(request: web.Request, page: Checkout | None, problem: str = "") -> web.Response:
    lang = _lang(request, page)
    if page is None:
        return _page(look.over(lang), 404)
    delivery = _delivery(request.query, page)
    if page.state == "paid":
        return _page(look.paid(page, lang, delivery))
    if page.state == "confirming":
        return _page(look.confirm(page, lang, delivery))
    if not problem and page.declined is not None:
        problem = look.why(lang, page.declined)
    chosen = BY_LAST_FOUR.get(request.query.get("card", ""), CARDS[0])
    return _page(look.pay(page, lang, chosen, delivery, problem), 422 if request.method == "POST" else 200)


def _page(text: str, status: int = 200) -> web.Response:
    return web.Response(text=text, status=status, content_type="text/html", headers=HEADERS)


def _lang(request: web.Request, page: Checkout | None) -> Lang:
    return known(request.query.get("lang")) or known(page.lang if page else None) or DEFAULT


def _delivery(fields: MultiMapping[object], page: Checkout) -> Delivery:
    """What is asked for, else what the page has been told before."""
    asked = fields.get("deliver")
    return Delivery(str(asked)) if asked in DELIVERIES else page.delivery or Delivery.ONCE
