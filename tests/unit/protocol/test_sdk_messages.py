"""The generated SDK module against the declarations it was made from, over whatever Hypothesis thinks of."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from msgspec import Struct

from server.protocol import codes, messages, rest
from server.protocol.codec import JSON
from server.protocol.rest.common import Form
from server.protocol.shapes import CLIENT, SERVER, declared
from tests.unit.protocol.strategies import frames
from tracking_desk_client import messages as sdk

FAST = settings(deadline=None, max_examples=30)
STRUCTS = [*declared(messages), *(struct for module in rest.MODULES for struct in declared(module))]


# Answers that give a form back as it was sent.
HOLD_FORMS = frozenset({"SavedSearchView", "SavedSearches"})


def without_nulls(written: Any) -> Any:
    """A form as the SDK writes it, forms in it as well."""
    if isinstance(written, list):
        return [without_nulls(each) for each in written]
    if isinstance(written, dict):
        return {name: without_nulls(given) for name, given in written.items() if given is not None}
    return written


@pytest.mark.parametrize("kind", STRUCTS, ids=[kind.__name__ for kind in STRUCTS])
def test_the_sdk_reads_what_the_server_writes_and_the_server_what_the_sdk_writes(kind: type[Struct]) -> None:
    mirror: Any = getattr(sdk, kind.__name__)

    @FAST
    @given(frames(kind))
    def check(frame: dict[str, Any]) -> None:
        declared_value = msgspec.convert(frame, kind)
        written = json.loads(msgspec.json.encode(declared_value))
        value = mirror.from_wire(written)
        assert mirror.from_wire(frame) == value
        assert msgspec.convert(value.to_wire(), kind) == declared_value
        wire = value.to_wire()
        if (
            issubclass(kind, Form) or kind.__name__ in HOLD_FORMS
        ):  # the SDK leaves out of a form what is None, but where None takes back
            wire, written = without_nulls(wire), without_nulls(written)
        assert wire == written

    check()


@pytest.mark.parametrize("kind", SERVER)
def test_a_server_message_reaches_the_sdk_as_the_dataclass_of_its_name(kind: type[Struct]) -> None:
    @settings(deadline=None, max_examples=5)
    @given(frames(kind))
    def check(frame: dict[str, Any]) -> None:
        written = JSON.encode(msgspec.convert(frame, type=messages.ServerMessage))
        assert type(sdk.parse(json.loads(written))).__name__ == kind.__name__

    check()


@pytest.mark.parametrize(
    "frame", [None, [], "ok", {}, {"type": 1}, {"type": "ok"}, {"type": "ok", "id": 1, "result": 5}]
)
def test_a_frame_that_is_no_message_is_one_kind_of_error(frame: object) -> None:
    with pytest.raises(sdk.BadMessage):
        sdk.parse(frame)


def test_a_message_from_the_future_can_be_told_from_a_broken_one() -> None:
    with pytest.raises(sdk.UnknownMessage):
        sdk.parse({"type": "truck.fuelled", "litres": 400})


def test_a_result_from_the_future_does_not_hide_that_the_command_was_carried_out() -> None:
    assert sdk.parse({"type": "ok", "id": 3, "result": {"type": "toll.estimate", "tolls": []}}) == sdk.Ok(3)


def test_fields_from_the_future_are_ignored() -> None:
    assert sdk.parse({"type": "drain", "retry_after": 2.0, "reason": "update"}) == sdk.Drain(2.0)


def test_the_sdk_sorts_frames_by_direction() -> None:
    for kind in CLIENT:
        with pytest.raises(sdk.UnknownMessage):
            sdk.parse({"type": kind.__struct_config__.tag})


def test_the_catalogues_of_the_sdk_are_those_of_the_server() -> None:
    ours = {code: tuple(error) for code, error in codes.ERRORS.items()}
    assert {
        code: (error.code, error.status, error.retry, error.title) for code, error in sdk.ERRORS.items()
    } == ours
    assert {close.name: (close.value, close.reconnect) for close in sdk.Close} == {
        close.name: (close.value, close.reconnect) for close in codes.Close
    }
    assert sdk.may_reconnect(None) and sdk.may_reconnect(1006) and not sdk.may_reconnect(4401)
