"""Frames that are wrong, too large, too many or not allowed: a typed refusal, and the process lives."""

import time

import msgspec
import pytest

from storage.postgres import Pool
from tests.served import Server

from .wire import STREAM, signed_in


def point(seq: int, at: float, lat: float = 43.25, lon: float = 76.95) -> list[object]:
    return [seq, at, lat, lon, 20.0, 90.0, 5.0]


@pytest.mark.parametrize(
    ("raw", "path"),
    [
        (b"{", None),
        (b"\xff\xfe", None),
        (b"[" * 5_000, None),
        (b'{"type":"position.report","points":[[1,1,91,0]]}', "$.points[0][2]"),
        (b'{"type":"position.report","points":[[0,1,1,0]]}', "$.points[0][0]"),
        (b'{"type":"position.report","points":[[1,NaN,1,0]]}', None),
        (b'{"type":"offer.accept","id":1,"offer":1,"accept_id":"x"}', "$.accept_id"),
        (b'{"type":"area.watch","id":1e99}', "$.id"),
    ],
)
async def test_a_bad_frame_gets_an_error_with_its_field(server: Server, raw: bytes, path: str | None) -> None:
    async with signed_in(server, server.accounts["shippers"][0]) as wire:
        await wire.socket.send_bytes(raw)
        error = await wire.receive("error")
        assert (error["code"], error.get("path")) == ("bad_frame", path)
        assert (await wire.command("ping"))["type"] == "ok"


async def test_bad_frames_again_and_again_end_the_connection(server: Server) -> None:
    async with signed_in(server, server.accounts["shippers"][0]) as wire:
        for _ in range(5):
            await wire.socket.send_bytes(b"{")
        assert await wire.close_code() == 4400


async def test_a_frame_beyond_64_kib_is_refused_and_the_server_lives(server: Server) -> None:
    async with signed_in(server, server.accounts["shippers"][0]) as wire:
        await wire.socket.send_bytes(b"x" * (64 * 1024 + 1))
        assert (await wire.receive("error"))["code"] == "too_large"
        await wire.socket.send_bytes(b"x" * (1024 * 1024))
        assert await wire.close_code() == 1009
    async with signed_in(server, server.accounts["shippers"][0]) as wire:
        assert (await wire.command("ping"))["type"] == "ok"


async def test_positions_need_a_driver_a_device_and_a_stream(server: Server) -> None:
    async with signed_in(server, server.accounts["shippers"][0]) as wire:
        await wire.send("stream.resume", stream=STREAM)
        assert (await wire.receive("error"))["code"] == "forbidden"
        await wire.send("position.report", points=[point(1, time.time())])
        assert (await wire.receive("error"))["code"] == "stream_required"
    account = {k: v for k, v in server.accounts["drivers"][0].items() if not k.startswith("device")}
    async with signed_in(server, account) as wire:
        await wire.send("stream.resume", stream=STREAM)
        assert (await wire.receive("error"))["code"] == "device_required"


async def test_a_hole_in_the_sequence_is_refused_and_nothing_behind_it_is_acked(
    server: Server, pool: Pool
) -> None:
    now = time.time()
    async with signed_in(server, server.accounts["drivers"][0], stream=True) as wire:
        await wire.send("position.report", points=[point(1, now), point(3, now + 2)])
        frames = {frame["type"]: frame for frame in (await wire.receive(), await wire.receive())}
        assert frames["error"]["code"] == "seq_gap"
        assert frames["position.ack"]["upto"] == 1
        await wire.send("position.report", points=[point(2, now + 1), point(3, now + 2)])
        assert (await wire.receive("position.ack"))["upto"] == 3
    assert await pool.fetchval("SELECT count(*) FROM positions") == 3


async def test_a_backlog_comes_behind_the_newest_fix_and_late_points_do_not_move_the_map_back(
    server: Server, pool: Pool
) -> None:
    now = time.time()
    driver = server.accounts["drivers"][0]
    async with (
        signed_in(server, server.accounts["admins"][0]) as operator,
        signed_in(server, driver, stream=True) as wire,
    ):
        await wire.send("position.live", point=point(200, now, 43.30))
        backlog = [point(seq, now - 200 + seq, 43.20 + seq * 0.0002) for seq in range(1, 101)]
        await wire.send("position.report", points=backlog)
        assert (await wire.receive("position.ack"))["upto"] == 100
        ok = await operator.command("area.watch", west=76, south=43, east=78, north=44)
        assert [truck[2] for truck in ok["result"]["trucks"]] == [43.30]
    assert await pool.fetchval("SELECT count(*) FROM positions WHERE flag = 0") == 100


async def test_implausible_points_are_stored_flagged_and_kept_off_the_map(server: Server, pool: Pool) -> None:
    now = time.time()
    points = [
        point(1, now - 10),
        point(2, now - 9, 44.9),  # 180 km in a second
        [3, now - 8, 43.2501, 76.95, 20.0, 90.0, 5_000.0],  # a cell tower's guess
        point(4, now - 30, 43.251),  # late
        point(5, now + 86_400),  # tomorrow
        point(6, now - 8 * 86_400),  # last week
        point(7, now - 5, 43.2504),
    ]
    async with (
        signed_in(server, server.accounts["drivers"][0], stream=True) as wire,
        signed_in(server, server.accounts["admins"][0]) as operator,
    ):
        await wire.send("position.report", points=points)
        ack = await wire.receive("position.ack")
        assert ack["upto"] == 7
        assert ack["rejected"] == [[5, "future"], [6, "too_old"]]
        ok = await operator.command("area.watch", west=76, south=43, east=78, north=46)
        assert [truck[2] for truck in ok["result"]["trucks"]] == [43.2504]
    rows = await pool.fetch("SELECT seq, flag FROM positions ORDER BY seq")
    assert [(row["seq"], row["flag"]) for row in rows] == [(1, 0), (2, 3), (3, 2), (4, 1), (7, 0)]
    assert await pool.fetchval("SELECT count(*) FROM poison_points") == 2


async def test_both_encodings_are_the_same_protocol(server: Server) -> None:
    import aiohttp

    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(f"{server.url}/ws", protocols=("desk.v1.msgpack",)) as socket,
    ):
        assert socket.protocol == "desk.v1.msgpack"
        hello = {"type": "hello", "version": 1, "token": server.accounts["admins"][0]["access"]}
        await socket.send_bytes(msgspec.msgpack.encode(hello))
        assert msgspec.msgpack.decode(await socket.receive_bytes())["type"] == "welcome"
        await socket.send_bytes(msgspec.msgpack.encode({"type": "ping", "id": 7}))
        assert msgspec.msgpack.decode(await socket.receive_bytes()) == {"type": "ok", "id": 7}


async def test_a_flood_beyond_the_credit_is_refused_and_what_was_refused_may_come_again(
    server: Server, pool: Pool
) -> None:
    start = time.time() - 7000
    batches = [
        [point(seq, start + seq) for seq in range(first, first + 500)] for first in range(1, 3001, 500)
    ]
    async with signed_in(server, server.accounts["drivers"][0], stream=True) as wire:
        async with pool.acquire() as connection, connection.transaction():
            await connection.execute("LOCK TABLE positions IN SHARE MODE")  # nothing can be committed now
            for batch in batches:
                await wire.send("position.report", points=batch)
            assert (await wire.receive("error"))["code"] == "credit_exceeded"
            assert (await wire.receive("error"))["code"] == "credit_exceeded"
        while (await wire.receive("position.ack"))["upto"] < 2000:
            pass
        for batch in batches[4:]:
            await wire.send("position.report", points=batch)
        while (await wire.receive("position.ack"))["upto"] < 3000:
            pass
    assert await pool.fetchval("SELECT count(*) FROM positions") == 3000


async def test_a_driver_who_floods_on_regardless_is_asked_to_come_back_slower(
    server: Server, pool: Pool
) -> None:
    start = time.time() - 7000
    async with signed_in(server, server.accounts["drivers"][0], stream=True) as wire:
        async with pool.acquire() as connection, connection.transaction():
            await connection.execute("LOCK TABLE positions IN SHARE MODE")
            for first in range(1, 40_000, 500):
                await wire.send(
                    "position.report",
                    points=[point(seq, start + seq / 10) for seq in range(first, first + 500)],
                )
            assert await wire.close_code() == 4029
