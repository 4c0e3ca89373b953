"""Peers that do not read, and a server that goes down."""

import asyncio
import base64
import json
import secrets
import signal
import socket
import struct
import time
import urllib.request

from storage.postgres import Pool
from tests.served import Server
from tracking_desk_client.messages import TicketForm

from .test_frames import point
from .wire import signed_in


def counter(server: Server, name: str) -> float:
    """A metric of the served process."""
    with urllib.request.urlopen(f"{server.url}/metrics", timeout=5) as answer:
        lines = answer.read().decode().splitlines()
    return sum(float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith(name))


def masked(message: dict[str, object]) -> bytes:
    """A client's text frame, as RFC 6455 wants it; the mask of zeros leaves the payload readable."""
    payload = json.dumps(message).encode()
    return struct.pack("!BBH", 0x81, 0x80 | 126, len(payload)) + bytes(4) + payload


async def stuck_operator(server: Server) -> socket.socket:
    """A socket that is signed in, has a small receive buffer, and is never read again."""
    async with server.api(server.accounts["admins"][0]) as api:
        ticket = (await api.ticket(TicketForm())).ticket
    raw = socket.socket()
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    await asyncio.to_thread(raw.connect, ("127.0.0.1", server.port))
    key = base64.b64encode(secrets.token_bytes(16)).decode()
    raw.sendall(
        f"GET /ws?ticket={ticket} HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: desk.v1.json"
        "\r\n\r\n".encode()
    )
    raw.setblocking(False)
    return raw


async def test_a_watcher_that_stops_reading_loses_its_connection_and_nobody_else_notices(
    process: Server,
) -> None:
    async with (
        signed_in(process, process.accounts["drivers"][0], stream=True) as truck,
        signed_in(process, process.accounts["admins"][0]) as reader,
    ):
        await reader.command("area.watch", west=76, south=43, east=78, north=44)
        stuck = await stuck_operator(process)
        seq = 0
        until = time.monotonic() + 40
        while time.monotonic() < until and not counter(process, "desk_slow_closed_total"):
            # It asks for answer after answer and reads none: they fill the kernel, then the server's own buffer.
            burst = b"".join(masked({"type": "ping", "id": number}) for number in range(2000))
            try:
                stuck.send(burst)
            except BlockingIOError:
                pass
            except ConnectionError:
                break
            seq += 1
            await truck.send("position.report", points=[point(seq, time.time(), 43.25 + seq * 1e-5)])
            assert (await truck.receive("position.ack"))["upto"] == seq
            await reader.receive("area.moved")
        assert counter(process, "desk_slow_closed_total") >= 1
        stuck.close()
        assert (await reader.command("ping"))["type"] == "ok"


async def test_sigterm_drains_sessions_with_a_reconnect_code_and_flushes_what_was_taken(
    process: Server, pool: Pool
) -> None:
    async with (
        signed_in(process, process.accounts["drivers"][0], stream=True) as truck,
        signed_in(process, process.accounts["shippers"][0]) as shipper,
    ):
        now = time.time() - 200
        await truck.send("position.report", points=[point(seq, now + seq) for seq in range(1, 101)])
        assert (await shipper.command("ping"))["type"] == "ok"
        stopping = asyncio.create_task(process.stop(signal.SIGTERM))
        for wire in (truck, shipper):
            assert (await wire.receive("drain"))["retry_after"] > 0
            assert await wire.close_code() == 4012
        assert await stopping == 0
    assert await pool.fetchval("SELECT count(*) FROM positions") == 100
    assert await pool.fetchval("SELECT upto FROM streams") == 100


async def test_the_granted_credit_is_in_every_answer(server: Server) -> None:
    async with signed_in(server, server.accounts["drivers"][0]) as wire:
        await wire.send("stream.resume", stream="ffffffffffffffff", upto=0)
        assert (await wire.receive("stream.resumed"))["credit"] == 2000
        await wire.send("position.report", points=[point(1, time.time())])
        assert (await wire.receive("position.ack"))["credit"] == 2000
