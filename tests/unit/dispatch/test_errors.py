"""Refusals speak the catalogue's language."""

import re
from pathlib import Path

from dispatch.errors import Refusal
from dispatch.rounds import Outcome
from server.protocol.codes import ERRORS

ROOT = Path(__file__).resolve().parents[3]


def test_every_code_that_the_sources_refuse_with_is_in_the_catalogue() -> None:
    used = set()
    for package in ("billing", "dispatch", "storage", "server", "geo"):
        for source in (ROOT / package).rglob("*.py"):
            used |= set(re.findall(r"Refusal\(\s*\"(\w+)\"", source.read_text(encoding="utf-8")))
    assert {"not_found", "busy", "transition_forbidden", "idempotency_conflict"} <= used
    assert used <= ERRORS.keys()


def test_every_lost_accept_is_told_with_a_code_of_the_catalogue() -> None:
    assert {outcome.value for outcome in Outcome if outcome is not Outcome.WON} <= ERRORS.keys()


def test_a_refusal_carries_its_code_and_its_detail_apart() -> None:
    refusal = Refusal("place_unknown", "42")
    assert (refusal.code, refusal.detail, str(refusal)) == ("place_unknown", "42", "place_unknown: 42")
    assert str(Refusal("busy")) == "busy"
