"""What was asked: bodies and query strings as the types that a route declares."""

from functools import cache
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

import msgspec
from aiohttp import web
from multidict import MultiMapping

from dispatch.errors import Refusal


class BadField(Refusal):
    """A body, query or header that does not have its form; `path` names the field."""

    def __init__(self, template: str, path: str | None, /, **values: object) -> None:
        super().__init__("bad_request", template, plural="", **values)
        self.path = path


async def body_of(request: web.Request, decoder: msgspec.json.Decoder[Any] | None) -> object:
    """The decoded body; None for a route that takes none, or reads it by itself."""
    if decoder is None:
        return None
    if request.content_type not in ("application/json", "application/octet-stream", ""):
        raise BadField("send application/json", None)
    try:
        raw = await request.read()
    except web.HTTPRequestEntityTooLarge:
        raise Refusal("too_large") from None
    try:
        return decoder.decode(raw or b"{}")
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise _bad_field(str(error), "`") from None


def query_of(given: MultiMapping[str], kind: type) -> object:
    """Query strings are text: the declared types decide what the text means. Lists are separated by commas.

    A parameter without a value is as good as none. Said twice it is refused: whoever stands between us and the
    caller could read the other one.
    """
    hints = _hints(kind)
    unknown = set(given) - set(hints)
    if unknown:
        raise BadField("no such parameter", sorted(unknown)[0])
    if len(given) > len(set(given)):
        raise BadField("said twice", next(name for name in given if len(given.getall(name)) > 1))
    try:
        return msgspec.convert(
            {name: _text(name, given[name], hints[name]) for name in given}, kind, strict=False
        )
    except msgspec.ValidationError as error:
        raise _bad_field(str(error), "`$.") from None


@cache
def _hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)


def _bad_field(text: str, around: str) -> BadField:
    """msgspec's "Expected ... - at `$.path`", which names no place when the whole body is wrong."""
    message, found, path = text.rpartition(" - at ")
    return BadField(message, path.strip(around) or None) if found else BadField(text, None)


def _text(name: str, value: str, hint: Any) -> str | list[str] | None:
    union = get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)
    if value == "" and NoneType in union:
        return None
    if value.lower() == "null" and str not in union:
        raise BadField("null is no value here", name)  # to msgspec it would be None
    if any(_is_list(each) for each in union):
        return value.split(",") if value else []
    return value


def _is_list(hint: Any) -> bool:
    return get_origin(hint) is list
