"""What a worker holds of what staff set."""

import pytest

from server.held import AGAIN_S, KEEP_S, Held


class Source:
    """A database with one number in it, and a clock."""

    def __init__(self) -> None:
        self.value, self.reads, self.now, self.away = 1, 0, 0.0, False
        self.held = Held("numbers", self.load, lambda: self.now)

    async def load(self) -> int:
        if self.away:
            raise OSError("no database")
        self.reads += 1
        return self.value


async def test_it_is_read_once_until_it_changes_or_grows_old() -> None:
    source = Source()
    assert [await source.held.now() for _ in range(3)] == [1, 1, 1] and source.reads == 1
    source.value = 2
    assert await source.held.now() == 1  # nobody has said so
    source.held.stale()
    assert await source.held.now() == 2 and source.reads == 2
    source.value = 3
    source.now += KEEP_S
    assert await source.held.now() == 3  # the bus may have lost the message


async def test_without_a_database_the_old_value_goes_on_and_the_first_one_is_waited_for() -> None:
    source = Source()
    source.away = True
    with pytest.raises(OSError, match="no database"):
        await source.held.now()
    source.away = False
    assert await source.held.now() == 1
    source.away, source.value = True, 2
    source.held.stale()
    assert await source.held.now() == 1
    source.away = False
    assert await source.held.now() == 1  # for a moment: a database that is away is not asked by every request
    source.now += AGAIN_S
    assert await source.held.now() == 2


async def test_what_changes_while_it_is_read_is_read_again() -> None:
    source = Source()

    async def slow() -> int:
        read = source.value
        if source.value == 1:
            source.value = 2
            held.stale()
        return read

    held = Held("numbers", slow, lambda: 0.0)
    assert [await held.now(), await held.now()] == [1, 2]
