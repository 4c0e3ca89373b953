"""Who may open a websocket, and what becomes of the others."""

import aiohttp
import pytest

from tests.served import Server

from .wire import Wire, connect, signed_in


async def test_the_first_frame_says_who_is_there_and_gets_a_welcome(server: Server) -> None:
    account = server.accounts["shippers"][0]
    async with connect(server) as wire:
        await wire.send("hello", version=1, token=account["access"])
        welcome = await wire.receive()
    assert welcome["type"] == "welcome"
    assert (welcome["user"], welcome["role"], welcome["version"]) == (account["user"], "shipper", 1)


async def test_a_socket_that_says_nothing_is_closed(server: Server) -> None:
    async with connect(server) as wire:
        assert (await wire.receive("error", within=8))["code"] == "unauthenticated"
        assert await wire.close_code() == 4401


@pytest.mark.parametrize(
    ("first", "code"),
    [
        ({"type": "ping", "id": 1}, 4401),
        ({"type": "hello", "version": 1, "token": "not.a.token"}, 4401),
        ({"type": "hello", "version": 0, "token": "x"}, 4426),
        ({"type": "nonsense"}, 4400),
    ],
)
async def test_a_bad_first_frame_ends_with_a_code_that_says_not_to_come_back(
    server: Server, first: dict[str, object], code: int
) -> None:
    async with connect(server) as wire:
        await wire.send(str(first["type"]), **{k: v for k, v in first.items() if k != "type"})
        assert (await wire.receive("error"))["retry"] is False
        assert await wire.close_code() == code


async def test_a_device_without_its_secret_is_refused(server: Server) -> None:
    account = server.accounts["drivers"][0]
    async with connect(server) as wire:
        await wire.send(
            "hello", version=1, token=account["access"], device=account["device"], device_secret="guess"
        )
        assert await wire.close_code() == 4401


async def test_a_drivers_device_does_not_work_for_another_driver(server: Server) -> None:
    mine, other = server.accounts["drivers"][:2]
    async with connect(server) as wire:
        await wire.send(
            "hello",
            version=1,
            token=mine["access"],
            device=other["device"],
            device_secret=other["device_secret"],
        )
        assert await wire.close_code() == 4401


async def test_a_ticket_opens_one_socket_only(server: Server) -> None:
    async with server.api(server.accounts["admins"][0]) as api, aiohttp.ClientSession() as session:
        from tracking_desk_client.messages import TicketForm

        ticket = (await api.ticket(TicketForm())).ticket
        address = f"{server.url}/ws?ticket={ticket}"
        async with session.ws_connect(address, protocols=("desk.v1.json",)) as socket:
            assert (await Wire(socket).receive())["role"] == "admin"
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await session.ws_connect(address)
        assert refused.value.status == 401


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1.evil.example"])
async def test_a_foreign_page_may_not_connect(server: Server, origin: str) -> None:
    async with aiohttp.ClientSession() as session:
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await session.ws_connect(f"{server.url}/ws", origin=origin)
        assert refused.value.status == 403


async def test_compression_is_never_negotiated(server: Server) -> None:
    async with connect(server, compress=15) as wire:
        assert not wire.socket.compress


async def test_the_newest_connection_of_a_device_replaces_the_older(server: Server) -> None:
    account = server.accounts["drivers"][0]
    async with signed_in(server, account, stream=True) as older, signed_in(server, account, stream=True):
        assert await older.close_code() == 4409


async def test_signing_out_closes_the_sockets_of_that_sign_in(server: Server) -> None:
    account = server.accounts["shippers"][0]
    async with signed_in(server, account) as wire, server.api(account) as api:
        await api.sign_out()
        assert await wire.close_code(within=2) == 4401
