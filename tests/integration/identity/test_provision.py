"""Bulk accounts and sign-in links: an operator's commands against a real database."""

import json
import re
import stat
import time
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from dispatch.rights import Grade
from server.auth import Tokens
from server.config import Config
from server.provision import FLEET, Wanted, accounts, phones, provision, sign_in_link
from server.signing_in import OtpLimits
from storage.identity import IdentityStore, SignIn
from storage.postgres import Pool

PEM = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
TOKENS = Tokens(PEM)
PEPPER = "p" * 40
NOW = 1_800_000_000.0


@pytest.fixture
def store(pool: Pool) -> IdentityStore:
    return IdentityStore(pool, pepper=PEPPER, limits=OtpLimits())


async def test_every_account_can_do_what_its_role_does(pool: Pool, store: IdentityStore) -> None:
    made = await accounts(pool, TOKENS, Wanted(drivers=7, shippers=3, admins=2, access_hours=2), NOW)
    assert [len(made[kind]) for kind in ("drivers", "shippers", "admins")] == [7, 3, 2]
    for kind, people in made.items():
        for person in people:
            principal = TOKENS.verify(person["access"], NOW + 7199)
            assert (principal.user, f"{principal.role}s") == (person["user"], kind)
            refreshed = await store.refresh(person["refresh"], NOW)
            assert isinstance(refreshed, SignIn) and refreshed.session == principal.session
    for driver in made["drivers"]:
        assert await store.device(driver["device"], driver["device_secret"]) == driver["user"]
        assert driver["body"] in FLEET and driver["capacity_kg"] > 0 and driver["volume_m3"] > 0
    subscribed = await pool.fetch("SELECT extract(epoch FROM ends_at)::float8 AS paid FROM access_entries")
    assert [row["paid"] for row in subscribed] == [NOW + 30 * 86400] * 7
    assert await pool.fetchval("SELECT count(*) FROM driver_states") == 7


async def test_admins_are_superadmins_and_staff_of_other_grades_stands_behind_them(
    pool: Pool, store: IdentityStore
) -> None:
    wanted = Wanted(admins=1, logisticians=1, staff=(Grade.SUPPORT, Grade.FINANCE))
    made = await accounts(pool, TOKENS, wanted, NOW)
    assert [admin["grade"] for admin in made["admins"]] == ["superadmin", "support", "finance"]
    for admin in made["admins"]:
        assert TOKENS.verify(admin["access"], NOW).grade == admin["grade"]
    assert TOKENS.verify(made["logisticians"][0]["access"], NOW).role == "logistician"
    # Asked for otherwise they are promoted: whoever runs this command holds the deployment's keys.
    again = await accounts(pool, TOKENS, Wanted(admins=2), NOW)
    assert [admin["grade"] for admin in again["admins"]] == ["superadmin"] * 2
    refreshed = await store.refresh(made["admins"][1]["refresh"], NOW)
    assert isinstance(refreshed, SignIn) and refreshed.grade == "superadmin"


async def test_asking_again_gives_the_same_accounts_with_fresh_secrets(
    pool: Pool, store: IdentityStore
) -> None:
    first = (await accounts(pool, TOKENS, Wanted(drivers=3), NOW))["drivers"]
    again = (await accounts(pool, TOKENS, Wanted(drivers=5, paid_days=60), NOW + 10))["drivers"]
    for old, new in zip(first, again[:3], strict=True):
        for same in ("user", "phone", "device", "body", "capacity_kg", "volume_m3"):
            assert old[same] == new[same]
        assert await store.device(old["device"], old["device_secret"]) is None
        assert await store.device(new["device"], new["device_secret"]) == new["user"]
        assert isinstance(await store.refresh(old["refresh"], NOW + 11), SignIn)
    assert await pool.fetchval("SELECT count(*) FROM users") == 5
    assert await pool.fetchval("SELECT count(*) FROM devices") == 5
    assert await pool.fetchval("SELECT count(*) FROM vehicles") == 5


async def test_more_accounts_than_one_slice_are_all_made(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("server.provision.CHUNK", 10)
    made = await accounts(pool, TOKENS, Wanted(drivers=35), NOW)
    assert len({driver["user"] for driver in made["drivers"]}) == 35
    assert len({driver["device"] for driver in made["drivers"]}) == 35


async def test_the_fleet_has_the_bodies_of_the_trade(pool: Pool) -> None:
    made = (await accounts(pool, TOKENS, Wanted(drivers=2000), NOW))["drivers"]
    for body, (share, light, heavy, small, large) in FLEET.items():
        trucks = [driver for driver in made if driver["body"] == body]
        assert abs(len(trucks) / len(made) - share / 100) < 0.04
        assert all(light * 1000 <= truck["capacity_kg"] <= heavy * 1000 for truck in trucks)
        assert all(small <= truck["volume_m3"] <= large for truck in trucks)


async def test_a_prefix_in_use_by_another_role_is_refused(pool: Pool) -> None:
    await accounts(pool, TOKENS, Wanted(shippers=1, prefix="+7701"), NOW)
    with pytest.raises(ValueError, match="another role"):
        await accounts(pool, TOKENS, Wanted(drivers=1, prefix="+77016"), NOW)


def test_the_numbers_of_the_roles_never_meet() -> None:
    numbers = [
        phones("+770100000", role, 3 if role != "admin" else 1) for role in ("driver", "shipper", "admin")
    ]
    flat = [number for role in numbers for number in role]
    assert len(set(flat)) == 7 and all(re.fullmatch(r"\+7701\d{7}", number) for number in flat)
    with pytest.raises(ValueError, match="no room"):
        phones("+770100000", "shipper", 31)
    for prefix in ("7701", "+1701", "+77011234567", "+77x"):
        with pytest.raises(ValueError, match="give \\+7"):
            phones(prefix, "driver", 1)


def config(dsn: str) -> Config:
    return Config(
        postgres=dsn, redis="", signing_key=PEM, pepper=PEPPER, public_url="https://desk.example.org"
    )


async def test_the_file_is_for_its_owner_only(dsn: str, tmp_path: Path) -> None:
    out = tmp_path / "accounts.json"
    out.write_text("old")
    out.chmod(0o644)
    await provision(config(dsn), Wanted(drivers=1, admins=1), out)
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    written = json.loads(out.read_text())
    assert written["url"] == "https://desk.example.org"
    assert TOKENS.verify(written["drivers"][0]["access"]).role == "driver"
    assert written["shippers"] == [] and len(written["admins"]) == 1


async def test_a_link_signs_in_once_as_the_same_admin_each_time(dsn: str, store: IdentityStore) -> None:
    users = set()
    for _ in range(2):
        link = await sign_in_link(config(dsn), "admin")
        found = re.fullmatch(
            r"https://desk\.example\.org/#/enter\?request=([0-9a-f-]{36})&code=([0-9]{6})", link
        )
        assert found is not None
        entered, *_ = await store.sign_in(*found.groups(), address="", user_agent="", now=time.time())
        assert isinstance(entered, SignIn)  # the keys of this machine are both factors
        assert (entered.role, entered.grade) == ("admin", "superadmin")
        users.add(entered.user)
    assert len(users) == 1
