"""The catalogues: codes that clients act upon without reading."""

import re
from http import HTTPStatus

from server.protocol.codes import (
    CLOSE_MEANING,
    ERRORS,
    MIN_PROTOCOL_VERSION,
    PROTOCOL_VERSION,
    SUBPROTOCOL_JSON,
    SUBPROTOCOL_MSGPACK,
    Close,
)


def test_every_error_is_a_refusal_or_a_fault_in_the_eyes_of_http() -> None:
    for code, error in ERRORS.items():
        assert error.code == code
        assert re.fullmatch(r"[a-z]+(_[a-z]+)*", code)
        assert HTTPStatus(error.status) >= 400
        assert error.title.endswith(".")


def test_faults_and_overload_say_try_again_and_forbidden_things_do_not() -> None:
    for error in ERRORS.values():
        if error.status in (429, 500, 503):
            assert error.retry, error.code
        if error.status in (400, 402, 403, 404, 413, 422):
            assert not error.retry, error.code


def test_close_codes_lie_in_the_two_ranges_and_the_range_decides_about_coming_back() -> None:
    for close in Close:
        assert 4000 <= close <= 4499
        assert close.reconnect == (close <= 4399)


def test_every_close_code_tells_its_meaning_and_whether_to_come_back() -> None:
    assert set(CLOSE_MEANING) == set(Close)
    for close, meaning in CLOSE_MEANING.items():
        if close.reconnect:
            assert "Reconnect" in meaning


def test_subprotocols_name_the_major_version() -> None:
    assert MIN_PROTOCOL_VERSION <= PROTOCOL_VERSION
    assert SUBPROTOCOL_JSON.split(".")[1] == SUBPROTOCOL_MSGPACK.split(".")[1] == f"v{PROTOCOL_VERSION}"
