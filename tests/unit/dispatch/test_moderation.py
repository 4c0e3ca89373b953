"""What is stopped before it goes out, and above all what is not."""

from dataclasses import replace
from typing import Any

import pytest

from dispatch.model import Haul, Load, Money, NewOrder, Place, Terms
from dispatch.moderation import Facts, Ground, Moderation, Record, grounds, holds, needs_record, weighed
from dispatch.suspicious_text import contacts_in, forbidden_in
from geo.freight import CARGO

A, B = Place(1, "Алматы", 43.2, 76.9), Place(2, "Астана", 51.1, 71.4)
USUAL = Money(40_000_000, "KZT")
POLICY = Moderation()


def posted(cargo: str = "мука", comment: str = "", price: int = USUAL.amount, **load: Any) -> NewOrder:
    haul = Haul(A, B, 1e6, 5e4, "embedded")
    return NewOrder(
        7,
        haul,
        Load(cargo, 20_000.0, 40.0, "tent", **load),
        Money(price, "KZT"),
        3600.0,
        Terms(comment=comment),
    )


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("звоните 8 701 123 45 67", "phone"),
        ("+7 (701) 123-45-67", "phone"),
        ("87011234567", "phone"),
        ("7O1 123 45 67", "phone"),
        ("тел. 8-7о1-l23-45-67", "phone"),
        ("+998 90 123 45 67", "phone"),
        ("восемь семь ноль один два три четыре пять", "phone"),
        ("８７０１１２３４５６７", "phone"),
        ("пишите t.me/gruz", "link"),
        ("https://example.test/x", "link"),
        ("gruz(точка)kz", "link"),
        ("mail@gruz.kz", "link"),
        ("наш @gruz_almaty", "link"),
        ("есть вотсап", "messenger"),
        ("пишите в Телеграм", "messenger"),
        ("WhatsApp", "messenger"),
        ("加我微信", "messenger"),
    ],
)
def test_ways_round_the_desk_are_seen_also_when_hidden(text: str, kind: str) -> None:
    assert contacts_in(text) == kind


@pytest.mark.parametrize(
    "text",
    [
        "мука в мешках по 50 кг, 400 мешков, 20 000 кг",
        "ТН ВЭД 0702 00 000 1",
        "ТН ВЭД: 7208510000",
        "арматура ГОСТ 5781-82, L=11700 мм",
        "договор № 77011234567",
        "размер 13.6 x 2.45 x 2.7, 33 паллеты 1200x800",
        "загрузка 25.11.2026 с 08:00 до 18:00",
        "температура +2...+6, 18000-20000 кг",
        "труба 530х8, 12 м; 1 000 000 тенге с НДС",
        "самосвал, щебень 20-40",
        "тигель, имбирь, сигнализация, инструмент",
    ],
)
def test_what_people_honestly_write_of_a_load_is_no_contact(text: str) -> None:
    assert contacts_in(text) is None
    assert forbidden_in(text) is None


def test_no_cargo_of_the_generator_is_suspicious() -> None:
    for cargo in CARGO:
        assert grounds(posted(cargo.name), USUAL, Facts(), POLICY) == ()


@pytest.mark.parametrize(
    "text", ["оружие", "Боеприпасы", "наркотики", "краденые запчасти", "有毒品", "weapons"]
)
def test_goods_that_may_not_be_carried_are_seen(text: str) -> None:
    assert forbidden_in(text)
    found = grounds(posted(text), USUAL, Facts(), POLICY)
    assert found == (Ground.FORBIDDEN,) and holds(found)
    assert weighed(found, Record(50, 50, False), POLICY) == found, "no record is good enough for that"


def test_a_price_is_far_out_only_when_the_sum_is_worth_a_look() -> None:
    def of(price: int, usual: int) -> tuple[Ground, ...]:
        return grounds(posted(price=price), Money(usual, "KZT"), Facts(), POLICY)

    assert of(40_000_000, 40_000_000) == ()
    assert of(8_000_000, 40_000_000) == (), "a fifth of it is cheap, and may be"
    assert of(4_000_000, 40_000_000) == (Ground.PRICE_LOW,), "a nought is missing"
    assert of(400_000_000, 40_000_000) == (Ground.PRICE_HIGH,)
    assert of(4_000_000, 400_000) == (), "groupage over the street: ten times of little is little"


def test_dangerous_goods_go_with_a_paper_that_says_what_they_are() -> None:
    assert grounds(posted(adr="3"), USUAL, Facts(), POLICY) == (Ground.ADR_PAPERS,)
    assert grounds(posted(adr="3", documents=("msds",)), USUAL, Facts(), POLICY) == ()


def test_somebody_elses_duplicate_is_a_flag_and_stops_nothing() -> None:
    found = grounds(posted(), USUAL, Facts(other=5), POLICY)
    assert found == (Ground.DUPLICATE,) and not holds(found) and not needs_record(found, POLICY)
    both = grounds(posted(comment="8 701 123 45 67"), USUAL, Facts(other=5), POLICY)
    assert both == (Ground.CONTACTS, Ground.DUPLICATE) and holds(both)


def test_the_record_decides_only_where_something_is_suspected_or_first_loads_wait() -> None:
    assert not needs_record((), POLICY)
    careful = replace(POLICY, first_loads=2)
    assert needs_record((), careful)
    assert weighed((), Record(1, 0, False), careful) == (Ground.NEW_ACCOUNT,)
    assert weighed((), Record(2, 0, False), careful) == ()
    suspected = (Ground.PRICE_LOW,)
    assert weighed(suspected, Record(50, 9, False), POLICY) == suspected
    assert weighed(suspected, Record(50, 10, False), POLICY) == ()
    assert weighed(suspected, Record(50, 10, True), POLICY) == suspected


def test_who_was_turned_down_again_and_again_is_looked_at() -> None:
    found = grounds(posted(), USUAL, Facts(rejected_before=True), POLICY)
    assert found == (Ground.REJECTED_BEFORE,) and holds(found)
