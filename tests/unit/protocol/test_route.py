"""What a handler is given: the ids of its path and who is calling."""

from typing import Any, cast

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from dispatch.errors import Refusal
from server.auth import Principal
from server.http.route import Call


def call(order: str, principal: Principal | None = None) -> Call[None, None]:
    request: web.Request = make_mocked_request("GET", "/", match_info=cast(Any, {"order": order}))
    return Call(request, cast(Any, None), principal, None, None)


def test_a_row_id_in_a_path_is_a_positive_number_that_every_client_can_hold() -> None:
    assert call("1").path_id("order") == 1
    assert call(str(2**53 - 1)).path_id("order") == 2**53 - 1


@pytest.mark.parametrize(
    "text", ["0", "-1", "+1", "01", "1.0", "1e3", "", " 1", "1\n", "٣", "x", str(2**53), "9" * 400]
)
def test_what_cannot_be_a_row_id_is_not_found(text: str) -> None:
    with pytest.raises(Refusal) as refused:
        call(text).path_id("order")
    assert refused.value.code == "not_found"


def test_a_stranger_is_refused_where_a_caller_is_asked_for() -> None:
    with pytest.raises(Refusal) as refused:
        _ = call("1").caller
    assert refused.value.code == "unauthenticated"
