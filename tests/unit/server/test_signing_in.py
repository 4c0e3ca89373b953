"""Settings of signing in: gateways, prefixes, reviewers' numbers, Google and Apple."""

from pathlib import Path

import pytest

from server.config import Config, ConfigError, load
from server.signing_in import BUDGET, PREFIXES
from tests.unit.server.test_config import GOOD

MOBIZON = {"DESK_SMS_GATEWAYS": "mobizon", "DESK_MOBIZON_KEY": "kz-a-key"}
SMSC = {"DESK_SMSC_LOGIN": "desk", "DESK_SMSC_PASSWORD": "a-password-of-smsc"}
APPLE_KEY = "-----BEGIN PRIVATE KEY-----\nMIG\n-----END PRIVATE KEY-----\n"
APPLE = {
    "DESK_APPLE_SERVICES_ID": "kz.desk.web",
    "DESK_APPLE_BUNDLE_ID": "kz.desk.app",
    "DESK_APPLE_TEAM_ID": "TEAM123456",
    "DESK_APPLE_KEY_ID": "KEY1234567",
    "DESK_APPLE_KEY": APPLE_KEY,
}
GOOGLE = {"DESK_GOOGLE_CLIENT_IDS": "web.apps, android.apps", "DESK_GOOGLE_CLIENT_SECRET": "a-google-secret"}


def loaded(**environ: str) -> Config:
    return load({**GOOD, **environ})


def test_without_gateways_codes_cost_nothing_and_have_no_budget() -> None:
    settings = loaded().signing_in
    assert settings.sms.gateways == () and settings.otp.daily_budget is None
    assert settings.sms.prefixes == PREFIXES and settings.google is None and settings.apple is None


def test_gateways_are_tried_in_the_order_named() -> None:
    both = {**MOBIZON, **SMSC, "DESK_SMS_GATEWAYS": "smsc, mobizon", "DESK_SMSC_SENDER": "Desk"}
    settings = loaded(**both).signing_in
    assert [name for name, _ in settings.sms.gateways] == ["smsc", "mobizon"]
    assert settings.sms.gateways[0][1].sender == "Desk"
    assert settings.sms.gateways[1][1].url == "https://api.mobizon.kz"
    assert settings.otp.daily_budget == BUDGET


@pytest.mark.parametrize(
    ("environ", "told"),
    [
        ({"DESK_SMS_GATEWAYS": "mobizon"}, "DESK_MOBIZON_KEY is missing"),
        ({"DESK_SMS_GATEWAYS": "smsc"}, "DESK_SMSC_LOGIN is missing"),
        ({"DESK_SMS_GATEWAYS": "pigeon"}, "pigeon"),
        ({**MOBIZON, "DESK_MOBIZON_URL": "http://sms.example.org"}, "give an https address"),
        ({**MOBIZON, "DESK_PUBLIC_URL": f"https://{'h' * 50}.kz"}, "48 characters"),
        ({"DESK_SMS_PREFIXES": "+7,998"}, "'998'"),
        ({**MOBIZON, "DESK_SMS_DAILY_BUDGET": "0"}, "DESK_SMS_DAILY_BUDGET"),
        ({"DESK_REVIEW_NUMBERS": "+77000000001=48291"}, "DESK_REVIEW_NUMBERS"),
        ({"DESK_REVIEW_NUMBERS": "87000000001=482913"}, "DESK_REVIEW_NUMBERS"),
        ({"DESK_APPLE_TEAM_ID": "TEAM123456"}, "DESK_APPLE_BUNDLE_ID is missing"),
        ({**APPLE, "DESK_APPLE_KEY": "@/nowhere/key.p8"}, "not a file"),
        ({**APPLE, "DESK_APPLE_KEY": "secret"}, "not a PEM"),
        ({**APPLE, "DESK_APPLE_ISSUER": "ftp://appleid.apple.com"}, "DESK_APPLE_ISSUER"),
        ({**APPLE, "DESK_GOOGLE_CLIENT_IDS": "web.apps"}, "DESK_GOOGLE_CLIENT_SECRET is missing"),
    ],
)
def test_what_is_wrong_is_told_at_start(environ: dict[str, str], told: str) -> None:
    with pytest.raises(ConfigError) as error:
        loaded(**environ)
    assert told in str(error.value) and "48291" not in str(error.value)


def test_reviewers_have_fixed_codes_which_no_repr_shows() -> None:
    config = loaded(**{"DESK_REVIEW_NUMBERS": "+77000000001=482913, +8613800138000=000000"})
    assert config.signing_in.sms.fixed == {"+77000000001": "482913", "+8613800138000": "000000"}
    assert "482913" not in repr(config)


def test_apple_and_google_are_read_and_their_secrets_shown_nowhere(tmp_path: Path) -> None:
    path = tmp_path / "apple.p8"
    path.write_text(APPLE_KEY)
    config = loaded(**{**APPLE, **GOOGLE, "DESK_APPLE_KEY": f"@{path}"})
    apple, google = config.signing_in.apple, config.signing_in.google
    assert apple is not None and google is not None
    assert (apple.key, apple.issuer) == (APPLE_KEY, "https://appleid.apple.com")
    assert google.clients == ("web.apps", "android.apps") and google.issuer == "https://accounts.google.com"
    for secret in (APPLE_KEY, "a-google-secret", "a-password-of-smsc"):
        assert secret not in repr(loaded(**APPLE, **GOOGLE, **MOBIZON, **SMSC))


def test_ios_8_google_is_never_offered_without_apple() -> None:
    with pytest.raises(ConfigError, match="App Store"):
        loaded(**GOOGLE)
    assert loaded(**GOOGLE, **APPLE).signing_in.google is not None
