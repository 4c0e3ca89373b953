"""Peers that do not read, and a server that goes down."""

import asyncio
import signal
import socket
import time

from storage.postgres import Pool
from tests.served import Server

from .test_frames import point
from .wire import signed_in


async def test_a_watcher_that_stops_reading_loses_its_connection_and_nobody_else_notices(
    process: Server,
) -> None:
    server_side_limit = 45.0
    async with (
        signed_in(process, process.accounts["drivers"][0], stream=True) as truck,
        signed_in(process, process.accounts["admins"][0]) as reader,
        signed_in(process, process.accounts["admins"][0]) as stuck,
    ):
        await reader.command("area.watch", west=76, south=43, east=78, north=44)
        transport = stuck.socket.get_extra_info("socket")
        transport.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        # It asks for much and reads nothing: answers pile up in the kernel, then in the server, then it ends.
        stuck.socket._reader._protocol.pause_reading()  # type: ignore[attr-defined]
        started = time.monotonic()
        seq = 0
        closed = False
        while time.monotonic() - started < server_side_limit and not closed:
            try:
                for number in range(200):
                    await stuck.send("area.watch", id=number, west=76, south=43, east=78, north=44)
            except ConnectionError:
                closed = True
            seq += 1
            await truck.send("position.report", points=[point(seq, time.time(), 43.25 + seq * 1e-5)])
            await truck.receive("position.ack")
            await reader.receive("area.moved")
            closed = closed or "4008" in process.log.read_text()
        assert closed


async def test_sigterm_drains_sessions_with_a_reconnect_code_and_flushes_what_was_taken(
    process: Server, pool: Pool
) -> None:
    async with (
        signed_in(process, process.accounts["drivers"][0], stream=True) as truck,
        signed_in(process, process.accounts["shippers"][0]) as shipper,
    ):
        now = time.time()
        await truck.send("position.report", points=[point(seq, now + seq) for seq in range(1, 101)])
        await asyncio.sleep(0)
        stopping = asyncio.create_task(process.stop(signal.SIGTERM))
        acked = 0
        drained = []
        for wire in (truck, shipper):
            while True:
                frame = await wire.receive()
                if frame["type"] == "position.ack":
                    acked = frame["upto"]
                if frame["type"] == "drain":
                    drained.append(frame["retry_after"])
                    break
            assert await wire.close_code() == 4012
        assert await stopping == 0
        assert len(drained) == 2
    stored = await pool.fetchval("SELECT count(*) FROM positions")
    assert stored >= acked
    assert stored == 100


async def test_more_points_than_granted_are_refused_until_there_is_room_again(server: Server) -> None:
    # The buffer never fills on a healthy machine: the refusal itself is tested with the log; here only that the
    # granted credit is in every answer.
    async with signed_in(server, server.accounts["drivers"][0]) as wire:
        await wire.send("stream.resume", stream="ffffffffffffffff", upto=0)
        assert (await wire.receive("stream.resumed"))["credit"] == 2000
        await wire.send("position.report", points=[point(1, time.time())])
        assert (await wire.receive("position.ack"))["credit"] == 2000
