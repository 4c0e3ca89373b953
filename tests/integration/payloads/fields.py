"""Where a request takes a text: found in the types, so that a new field is found too."""

import copy
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from msgspec import inspect as mi

from server.http.route import Route
from server.protocol.examples import example
from tests.integration.authz.rows.places import ALMATY, KONAEV

PROBE = "<b>ж \"'&"  # what a field for people takes


@dataclass(frozen=True)
class Text:
    """A field that takes text: its way through the body (a list's element is `[]`), and how long it may be."""

    path: tuple[str, ...]
    size: int

    @property
    def name(self) -> str:
        """As a person would write it."""
        return ".".join(self.path).replace(".[]", "[]")


def texts_of(route: Route) -> list[Text]:
    """Every text of a request, without codes, numbers and words of a vocabulary: they have forms of their own."""
    found = {each.path: each for each in _walk(mi.type_info(route.request), ())}
    return list(found.values())


def _walk(seen: mi.Type, path: tuple[str, ...]) -> Iterator[Text]:
    if isinstance(seen, mi.Metadata):
        yield from _walk(seen.type, path)
    elif isinstance(seen, mi.UnionType):
        for part in seen.types:
            yield from _walk(part, path)
    elif isinstance(seen, mi.StrType):
        if seen.pattern is None or re.search(seen.pattern, PROBE):
            yield Text(path, seen.max_length or 1000)
    elif isinstance(seen, mi.ListType):
        yield from _walk(seen.item_type, (*path, "[]"))
    elif isinstance(seen, mi.StructType):
        for field in seen.fields:
            yield from _walk(field.type, (*path, field.encode_name))


def put(route: Route, body: dict[str, Any], text: Text, value: str) -> dict[str, Any]:
    """The body with this text in its place; what must be around it is made."""
    body = copy.deepcopy(body)
    if "stops" in text.path:  # two towns are a way of saying two stops
        form = body.setdefault("form", {}) if text.path[0] == "form" else body
        for either in ("pickup_city", "drop_city"):
            form.pop(either, None)
        form.setdefault("stops", [{"kind": "pickup", "city": ALMATY}, {"kind": "drop", "city": KONAEV}])
    whole = example(route.request, request=True) if route.request else {}
    _set(body, text.path, value, whole)
    return body


def _set(body: Any, path: tuple[str, ...], value: str, whole: Any) -> None:
    for place, name in enumerate(path[:-1]):
        following = path[place + 1]
        if name == "[]":
            body, whole = body[0], whole[0] if whole else {}
        else:
            whole = whole.get(name, {}) if isinstance(whole, dict) else {}
            if name not in body:
                body[name] = whole or ([""] if following == "[]" else {})
            body = body[name]
    body[0 if path[-1] == "[]" else path[-1]] = value
