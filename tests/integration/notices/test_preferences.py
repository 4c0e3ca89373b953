"""What users want, as it is stored: whole, under a version, and read for many at once."""

import asyncio

import pytest

from dispatch.errors import Refusal
from dispatch.notices import Category, Channel
from dispatch.telling import DEFAULT, Preferences, Quiet
from storage.postgres import Pool

from .told import Desk

WANTED = Preferences(
    {Category.CHAT: frozenset({Channel.PUSH}), Category.MONEY: frozenset({Channel.SMS, Channel.EMAIL})},
    Quiet(22 * 60, 7 * 60),
)


async def refused(code: str, desk: Desk, user: int, version: int) -> None:
    with pytest.raises(Refusal) as refusal:
        await desk.preferences.put(user, version, WANTED)
    assert refusal.value.code == code


async def test_who_has_said_nothing_wants_everything(pool: Pool) -> None:
    desk = Desk(pool)
    user = await desk.user(time_zone="Asia/Oral")
    assert await desk.preferences.of(user) == (0, DEFAULT, "Asia/Oral")


async def test_what_was_set_is_read_again_for_one_and_for_many(pool: Pool) -> None:
    desk = Desk(pool)
    user, other = await desk.user(), await desk.user()
    assert (await desk.preferences.put(user, 0, WANTED)).version == 1
    assert (await desk.preferences.of(user)).preferences == WANTED
    readers = await desk.preferences.readers([user, other, 2**40])
    assert {who: reader.preferences for who, reader in readers.items()} == {user: WANTED, other: DEFAULT}
    assert (await desk.preferences.put(user, 1, DEFAULT)).version == 2
    assert (await desk.preferences.of(user)).preferences == DEFAULT


async def test_of_two_edits_from_the_same_version_one_stands(pool: Pool) -> None:
    desk = Desk(pool)
    user = await desk.user()
    done = await asyncio.gather(
        *(desk.preferences.put(user, 0, WANTED) for _ in range(4)), return_exceptions=True
    )
    assert sum(not isinstance(each, Exception) for each in done) == 1
    await refused("version_stale", desk, user, 0)
    await refused("not_found", desk, 2**40, 0)


async def test_words_of_another_version_and_zones_that_are_gone_do_no_harm(pool: Pool) -> None:
    desk = Desk(pool)
    user = await desk.user(time_zone="Mars/Olympus")
    off = {"pigeons": ["push"], "chat": ["owl", "push"]}
    await pool.execute("INSERT INTO notice_preferences (user_id, off) VALUES ($1, $2)", user, off)
    (reader,) = (await desk.preferences.readers([user])).values()
    assert reader.preferences == Preferences({Category.CHAT: frozenset({Channel.PUSH})})
    assert reader.zone.key == "UTC"
