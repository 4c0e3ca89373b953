"""The websocket contract as an AsyncAPI 3.0 document, built from the declared messages and catalogues."""

import json
from collections.abc import Mapping, Sequence

from msgspec import Struct

from . import messages
from .codec import MAX_FRAME
from .codes import (
    CLOSE_MEANING,
    ERRORS,
    MIN_PROTOCOL_VERSION,
    PROTOCOL_VERSION,
    SUBPROTOCOL_JSON,
    SUBPROTOCOL_MSGPACK,
    Close,
)
from .schemas import Json, component_schemas, draft_07
from .shapes import CLIENT, SERVER, declared, shape

CHANNEL = "desk"
GROUPS = {
    "session": "Signing on, staying on, being sent away.",
    "positions": "Streams of GPS points and their acknowledgement.",
    "offers": "Loads that are offered to a driver.",
    "orders": "One order and its truck.",
    "area": "A viewport of the map.",
    "chat": "The conversation of an order.",
}
# What answers a message; commands, which carry an `id`, get one of ok and error.
ANSWERS: dict[str, tuple[str, ...]] = {
    "hello": ("Welcome", "Error"),
    "stream.resume": ("StreamResumed", "Error"),
    "position.report": ("PositionAck", "Error"),
    "position.gap": ("PositionAck", "Error"),
}


def asyncapi(examples: Mapping[str, Sequence[Json]]) -> str:
    """The document as JSON text. `examples`: golden frames by message type, at least one for each."""
    everything = (*CLIENT, *SERVER)
    document = {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Tracking Desk: the websocket",
            "version": f"{PROTOCOL_VERSION}.0.0",
            "description": _prose(),
            "license": {"name": "Apache-2.0"},
            "tags": [{"name": name, "description": text} for name, text in GROUPS.items()],
        },
        "defaultContentType": "application/json",
        "servers": {
            "here": {
                "host": "{host}",
                "protocol": "wss",
                "description": "The server that also serves this page; `ws` where it is reached without TLS.",
                "variables": {"host": {"default": "localhost:8080", "description": "Host and port."}},
                "security": [
                    {"$ref": f"#/components/securitySchemes/{name}"} for name in ("ticket", "hello")
                ],
            }
        },
        "channels": {CHANNEL: _channel(everything)},
        "operations": {struct.__name__: _operation(struct) for struct in everything},
        "components": {
            "messages": {struct.__name__: _message(struct, examples) for struct in everything},
            "schemas": draft_07(component_schemas(declared(messages))),
            "securitySchemes": {
                "ticket": {
                    "type": "httpApiKey",
                    "in": "query",
                    "name": "ticket",
                    "description": "From `POST /api/v1/ws-ticket`: 30 s, single use. For browsers.",
                },
                "hello": {
                    "type": "apiKey",
                    "in": "user",
                    "description": "An access token in the first frame, `hello`, within 5 s.",
                },
            },
        },
        "x-error-codes": {
            each.code: {"status": each.status, "retry": each.retry, "title": each.title}
            for each in ERRORS.values()
        },
        "x-close-codes": {
            str(int(close)): {"name": close.name, "reconnect": close.reconnect, "meaning": meaning}
            for close, meaning in CLOSE_MEANING.items()
        },
    }
    return json.dumps(document, ensure_ascii=False, indent=2) + "\n"


def _channel(structs: Sequence[type[Struct]]) -> Json:
    return {
        "address": "/ws",
        "title": "The socket",
        "description": "One connection carries everything, in both directions.",
        "servers": [{"$ref": "#/servers/here"}],
        "messages": {each.__name__: {"$ref": f"#/components/messages/{each.__name__}"} for each in structs},
        "bindings": {
            "ws": {
                "method": "GET",
                "query": {
                    "type": "object",
                    "properties": {
                        "ticket": {"type": "string", "description": "Instead of a first `hello` frame."},
                        "lang": {
                            "type": "string",
                            "description": "BCP 47 tag of the language of sentences, before Accept-Language.",
                        },
                    },
                },
                "headers": {
                    "type": "object",
                    "required": ["Sec-WebSocket-Protocol"],
                    "properties": {
                        "Sec-WebSocket-Protocol": {
                            "type": "string",
                            "enum": [SUBPROTOCOL_JSON, SUBPROTOCOL_MSGPACK],
                            "description": "JSON in text frames, or MessagePack in binary ones.",
                        }
                    },
                },
                "bindingVersion": "0.1.0",
            }
        },
    }


def _operation(struct: type[Struct]) -> Json:
    each = shape(struct)
    operation: Json = {
        "action": "receive" if struct in CLIENT else "send",
        "channel": {"$ref": f"#/channels/{CHANNEL}"},
        "title": each.tag,
        "summary": each.doc,
        "tags": [{"name": _group(each.tag or "")}],
        "messages": [{"$ref": f"#/channels/{CHANNEL}/messages/{each.name}"}],
    }
    answers = ANSWERS.get(each.tag or "", ("Ok", "Error") if "id" in struct.__struct_fields__ else ())
    if struct in CLIENT and answers:
        operation["reply"] = {
            "channel": {"$ref": f"#/channels/{CHANNEL}"},
            "messages": [{"$ref": f"#/channels/{CHANNEL}/messages/{name}"} for name in answers],
        }
    return operation


def _message(struct: type[Struct], examples: Mapping[str, Sequence[Json]]) -> Json:
    each = shape(struct)
    message: Json = {
        "name": each.tag,
        "title": each.tag,
        "summary": each.doc,
        "contentType": "application/json",
        "payload": {"$ref": f"#/components/schemas/{each.name}"},
        "tags": [{"name": _group(each.tag or "")}],
        "examples": [{"payload": example} for example in examples[each.tag or ""]],
    }
    if struct in CLIENT and "id" in struct.__struct_fields__:
        message["correlationId"] = {
            "location": "$message.payload#/id",
            "description": "Echoed in the answer.",
        }
    return message


def _group(tag: str) -> str:
    family = tag.split(".")[0]
    return {"position": "positions", "stream": "positions", "offer": "offers", "order": "orders"}.get(
        family, family if family in GROUPS else "session"
    )


def _prose() -> str:
    errors = "\n".join(
        f"| `{each.code}` | {each.status} | {'yes' if each.retry else 'no'} | {each.title} |"
        for each in ERRORS.values()
    )
    closes = "\n".join(
        f"| {int(close)} | {'with jitter' if close.reconnect else 'no'} | {meaning} |"
        for close, meaning in CLOSE_MEANING.items()
    )
    return f"""\
Drivers stream positions and win loads, shippers watch their truck, operators watch all.

## Connecting
Ask for one of the subprotocols `{SUBPROTOCOL_JSON}` (text frames) and `{SUBPROTOCOL_MSGPACK}` (binary
frames); both carry the same objects. Sign on with `?ticket=` or with `hello` as the first frame within 5 s.
The server's first frame is `welcome`. The newest protocol version is {PROTOCOL_VERSION}, the oldest still
spoken {MIN_PROTOCOL_VERSION}: a client that is older is closed with {int(Close.TOO_OLD)}. A frame holds at
most {MAX_FRAME} bytes.

## Frames
Every frame is an object with a `type`. Unknown fields are ignored on both sides; a client skips a `type`
that it does not know. A command carries an `id` of the client's choice and gets exactly one `ok` or `error`
with this id. A frame that cannot be read gets an `error` without id, with the path of the field at fault.

## Positions
`stream.resume` names a stream of points, numbered 1, 2, 3 ... by the phone; `stream.resumed` says what is
committed already and how many points may be in flight. `position.report` is not a command: `position.ack`
acknowledges cumulatively, and leaves only after the points are committed in the database. Keep every point
until then. After a reconnect resume the same stream: a point that was sent twice is stored once.

## Watching
The answer to `order.watch` and `area.watch` carries a snapshot with `epoch` and `offset`; each event after
it has the next offset. When the epoch changes or an offset is missing, watch again: never patch up.

## Errors
Act upon the code. Its sentence (`message`, and the reason of a close) is in the language that `hello` or the
address names, else in that of the profile or of `Accept-Language`: Russian, Kazakh, English or Chinese.

| code | HTTP status of the same | try again | meaning |
|---|---|---|---|
{errors}

## Close codes
4000 to 4399: come back with full jitter. 4400 to 4499: do not come back by yourself.

| code | reconnect | meaning |
|---|---|---|
{closes}
"""
