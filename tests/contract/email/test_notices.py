"""Receipts by e-mail: what the server of somebody's mails gets when a notice goes there."""

from server.gateways.email.mail import Mail
from server.gateways.email_notices import EmailNotices
from server.gateways.push import Delivered, Outcome, Push, push_to
from storage.accounts import Endpoint


class Postbox:
    """Brings mails nowhere."""

    def __init__(self) -> None:
        self.mails: list[Mail] = []

    async def send(self, mails: list[Mail]) -> list[Outcome]:
        self.mails += mails
        return [Delivered() for _ in mails]

    async def close(self) -> None:
        raise AssertionError("it is shared")


def refunded(item: int, lang: str = "ru") -> Push:
    endpoint = Endpoint(0, 7, "email", "office@example.kz", {}, lang)
    return push_to(endpoint, "payment.refunded", {"payment": 4}, {}, 3600.0, item)


async def test_a_mail_says_what_the_inbox_says_and_leads_there() -> None:
    postbox = Postbox()
    notices = EmailNotices(postbox, "https://desk.example.kz")  # type: ignore[arg-type]  # a list for a sequence
    assert await notices.send([refunded(31), refunded(32, "en")]) == [Delivered()] * 2
    russian, english = postbox.mails
    assert russian.to == "office@example.kz" and russian.kind == "payment.refunded"
    assert (english.subject, english.text) == (
        "Payment",
        "A payment of yours was refunded. The receipt is in the app.\n\nhttps://desk.example.kz/payments/4\n",
    )
    assert russian.subject == "Оплата" and russian.text.startswith("Ваш платёж возвращён.")
    await notices.close()


async def test_what_is_sent_again_is_the_same_mail_and_another_event_another() -> None:
    postbox = Postbox()
    notices = EmailNotices(postbox, "https://desk.example.kz")  # type: ignore[arg-type]  # as above
    await notices.send([refunded(31), refunded(31), refunded(32)])
    first, again, other = postbox.mails
    assert first == again and first.key != other.key
