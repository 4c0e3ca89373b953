"""Broadcasts reach exactly those whom they are for, once, also when a worker dies midway, and can be stopped."""

import asyncio
import logging
from collections.abc import Mapping, Sequence

import pytest

from dispatch.content import Audience
from geo.cells import cell_of
from geo.gazetteer import Gazetteer
from geo.regions import Regions, around
from server.deliver import Deliveries
from server.gateways.push import Delivered, Outcome, Push, PushSender
from server.notices.announcing import planned
from storage.accounts import AccountStore
from storage.content.broadcasts import A_DAY, STEP, WAITING, BroadcastStore, NewBroadcast
from storage.content.whereabouts import Trace, Whereabouts
from storage.notices.announcing import NewsStore
from storage.notices.ledger import Ledger
from storage.notices.preferences import PreferenceStore
from storage.outbox import Outbox
from storage.postgres import Pool

from .people import People

TEXTS = {"ru": {"title": "Снег", "body": "Трасса закрыта."}, "kk": {"title": "Қар", "body": "Жол жабық."}}
FORM = {"texts": TEXTS, "roles": ["driver"]}
ALL = "/admin/broadcasts"
REGIONS = Regions(Gazetteer.load())


def regions_of(trace: Trace) -> Sequence[str]:
    return around(REGIONS.of_cell(trace.cell)) if trace.cell is not None else ()


@pytest.fixture
def store(pool: Pool) -> BroadcastStore:
    return BroadcastStore(pool, Whereabouts(pool), regions_of)


async def staff(pool: Pool) -> int:
    user: int = await pool.fetchval(
        "INSERT INTO users (phone, role, grade) VALUES ('+77050000001', 'admin', 'support')"
        " ON CONFLICT (phone) DO UPDATE SET grade = 'support' RETURNING id"
    )
    return user


async def crowd(pool: Pool, drivers: int, shippers: int = 0) -> list[int]:
    """Ids of the drivers."""
    rows = await pool.fetch(
        "INSERT INTO users (phone, role) SELECT '+7706' || lpad(n::text, 7, '0'),"
        " CASE WHEN n <= $1 THEN 'driver' ELSE 'shipper' END FROM generate_series(1, $2::int) n"
        " RETURNING id, role",
        drivers,
        drivers + shippers,
    )
    return [row["id"] for row in rows if row["role"] == "driver"]


async def queued(store: BroadcastStore, pool: Pool, *, regions: tuple[str, ...] = ()) -> int:
    who = await staff(pool)
    made = await store.add(who, NewBroadcast(TEXTS, Audience(("driver",), regions), None))
    counted = await store.count(made.audience)
    return (await store.send(who, made.id, 1, counted.recipients)).id


async def reached(pool: Pool) -> list[int]:
    rows = await pool.fetch("SELECT user_id FROM outbox WHERE kind = 'broadcast.sent' ORDER BY id")
    return [row["user_id"] for row in rows]


async def sent_off(pool: Pool) -> None:
    """What waits was pushed."""
    await pool.execute("UPDATE outbox SET state = 'sent' WHERE state = 'due'")


async def run(store: BroadcastStore, pool: Pool) -> None:
    """To the end, with pushes that go out at once."""
    while await store.step():
        await sent_off(pool)


async def test_everybody_of_the_role_gets_it_once_and_nobody_else(store: BroadcastStore, pool: Pool) -> None:
    drivers = await crowd(pool, 2 * STEP + 7, 50)
    await pool.execute("UPDATE users SET blocked = true WHERE id = $1", drivers[3])
    await pool.execute("UPDATE users SET erased_at = now() WHERE id = $1", drivers[4])
    id = await queued(store, pool)
    late = await pool.fetchval("INSERT INTO users (phone, role) VALUES ('+77071', 'driver') RETURNING id")
    await run(store, pool)
    meant = [driver for driver in drivers if driver not in (drivers[3], drivers[4], late)]
    assert await reached(pool) == meant
    done = await store.one(id)
    assert (done.state, done.sent, done.total) == ("done", len(meant), len(meant))
    assert await store.step() is None


async def test_a_slice_that_was_cut_off_is_sent_again_and_no_phone_rings_twice(
    store: BroadcastStore, pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    drivers = await crowd(pool, 3 * STEP)
    id = await queued(store, pool)
    await store.step()
    await sent_off(pool)
    # The worker dies between the pushes of a slice and the note of how far it has come.
    monkeypatch.setattr(
        "storage.content.broadcasts.MOVED", "SELECT 1 / 0, $1::int, $2::int, $3::int, $4::bool"
    )
    with pytest.raises(Exception, match="division by zero"):
        await store.step()
    assert len(await reached(pool)) == STEP and (await store.one(id)).sent == STEP
    monkeypatch.undo()
    # And once more as if only its note had been lost.
    await pool.execute("UPDATE broadcasts SET looked_to = 0, sent = 0 WHERE id = $1", id)
    await run(store, pool)
    assert await reached(pool) == drivers
    assert (await store.one(id)).state == "done"


async def test_workers_at_once_send_every_push_once(store: BroadcastStore, pool: Pool) -> None:
    drivers = await crowd(pool, 4 * STEP)
    await queued(store, pool)
    await queued(store, pool)

    async def worker() -> None:
        for _ in range(12):
            if await store.step():
                await sent_off(pool)
            else:
                await asyncio.sleep(0)

    await asyncio.gather(*(worker() for _ in range(4)))
    await run(store, pool)
    assert sorted(await reached(pool)) == sorted(drivers * 2)


async def test_a_region_is_where_drivers_were_last(store: BroadcastStore, pool: Pool) -> None:
    here, there, nowhere = await crowd(pool, 3)
    for driver, (lat, lon) in ((here, (43.24, 76.89)), (there, (47.1, 51.91))):
        await pool.execute(
            "INSERT INTO last_positions (driver_id, recorded_at, point, cell)"
            " VALUES ($1, now(), ST_SetSRID(ST_MakePoint($3, $2), 4326), $4)",
            driver,
            lat,
            lon,
            cell_of(lat, lon),
        )
    for regions, meant, unplaced in ((("KZ.02",), [here], 1), (("KZ",), [here, there], 1), ((), None, 0)):
        counted = await store.count(Audience(("driver",), regions))
        expected = [here, there, nowhere] if meant is None else meant
        assert (counted.recipients, counted.nowhere, counted.whole) == (len(expected), unplaced, True)
        await pool.execute("DELETE FROM outbox")
        await queued(store, pool, regions=regions)
        await run(store, pool)
        assert await reached(pool) == expected


async def test_pushes_of_offers_never_stand_behind_a_whole_broadcast(
    store: BroadcastStore, pool: Pool
) -> None:
    await crowd(pool, 3 * STEP)
    await queued(store, pool)
    while await store.step():
        pass  # nobody sends what waits
    assert await pool.fetchval("SELECT count(*) FROM outbox") < WAITING + STEP
    await sent_off(pool)
    assert await store.step() is not None


class Phones:
    """A push service that keeps what it was given."""

    def __init__(self) -> None:
        self.pushes: list[Push] = []

    async def send(self, pushes: Sequence[Push]) -> list[Outcome]:
        self.pushes += pushes
        return [Delivered() for _ in pushes]

    async def close(self) -> None:
        """Nothing is open."""


def sending(pool: Pool, store: BroadcastStore, senders: Mapping[str, PushSender]) -> Deliveries:
    ledger, preferences = Ledger(pool), PreferenceStore(pool)
    return Deliveries(Outbox(pool), AccountStore(pool), preferences, ledger, senders, broadcasts=store)


async def announce(pool: Pool) -> None:
    """What waits goes to inboxes, so that it may be sent."""
    while await NewsStore(pool).announce(200, lambda news: planned(news, lambda user: False, frozenset())):
        pass


async def test_what_was_cancelled_midway_is_pushed_to_nobody_else(store: BroadcastStore, pool: Pool) -> None:
    await crowd(pool, 2 * STEP)
    id = await queued(store, pool)
    phones = Phones()
    deliveries = sending(pool, store, {"webpush": phones, "log": phones})
    await store.step()
    await store.cancel(await staff(pool), id)
    assert await store.step() is None
    await announce(pool)
    await deliveries.once()
    states = await pool.fetch("SELECT state, count(*) AS n FROM outbox GROUP BY state")
    assert {row["state"]: row["n"] for row in states} == {"cancelled": STEP}
    assert phones.pushes == []
    cancelled = await store.one(id)
    assert (cancelled.state, cancelled.sent) == ("cancelled", STEP)


async def test_each_phone_reads_its_own_language_and_logs_read_nothing(
    store: BroadcastStore, pool: Pool, caplog: pytest.LogCaptureFixture
) -> None:
    first, second, third = await crowd(pool, 3)
    for driver, locale in ((first, "kk"), (second, "zh")):
        await pool.execute(
            "INSERT INTO push_endpoints (user_id, kind, address, locale) VALUES ($1, 'webpush', $2, $3)",
            driver,
            f"https://push.example/{driver}",
            locale,
        )
    id = await queued(store, pool)
    await store.step()
    phones = Phones()
    await announce(pool)
    with caplog.at_level(logging.DEBUG):
        await sending(pool, store, {"webpush": phones}).once()
    assert {push.endpoint.user: push.text for push in phones.pushes} == {
        first: ("Қар", "Жол жабық."),
        second: ("Снег", "Трасса закрыта."),
    }
    assert all(push.ids == {"broadcast": id} and push.topic == f"broadcast:{id}" for push in phones.pushes)
    assert third and "Снег" not in caplog.text
    assert await pool.fetchval("SELECT count(*) FROM outbox WHERE state = 'sent'") == 3


# -- over HTTP, on a running server -------------------------------------------------------------------------


async def test_composed_previewed_sent_and_read_by_those_who_got_it(people: People) -> None:
    page = {"slug": "snow", "texts": {"ru": {"title": "Снег", "body": "Карта"}}, "state": "published"}
    await people.moderator.done("POST", "/admin/pages", page)
    made = await people.support.done("POST", ALL, {**FORM, "page": "snow"})
    path = f"{ALL}/{made.body['broadcast']}"
    assert (made.body["state"], made.tag) == ("draft", '"1"')
    preview = await people.support.get(f"{path}/preview")
    assert preview == {"recipients": len(people.drivers), "nowhere": 0, "whole": True}
    sent = await people.support.done("POST", f"{path}/send", if_match="1")
    assert (sent.body["state"], sent.body["total"]) == ("queued", len(people.drivers))
    async with asyncio.timeout(20):  # the loops of the server are at it
        while (await people.support.get(path))["state"] != "done":  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    assert (await people.support.get(path))["sent"] == len(people.drivers)
    received = await people.drivers[0].get(f"/broadcasts/{made.body['broadcast']}", lang="kk")
    assert (received["title"], received["page"]) == ("Қар", "snow")
    assert (await people.shipper.ask("GET", f"/broadcasts/{made.body['broadcast']}")).code == "not_found"
    for again in (
        await people.support.ask("POST", f"{path}/send", if_match="2"),
        await people.support.ask("PUT", path, FORM, if_match="2"),
        await people.support.ask("POST", f"{path}/cancel"),
    ):
        assert again.code == "broadcast_sent"
    lines = [line for what in ("add", "send") for line in await people.log(f"broadcast.{what}")]
    assert [(who, detail["is"], detail["title"]) for who, _, detail in lines] == [
        (people.support.user, f"driver, everywhere, version {version}", "Снег") for version in (1, 2)
    ]


async def test_a_draft_is_edited_from_its_version_and_cancelled(people: People) -> None:
    made = await people.support.done("POST", ALL, FORM)
    path = f"{ALL}/{made.body['broadcast']}"
    put = await people.support.done("PUT", path, {**FORM, "roles": ["shipper"]}, if_match="1")
    assert put.tag == '"2"' and put.body["roles"] == ["shipper"]
    assert (await people.chief.ask("PUT", path, FORM, if_match="1")).code == "version_stale"
    assert (await people.chief.ask("POST", f"{path}/send", if_match="1")).code == "version_stale"
    cancelled = await people.chief.done("POST", f"{path}/cancel")
    assert (cancelled.body["state"], cancelled.body["cancelled_by"]) == ("cancelled", people.chief.user)
    assert (await people.support.ask("POST", f"{path}/send", if_match="3")).code == "broadcast_sent"
    assert [detail["was"] for _, _, detail in await people.log("broadcast.cancel")] == ["draft"]


@pytest.mark.parametrize(
    ("title", "body"),
    [
        ("Снег", "Звоните +7 701 123 45 67"),
        ("Снег", "Подробнее: https://example.com/x"),
        ("Снег", "Пишите в ватсап"),
        ("Сн\u202eег", "Трасса закрыта."),
        ("Снег\nи лёд", "Трасса закрыта."),
    ],
)
async def test_what_a_lock_screen_must_not_show_is_refused(people: People, title: str, body: str) -> None:
    texts = {"ru": {"title": title, "body": body}}
    refused = await people.support.ask("POST", ALL, {**FORM, "texts": texts})
    assert (refused.status, refused.code) == (400, "bad_request")
    assert refused.body["path"].startswith("texts.ru.")


async def test_one_of_the_staff_sends_so_many_a_day_and_no_more(people: People) -> None:
    answers = []
    for _ in range(A_DAY + 1):
        made = await people.support.done("POST", ALL, {**FORM, "roles": ["logistician"]})
        path = f"{ALL}/{made.body['broadcast']}/send"
        answers.append(await people.support.ask("POST", path, if_match="1"))
    assert [answer.status for answer in answers] == [200] * A_DAY + [409]
    assert answers[-1].code == "limit_reached"
    made = await people.chief.done("POST", ALL, FORM)
    await people.chief.done("POST", f"{ALL}/{made.body['broadcast']}/send", if_match="1")
