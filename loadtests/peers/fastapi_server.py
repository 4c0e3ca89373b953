"""The reference server: what a competent Python team would write instead, with the usual parts.

FastAPI on uvicorn (uvloop, and httptools and websockets where installed), pydantic validation, an asyncpg
pool with one INSERT a message committed before its acknowledgement, one Redis pipeline (GEOADD + PUBLISH) a
point, and a subscriber that forwards each published position to the watchers whose viewport holds it.
Tokens are verified at connect. It is not slowed down: no deflate, no access log, prepared statements,
pipelined Redis, text encoded once for all watchers. Run as `python -m loadtests.peers.fastapi_server` with
DESK_POSTGRES, DESK_REDIS, DESK_SIGNING_KEY and PEER_PORT set.
"""

import asyncio
import importlib.metadata
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

import asyncpg
import jwt
import orjson
import uvicorn
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from fastapi import FastAPI, WebSocket, WebSocketDisconnect
from pydantic import BaseModel, Field, TypeAdapter
from redis.asyncio import Redis

CREATE = """
CREATE TABLE IF NOT EXISTS peer_positions (
    driver_id bigint NOT NULL, recorded_at timestamptz NOT NULL, seq integer NOT NULL,
    lat double precision NOT NULL, lon double precision NOT NULL,
    speed real, heading real, accuracy real, received_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (driver_id, recorded_at)
)"""
INSERT = """
INSERT INTO peer_positions (driver_id, recorded_at, seq, lat, lon, speed, heading, accuracy)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING"""
CHANNEL = "peer:positions"
GEO_KEY = "peer:drivers"
CREDIT = 500

Degrees = Annotated[float, Field(ge=-180, le=180)]
# seq, at, lat, lon, speed, heading, accuracy
Fix = tuple[
    Annotated[int, Field(ge=1)],
    Annotated[float, Field(ge=0)],
    Annotated[float, Field(ge=-85, le=85)],
    Degrees,
    Annotated[float, Field(ge=0)] | None,
    Annotated[float, Field(ge=0, le=360)] | None,
    Annotated[float, Field(ge=0)] | None,
]


class Hello(BaseModel):
    """First frame."""

    type: Literal["hello"]
    token: str


class Resume(BaseModel):
    """Opens a stream."""

    type: Literal["stream.resume"]
    stream: str


class Report(BaseModel):
    """Positions."""

    type: Literal["position.report"]
    points: Annotated[list[Fix], Field(min_length=1, max_length=500)]


class Watch(BaseModel):
    """A viewport."""

    type: Literal["area.watch"]
    id: int
    west: Degrees
    south: Degrees
    east: Degrees
    north: Degrees


HELLO = TypeAdapter(Hello)
MESSAGE: TypeAdapter[Report | Watch | Resume] = TypeAdapter(
    Annotated[Report | Watch | Resume, Field(discriminator="type")]
)


@dataclass(slots=True)
class Peer:
    """What the handlers share."""

    pool: asyncpg.Pool
    redis: Redis
    watchers: dict[WebSocket, Watch]


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Pools, table and subscriber."""
    key = load_pem_private_key(os.environ["DESK_SIGNING_KEY"].encode(), password=None)
    app.state.public_key = key.public_key()
    redis = Redis.from_url(os.environ["DESK_REDIS"])
    async with asyncpg.create_pool(os.environ["DESK_POSTGRES"], min_size=10, max_size=20) as pool:
        await pool.execute(CREATE)
        app.state.peer = Peer(pool, redis, {})
        forwarding = asyncio.create_task(forward(app.state.peer))
        yield
        forwarding.cancel()
    await redis.aclose()


app = FastAPI(lifespan=lifespan)


async def forward(peer: Peer) -> None:
    """Every published position to everybody whose viewport holds it."""
    async with peer.redis.pubsub(ignore_subscribe_messages=True) as subscription:
        await subscription.subscribe(CHANNEL)
        async for message in subscription.listen():
            text = message["data"].decode()
            _, _, lat, lon, *_ = orjson.loads(text)["trucks"][0]
            for socket, area in list(peer.watchers.items()):
                if area.south <= lat <= area.north and area.west <= lon <= area.east:
                    try:
                        await socket.send_text(text)
                    except (WebSocketDisconnect, RuntimeError):
                        peer.watchers.pop(socket, None)


@app.get("/readyz")
async def ready() -> dict[str, str]:
    """The parts it stands on, for the report."""
    parts = {}
    for name in ("fastapi", "uvicorn", "uvloop", "httptools", "websockets", "wsproto"):
        try:
            parts[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            parts[name] = ""
    return parts


@app.websocket("/ws")
async def talk(socket: WebSocket) -> None:
    """One connection: hello, then positions or a viewport."""
    await socket.accept(subprotocol="desk.v1.json")
    peer: Peer = app.state.peer

    async def say(message: dict[str, object]) -> None:
        await socket.send_text(orjson.dumps(message).decode())

    try:
        hello = HELLO.validate_json(await socket.receive_text())
        user = verify(hello.token)
        await say({"type": "welcome", "user": user})
        stream = ""
        while True:
            message = MESSAGE.validate_json(await socket.receive_text())
            if isinstance(message, Report):
                await store(peer, user, message.points)
                upto = message.points[-1][0]
                await say({"type": "position.ack", "stream": stream, "upto": upto, "credit": CREDIT})
            elif isinstance(message, Watch):
                peer.watchers[socket] = message
                await say({"type": "ok", "id": message.id})
            else:
                stream = message.stream
                await say({"type": "stream.resumed", "stream": stream, "upto": 0, "credit": CREDIT})
    except WebSocketDisconnect:
        pass
    finally:
        peer.watchers.pop(socket, None)


def verify(token: str) -> int:
    """The user of an access token; raises jwt.InvalidTokenError."""
    claims: dict[str, Any] = jwt.decode(
        token, app.state.public_key, algorithms=["EdDSA"], audience="desk.api", issuer="tracking-desk"
    )
    return int(claims["sub"])


async def store(peer: Peer, user: int, points: list[Fix]) -> None:
    """History first, then the live position and its followers."""
    rows = [
        (user, datetime.fromtimestamp(at, UTC), seq, lat, lon, speed, heading, accuracy)
        for seq, at, lat, lon, speed, heading, accuracy in points
    ]
    if len(rows) == 1:
        await peer.pool.execute(INSERT, *rows[0])
    else:
        await peer.pool.executemany(INSERT, rows)
    async with peer.redis.pipeline(transaction=False) as pipeline:
        for _, at, lat, lon, speed, heading, _ in points:
            text = orjson.dumps(
                {"type": "area.moved", "trucks": [[user, at, lat, lon, speed, heading, False]]}
            )
            pipeline.geoadd(GEO_KEY, (lon, lat, user))
            pipeline.publish(CHANNEL, text)
        await pipeline.execute()


if __name__ == "__main__":
    uvicorn.run(
        app,
        host="127.0.0.1",
        port=int(os.environ["PEER_PORT"]),
        loop="uvloop",
        http="auto",
        ws="auto",
        ws_per_message_deflate=False,
        access_log=False,
        log_level="warning",
        workers=1,
    )
