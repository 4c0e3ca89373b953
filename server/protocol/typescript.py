"""The contract as TypeScript: types of every message and REST body, and both code catalogues."""

import json
from collections.abc import Iterator

import msgspec.inspect as mi

from .codec import MAX_FRAME
from .codes import (
    CLOSE_MEANING,
    ERRORS,
    MIN_PROTOCOL_VERSION,
    PROTOCOL_VERSION,
    SUBPROTOCOL_JSON,
    SUBPROTOCOL_MSGPACK,
)
from .shapes import (
    CLIENT,
    NOTICE,
    SERVER,
    Shape,
    message_shapes,
    optional,
    parts,
    rest_shapes,
    vocabularies,
    vocabulary_of,
)

# `Error` would hide JavaScript's own in every module that imports it.
RENAMED = {"Error": "ErrorMessage"}


def messages_ts() -> str:
    """`messages.ts`: a field that may be left out is `?`, arrays on the wire are labelled tuples."""
    lines = [f"// {NOTICE}", ""]
    for name, words in vocabularies().items():
        lines += [f"export type {name} = {' | '.join(json.dumps(word) for word in words)};"]
    for each in (*message_shapes(), *rest_shapes()):
        lines += ["", f"/** {' '.join(each.doc.split())} */", *_declaration(each)]
    commands = [kind for kind in CLIENT if "id" in kind.__struct_fields__]
    for name, kinds, doc in (
        ("ClientMessage", CLIENT, "Every frame a client may send."),
        ("ServerMessage", SERVER, "Every frame the server sends. Ignore a `type` that you do not know."),
        ("Command", commands, "Frames that get exactly one `ok` or `error` with their `id`."),
    ):
        union = "".join(f"\n  | {_name(kind.__name__)}" for kind in kinds)
        lines += ["", f"/** {doc} */", f"export type {name} ={union};"]
    return "\n".join(lines) + "\n"


def codes_ts() -> str:
    """`codes.ts`: what a client does about an error or a closed socket."""
    errors = {
        error.code: {"status": error.status, "retry": error.retry, "title": error.title}
        for error in ERRORS.values()
    }
    closes = {
        int(close): {"name": close.name, "reconnect": close.reconnect, "meaning": meaning}
        for close, meaning in CLOSE_MEANING.items()
    }
    return f"""// {NOTICE}

export const PROTOCOL_VERSION = {PROTOCOL_VERSION};
export const MIN_PROTOCOL_VERSION = {MIN_PROTOCOL_VERSION};
export const SUBPROTOCOL_JSON = {json.dumps(SUBPROTOCOL_JSON)};
export const SUBPROTOCOL_MSGPACK = {json.dumps(SUBPROTOCOL_MSGPACK)};
export const MAX_FRAME_BYTES = {MAX_FRAME};

/** `retry`: the same request may succeed later. `status`: of the same error over HTTP. */
export const ERRORS = {_object(errors)} as const;

export type ErrorCode = keyof typeof ERRORS;

export function isErrorCode(code: string): code is ErrorCode {{
  return Object.hasOwn(ERRORS, code);
}}

/** Websocket close codes of this server; others (1001, 1006 ...) come from the network: reconnect. */
export const CLOSES = {_object(closes)} as const;

export type CloseCode = keyof typeof CLOSES;

/** Whether to come back, with full jitter, after a socket was closed with this code. */
export function mayReconnect(code: number): boolean {{
  return code < 4400 || code > 4499;
}}
"""


def _object(rows: dict[str, dict[str, object]] | dict[int, dict[str, object]]) -> str:
    def row(fields: dict[str, object]) -> str:
        return ", ".join(f"{name}: {json.dumps(value, ensure_ascii=False)}" for name, value in fields.items())

    return "{\n" + "".join(f"  {key}: {{ {row(fields)} }},\n" for key, fields in rows.items()) + "}"


def _declaration(each: Shape) -> Iterator[str]:
    opening, closing, end = ("[", "]", ",") if each.as_array else ("{", "}", ";")
    head = f"export type {_name(each.name)} =" if each.as_array else f"export interface {_name(each.name)}"
    yield f"{head} {opening}"
    if each.tag:
        yield f"  type: {json.dumps(each.tag)};"
    for field in each.fields:
        if field.note:
            yield "  /** " + field.note.replace("*/", "*\\/") + " */"
        yield f"  {field.name}{'' if field.required else '?'}: {_type(field.type)}{end}"
    yield closing + (";" if each.as_array else "")


def _type(seen: mi.Type) -> str:
    names = [_single(part) for part in parts(seen)]
    return " | ".join([*names, "null"] if optional(seen) else names)


def _single(seen: mi.Type) -> str:
    match seen:
        case mi.IntType() | mi.FloatType():
            return "number"
        case mi.StrType():
            return "string"
        case mi.BoolType():
            return "boolean"
        case mi.LiteralType():
            return vocabulary_of(seen) or " | ".join(json.dumps(value) for value in seen.values)
        case mi.StructType():
            return _name(seen.cls.__name__)
        case mi.ListType():
            item = _type(seen.item_type)
            return f"({item})[]" if "|" in item else f"{item}[]"
        case mi.DictType():
            return f"Record<string, {_type(seen.value_type)}>"
        case mi.TupleType():
            return f"[{', '.join(_type(item) for item in seen.item_types)}]"
    raise TypeError(f"no TypeScript for {seen}")


def _name(name: str) -> str:
    return RENAMED.get(name, name)
