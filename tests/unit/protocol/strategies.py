"""Hypothesis strategies for any declared struct, drawn from its fields and their bounds."""

from typing import Any

import msgspec.inspect as mi
from hypothesis import strategies as st
from msgspec import Struct

from server.protocol.messages import STORABLE
from server.protocol.rest.common import NOTHING

# PostgreSQL's text holds neither of these, and no valid UTF-8 holds the second kind.
TEXT = st.characters(exclude_characters="\x00", exclude_categories=["Cs"])


def frames(struct: type[Struct]) -> st.SearchStrategy[dict[str, Any]]:
    """The struct as the object that a foreign encoder would be given, optional fields there or not."""
    seen = mi.type_info(struct)
    assert isinstance(seen, mi.StructType)
    return _value(seen)


def _value(seen: mi.Type) -> st.SearchStrategy[Any]:
    match seen:
        case mi.Metadata():
            return _value(seen.type)
        case mi.UnionType():
            return st.one_of(*map(_value, seen.types))
        case mi.NoneType():
            return st.none()
        case mi.BoolType():
            return st.booleans()
        case mi.LiteralType():
            return st.sampled_from(seen.values)
        case mi.IntType():
            return st.integers(
                -(2**63) if seen.ge is None else seen.ge, 2**63 - 1 if seen.le is None else seen.le
            )
        case mi.FloatType():
            low = seen.gt if seen.ge is None else seen.ge
            return st.floats(
                low, seen.le, exclude_min=seen.gt is not None, allow_nan=False, allow_infinity=False
            ).filter(lambda value: value == 0 or abs(value) >= NOTHING)  # smaller ones are taken as 0
        case mi.StrType():
            if seen.pattern not in (None, STORABLE):
                longest = seen.max_length or 300
                return st.from_regex(str(seen.pattern).removesuffix("$") + r"\Z").filter(
                    lambda text: len(text) <= longest
                )
            return st.text(TEXT, min_size=seen.min_length or 0, max_size=min(seen.max_length or 30, 300))
        case mi.ListType():
            most = min(seen.max_length or 5, 5)
            return st.lists(_value(seen.item_type), min_size=seen.min_length or 0, max_size=most)
        case mi.DictType():
            return st.dictionaries(_value(seen.key_type), _value(seen.value_type), max_size=3)
        case mi.TupleType():
            return st.tuples(*map(_value, seen.item_types)).map(list)
        case mi.StructType():
            return _array(seen) if seen.array_like else _object(seen)
    raise TypeError(f"no strategy for {seen}")


def _array(seen: mi.StructType) -> st.SearchStrategy[list[Any]]:
    needed = sum(field.required for field in seen.fields)
    places = st.tuples(*(_value(field.type) for field in seen.fields)).map(list)
    return st.builds(lambda row, size: row[:size], places, st.integers(needed, len(seen.fields)))


def _object(seen: mi.StructType) -> st.SearchStrategy[dict[str, Any]]:
    needed = {field.encode_name: _value(field.type) for field in seen.fields if field.required}
    spare = {field.encode_name: _value(field.type) for field in seen.fields if not field.required}
    if isinstance(seen.tag, str):
        needed["type"] = st.just(seen.tag)
    return st.fixed_dictionaries(needed, optional=spare)
