"""The contract as a Python module of the SDK: dataclasses with their own reading and writing, no msgspec."""

import json
from collections.abc import Iterator
from textwrap import indent

import msgspec.inspect as mi
from msgspec import UNSET

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
    Field,
    Shape,
    message_shapes,
    optional,
    parts,
    rest_shapes,
    vocabularies,
    vocabulary_of,
)

HEAD = f'''"""The wire contract of Tracking Desk: every message, REST body, error code and close code.

{NOTICE}

`from_wire` reads what a JSON or MessagePack decoder gave, `to_wire` gives what an encoder takes. Unknown
fields are ignored, so an older SDK reads a newer server. Values are promised by the server and not checked
again: only a missing field or a wrong structure is noticed, and `parse` raises BadMessage for it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum, IntEnum
from typing import Any, ClassVar, Literal, TypeAlias

PROTOCOL_VERSION = {PROTOCOL_VERSION}
MIN_PROTOCOL_VERSION = {MIN_PROTOCOL_VERSION}
SUBPROTOCOL_JSON = {json.dumps(SUBPROTOCOL_JSON)}
SUBPROTOCOL_MSGPACK = {json.dumps(SUBPROTOCOL_MSGPACK)}
MAX_FRAME_BYTES = {MAX_FRAME}

Wire: TypeAlias = dict[str, Any]


class Unset(Enum):
    """What an edit does not speak of; None would take it back."""

    UNSET = "unset"


UNSET = Unset.UNSET


class BadMessage(ValueError):
    """The frame is not a message of this protocol."""


class UnknownMessage(BadMessage):
    """The frame has a `type` that this version does not know: skip it."""


@dataclass(frozen=True, slots=True)
class ErrorCode:
    """One refusal or fault. `retry`: the same request may succeed later. `status`: of the same over HTTP."""

    code: str
    status: int
    retry: bool
    title: str


class Close(IntEnum):
    """Websocket close codes of this server."""

'''

TAIL = '''
def may_reconnect(code: int | None) -> bool:
    """Whether to come back, with full jitter, after a close with this code; None is a lost connection."""
    return code is None or not 4400 <= code <= 4499


def _reader(kinds: dict[str, Callable[[Wire], Any]], wire: object) -> Any:
    if not isinstance(wire, dict) or not isinstance(wire.get("type"), str):
        raise BadMessage("a message is an object with a type")
    if wire["type"] not in kinds:
        raise UnknownMessage(f"unknown message {wire['type']!r}")
    try:
        return kinds[wire["type"]](wire)
    except BadMessage:
        raise
    except (KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
        raise BadMessage(f"{wire['type']}: {error!r}") from error


def _result(wire: object) -> Any:
    """Of a kind that is not known here it reads as None: the command was carried out all the same."""
    try:
        return _reader(_RESULTS, wire)
    except UnknownMessage:
        return None


def parse(wire: object) -> ServerMessage:
    """The message that the server sent, from a decoded frame."""
    message: ServerMessage = _reader(_SERVER, wire)
    return message


def parse_client(wire: object) -> ClientMessage:
    """The message that a client sent, from a decoded frame: for stand-ins of the server."""
    message: ClientMessage = _reader(_CLIENT, wire)
    return message
'''


def messages_py() -> str:
    """The text of `tracking_desk_client/messages.py`."""
    shapes = [*message_shapes(), *rest_shapes()]
    client, server = ([kind.__name__ for kind in kinds] for kinds in (CLIENT, SERVER))
    results = [each.name for each in shapes if each.tag and each.name not in (*client, *server)]
    return HEAD + "".join(
        [
            *_catalogues(),
            *(
                f"{name} = Literal[{', '.join(map(json.dumps, words))}]\n"
                for name, words in vocabularies().items()
            ),
            *(line for each in shapes for line in _dataclass(each)),
            "\n",
            *_union("ClientMessage", client),
            *_union("ServerMessage", server),
            *_table("_CLIENT", shapes, client),
            *_table("_SERVER", shapes, server),
            *_table("_RESULTS", shapes, results),
            "\n",
            TAIL,
        ]
    )


def _catalogues() -> Iterator[str]:
    for close, meaning in CLOSE_MEANING.items():
        yield f"    {close.name} = {int(close)}  # {meaning}\n"
    yield '''
    @property
    def reconnect(self) -> bool:
        """Whether a client should come back by itself."""
        return may_reconnect(self)


ERRORS: dict[str, ErrorCode] = {
    error.code: error
    for error in (
'''
    for error in ERRORS.values():
        code, title = json.dumps(error.code), json.dumps(error.title)
        yield f"        ErrorCode({code}, {error.status}, {error.retry}, {title}),\n"
    yield "    )\n}\n\n"


def _union(name: str, members: list[str]) -> Iterator[str]:
    yield f"\n{name}: TypeAlias = (\n    {members[0]}\n"
    yield from (f"    | {member}\n" for member in members[1:])
    yield ")\n"


def _table(name: str, shapes: list[Shape], names: list[str]) -> Iterator[str]:
    yield f"\n{name}: dict[str, Callable[[Wire], Any]] = {{\n"
    yield from (
        f"    {json.dumps(each.tag)}: {each.name}.from_wire,\n" for each in shapes if each.name in names
    )
    yield "}\n"


def _dataclass(each: Shape) -> Iterator[str]:
    yield f"\n\n@dataclass(frozen=True, slots=True)\nclass {each.name}:\n"
    yield indent(f'"""{each.doc}"""\n\n', "    ")
    if each.tag:
        yield f"    TYPE: ClassVar[str] = {json.dumps(each.tag)}\n"
    for field in each.fields:
        note = f"  # {field.note}" if field.note else ""
        unset = " | Unset" if field.default is UNSET else ""
        yield f"    {field.name}: {_annotation(field.type)}{unset}{_default(field)}{note}\n"
    yield "\n"
    yield from _to_array(each) if each.as_array else _to_object(each)
    yield from _from_wire(each)


def _default(field: Field) -> str:
    if field.required:
        return ""
    return " = field(default_factory=list)" if field.default == [] else f" = {_literal(field.default)}"


def _literal(value: object) -> str:
    if value is UNSET:
        return "UNSET"
    return json.dumps(value) if isinstance(value, str) else repr(value)


def _to_array(each: Shape) -> Iterator[str]:
    values = ", ".join(_write(field.type, f"self.{field.name}") for field in each.fields)
    yield f"    def to_wire(self) -> list[Any]:\n        return [{values}]\n\n"


def _to_object(each: Shape) -> Iterator[str]:
    """As the server writes it: defaults are left out of messages; of request bodies, what is None."""
    yield "    def to_wire(self) -> Wire:\n"
    always: list[Field] = []
    maybe: list[Field] = []
    for field in each.fields:
        unsaid = field.default is UNSET or (each.form and field.default is None)
        omitted = not field.required and (each.terse or unsaid)
        (maybe if omitted else always).append(field)
    pairs = [f'"type": {json.dumps(each.tag)}'] if each.tag else []
    pairs += [f'"{field.name}": {_write(field.type, f"self.{field.name}")}' for field in always]
    literal = "{" + "".join(f"\n            {pair}," for pair in pairs) + ("\n        }" if pairs else "}")
    if not maybe:
        yield f"        return {literal}\n\n"
        return
    yield f"        wire: Wire = {literal}\n"
    for field in maybe:
        yield f"        if {_differs(field)}:\n"
        inner = field.type
        if field.default is not UNSET:  # what is None was left out
            inner = mi.UnionType(parts(field.type)) if len(parts(field.type)) > 1 else parts(field.type)[0]
        yield f'            wire["{field.name}"] = {_write(inner, f"self.{field.name}")}\n'
    yield "        return wire\n\n"


def _differs(field: Field) -> str:
    if field.default is UNSET:
        return f"not isinstance(self.{field.name}, Unset)"
    if field.default is None:
        return f"self.{field.name} is not None"
    return f"self.{field.name}" if field.default == [] else f"self.{field.name} != {_literal(field.default)}"


def _from_wire(each: Shape) -> Iterator[str]:
    kind = "list[Any]" if each.as_array else "Wire"
    yield f"    @classmethod\n    def from_wire(cls, wire: {kind}) -> {each.name}:\n"
    yield "        return cls(\n"
    for at, field in enumerate(each.fields):
        key = str(at) if each.as_array else f'"{field.name}"'
        if field.required:
            value = _read(field.type, f"wire[{key}]")
        elif _plain(field.type) and not each.as_array:
            value = f"wire.get({key}{'' if field.default is None else f', {_literal(field.default)}'})"
        else:
            present = f"len(wire) > {at}" if each.as_array else f"{key} in wire"
            value = f"{_read(field.type, f'wire[{key}]')} if {present} else {_literal(field.default)}"
        yield f"            {value},\n"
    yield "        )\n"


def _annotation(seen: mi.Type) -> str:
    names = [_single(part) for part in parts(seen)]
    return " | ".join([*names, "None"] if optional(seen) else names)


def _single(seen: mi.Type) -> str:
    match seen:
        case mi.IntType():
            return "int"
        case mi.FloatType():
            return "float"
        case mi.StrType():
            return "str"
        case mi.BoolType():
            return "bool"
        case mi.LiteralType():
            return vocabulary_of(seen) or f"Literal[{', '.join(map(json.dumps, seen.values))}]"
        case mi.StructType():
            return seen.cls.__name__
        case mi.ListType():
            return f"list[{_annotation(seen.item_type)}]"
        case mi.DictType():
            return f"dict[str, {_annotation(seen.value_type)}]"
        case mi.TupleType():
            return f"tuple[{', '.join(_annotation(item) for item in seen.item_types)}]"
    raise TypeError(f"no Python type for {seen}")


def _plain(seen: mi.Type) -> bool:
    """Whether a value of this type is the same on the wire and in memory."""
    if isinstance(seen, mi.ListType):
        return _plain(seen.item_type)
    if isinstance(seen, mi.DictType):
        return _plain(seen.value_type)
    return not any(
        isinstance(part, mi.StructType | mi.TupleType)
        or (isinstance(part, mi.ListType) and not _plain(part.item_type))
        for part in parts(seen)
    )


def _write(seen: mi.Type, value: str) -> str:
    if _plain(seen):
        return value
    if optional(seen):
        return f"(None if {value} is None else {_write_part(parts(seen)[0], value)})"
    return _write_part(parts(seen)[0], value)


def _write_part(seen: mi.Type, value: str) -> str:
    if isinstance(seen, mi.ListType):
        return f"[{_write(seen.item_type, 'item')} for item in {value}]"
    if isinstance(seen, mi.DictType):
        return f"{{name: {_write(seen.value_type, 'item')} for name, item in {value}.items()}}"
    return f"list({value})" if isinstance(seen, mi.TupleType) else f"{value}.to_wire()"


def _read(seen: mi.Type, value: str) -> str:
    if _plain(seen):
        return value
    kinds = parts(seen)
    read = _read_part(kinds[0], value) if len(kinds) == 1 else f"_result({value})"
    return f"(None if {value} is None else {read})" if optional(seen) else read


def _read_part(seen: mi.Type, value: str) -> str:
    if isinstance(seen, mi.ListType):
        return f"[{_read(seen.item_type, 'item')} for item in {value}]"
    if isinstance(seen, mi.DictType):
        return f"{{name: {_read(seen.value_type, 'item')} for name, item in {value}.items()}}"
    if isinstance(seen, mi.TupleType):
        return f"({', '.join(_read(item, f'{value}[{at}]') for at, item in enumerate(seen.item_types))})"
    return f"{_single(seen)}.from_wire({value})"
