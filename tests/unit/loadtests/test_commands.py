import argparse
import json
from pathlib import Path
from random import Random

import pytest

from loadtests.__main__ import _seconds, main
from loadtests.accounts import read_accounts
from loadtests.carrier import decide
from loadtests.replay import Sightings
from tracking_desk_client.messages import Truck

ACCOUNT = {"user": 1, "phone": "+77470000000", "access": "a", "refresh": "r"}
DEVICE = {"device": 5, "device_secret": "s", "body": "tent", "capacity_kg": 20000, "volume_m3": 86}


@pytest.mark.parametrize(("text", "seconds"), [("30", 30), ("60s", 60), ("5m", 300), ("1.5h", 5400)])
def test_times_are_written_as_people_write_them(text: str, seconds: float) -> None:
    assert _seconds(text) == seconds


@pytest.mark.parametrize("text", ["0", "-5s", "1e99h"])
def test_a_time_that_cannot_be_is_refused(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError):
        _seconds(text)


def test_a_missing_trace_is_told_in_a_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["replay", str(tmp_path / "none.csv")]) == 2
    assert "none.csv" in capsys.readouterr().err


def test_a_replay_slower_than_life_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["replay", str(tmp_path / "none.csv"), "--speed", "0.5"]) == 2
    assert "times in the future" in capsys.readouterr().err


def test_accounts_are_read_as_provision_writes_them(tmp_path: Path) -> None:
    whole = {"url": "http://a/", "drivers": [{**ACCOUNT, **DEVICE}], "shippers": [ACCOUNT], "admins": []}
    (tmp_path / "a.json").write_text(json.dumps(whole))
    accounts = read_accounts(tmp_path / "a.json")
    assert accounts.url == "http://a"
    assert (accounts.drivers[0].device, accounts.drivers[0].body) == (5, "tent")
    assert read_accounts(tmp_path / "a.json", "http://b").url == "http://b"
    with pytest.raises(SystemExit, match="1 drivers and the run needs 2"):
        accounts.need(2)


def test_the_longer_the_empty_run_the_fewer_drivers_take_the_load() -> None:
    def taken(deadhead_m: float) -> float:
        random = Random(1)
        return sum(decide(random, deadhead_m, 120_000) == "accept" for _ in range(2000)) / 2000

    assert taken(0) == pytest.approx(0.9, abs=0.03)
    assert taken(0) > taken(60_000) > taken(200_000) > 0


def test_drivers_who_do_not_take_a_load_decline_it_or_let_it_run_out() -> None:
    random = Random(2)
    assert {decide(random, 1e9, 1e3) for _ in range(100)} == {"decline", "ignore"}


def test_a_watcher_s_first_sight_of_a_position_counts_and_no_other() -> None:
    sightings = Sightings()
    sightings.sent(7, 1000.0)
    truck = Truck(7, 1000.0, 43, 76, None, None, False)
    before: dict[int, float] = {}
    sightings.seen([truck], before)
    sightings.seen([truck], before)
    assert len(sightings.watched.delays) == 1
    sightings.seen([truck], {})  # another watcher
    assert len(sightings.watched.delays) == 2
    assert sightings.watched.deliveries == 3
