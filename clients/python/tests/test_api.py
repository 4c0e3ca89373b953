import asyncio
from typing import Any

import pytest
from aiohttp import web
from fake_desk import FakeDesk, make_order, make_token, problem

from tracking_desk_client import Api, ApiError, Tokens
from tracking_desk_client.messages import UNSET, BoardQuery, OrderEdit, OrderStop, OtpForm, VerifyForm

ME = {"user": 5, "phone": "+77010000000", "role": "driver", "name": "", "locale": "ru"}


def signed_in(access: str, refresh: str) -> web.Response:
    return web.json_response(
        {"access": access, "access_expires_at": 0, "user": 5, "role": "driver", "refresh": refresh}
    )


async def test_signing_in_by_code_keeps_the_tokens_and_tells_the_app(desk: FakeDesk) -> None:
    asked = {"request": "0" * 8, "expires_at": 1, "resend_at": 1}
    token = make_token()
    desk.rest["POST", "/api/v1/auth/otp"] = lambda body: web.json_response(asked, status=201)
    desk.rest["POST", "/api/v1/auth/verify"] = lambda body: signed_in(token, "r1")
    desk.rest["GET", "/api/v1/me"] = lambda body: web.json_response(ME)
    told: list[Tokens] = []
    async with Api(desk.url, on_tokens=told.append) as api:
        request = (await api.ask_code(OtpForm("+77010000000"))).request
        await api.verify(VerifyForm(request, "123456"))
        assert (await api.me()).user == 5
    assert [(tokens.access, tokens.refresh) for tokens in told] == [(token, "r1")]
    headers = [headers.get("Authorization") for *_, headers in desk.requests]
    assert headers == [None, None, f"Bearer {token}"]


async def test_many_calls_with_a_dying_token_share_one_refresh(desk: FakeDesk) -> None:
    desk.rest["POST", "/api/v1/auth/refresh"] = lambda body: signed_in(make_token(), body["refresh"] + "+")
    desk.rest["GET", "/api/v1/me"] = lambda body: web.json_response(ME)
    async with desk.api(make_token(1), "r1") as api:
        await asyncio.gather(*(api.me() for _ in range(10)))
        assert api.tokens is not None
        assert api.tokens.refresh == "r1+"
    assert [path for _, path, *_ in desk.requests].count("/api/v1/auth/refresh") == 1


async def test_a_token_the_desk_calls_expired_is_refreshed_and_the_call_made_again(desk: FakeDesk) -> None:
    answers = iter([problem("token_expired", 401, True), web.json_response(ME)])
    desk.rest["GET", "/api/v1/me"] = lambda body: next(answers)
    desk.rest["POST", "/api/v1/auth/refresh"] = lambda body: signed_in(make_token(), "r2")
    async with desk.api(refresh="r1") as api:
        assert (await api.me()).phone == "+77010000000"


async def test_a_refused_refresh_is_told_as_it_is(desk: FakeDesk) -> None:
    desk.rest["POST", "/api/v1/auth/refresh"] = lambda body: problem("session_revoked", 401, False)
    async with desk.api(make_token(-1), "r1") as api:
        with pytest.raises(ApiError, match="session_revoked"):
            await api.me()


async def test_without_tokens_nothing_is_asked(desk: FakeDesk) -> None:
    async with Api(desk.url) as api:
        with pytest.raises(ApiError, match="unauthenticated"):
            await api.me()
    assert desk.requests == []


@pytest.mark.parametrize(
    ("answer", "code", "retry", "after"),
    [
        (lambda body: problem("rate_limited", 429, True, **{"Retry-After": "7"}), "rate_limited", True, 7.0),
        (lambda body: web.Response(status=502, text="<html>bad gateway"), "unavailable", True, None),
        (lambda body: web.Response(status=400, text="<html>no"), "bad_request", False, None),
        (lambda body: web.json_response(["odd"], status=500), "unavailable", True, None),
    ],
    ids=["problem", "proxy page", "proxy refusal", "odd json"],
)
async def test_whatever_an_error_looks_like_it_has_a_code(
    desk: FakeDesk, answer: Any, code: str, retry: bool, after: float | None
) -> None:
    desk.rest["GET", "/api/v1/me"] = answer
    async with desk.api() as api:
        with pytest.raises(ApiError) as refused:
            await api.me()
    assert (refused.value.code, refused.value.retry, refused.value.retry_after) == (code, retry, after)


async def test_sentences_are_asked_for_in_the_callers_language(desk: FakeDesk) -> None:
    desk.rest["GET", "/api/v1/board"] = lambda body: web.json_response({"loads": []})
    for language in ("en", "kk"):
        async with desk.api(language=language) as api:
            await api.board()
        assert desk.requests[-1][3]["Accept-Language"] == language


async def test_an_edit_says_its_version_and_tells_null_from_unsaid(desk: FakeDesk) -> None:
    desk.rest["PATCH", "/api/v1/orders/70"] = lambda body: web.json_response(make_order(70).to_wire())
    desk.rest["POST", "/api/v1/orders/drafts"] = lambda body: web.json_response(
        {"order": 71, "version": 1, "saved_at": 5.0, "form": {"cargo": "рис", "pieces": None}, "lacks": []}
    )
    async with desk.api() as api:
        stops = [OrderStop("pickup", 1), OrderStop("drop", 2)]
        edited = await api.edit(70, 3, OrderEdit(stops=stops, comment=None, price=5))
        assert edited.order == 70
        method, path, body, headers = desk.requests[-1]
        assert (method, path, headers["If-Match"]) == ("PATCH", "/api/v1/orders/70", '"3"')
        ends = [{"kind": "pickup", "city": 1}, {"kind": "drop", "city": 2}]
        assert body == {"stops": ends, "comment": None, "price": 5}
        draft = await api.begin_draft(OrderEdit(cargo="рис"))
    assert (draft.form.cargo, draft.form.pieces, draft.form.weight_kg) == ("рис", None, UNSET)


async def test_a_board_query_leaves_out_what_is_not_asked(desk: FakeDesk) -> None:
    desk.rest["GET", "/api/v1/board"] = lambda body: web.json_response({"loads": []})
    async with desk.api() as api:
        assert (
            await api.board(BoardQuery(lat=43.2, lon=76.9, bodies=["tent", "reefer"], fits=False))
        ).loads == []


def test_what_is_no_token_is_refused_early() -> None:
    for text in ("", "abc", "a.b.c", "a.e30.c"):
        with pytest.raises(ValueError, match="not an access token"):
            Tokens.stored(text, None)


async def test_a_companys_key_stands_for_a_sign_in_and_is_never_refreshed(desk: FakeDesk) -> None:
    desk.rest["GET", "/api/v1/me"] = lambda body: web.json_response(ME)
    async with Api(desk.url, Tokens.key("tdk_secret")) as api:
        assert await api.access(1e9) == "tdk_secret" and api.token_left() == float("inf")
        await api.me()
    assert [path for _, path, *_ in desk.requests] == ["/api/v1/me"]
    assert desk.requests[-1][3]["Authorization"] == "Bearer tdk_secret"
