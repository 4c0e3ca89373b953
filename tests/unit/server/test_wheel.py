"""Quiet peers are pinged, silent ones freed, busy ones left alone, and never all at once."""

from server.ws.wheel import Wheel


class Peer:
    def __init__(self, heard: float) -> None:
        self.heard = heard
        self.pings = 0
        self.ended = False

    def ping(self) -> None:
        self.pings += 1

    def silent(self) -> None:
        self.ended = True


def test_sessions_spread_evenly_over_the_slots() -> None:
    wheel = Wheel()
    slots = [wheel.add(Peer(0.0)) for _ in range(Wheel.SLOTS * 3)]
    assert all(slots.count(slot) == 3 for slot in range(Wheel.SLOTS))


def test_a_streaming_driver_is_never_pinged_a_quiet_one_is_a_silent_one_is_freed() -> None:
    wheel = Wheel()
    now = 1_000.0
    busy, quiet, silent = Peer(now - 1), Peer(now - 20), Peer(now - 31)
    slots = {wheel.add(peer): peer for peer in (busy, quiet, silent)}
    for slot in slots:
        wheel.turn(slot, now)
    assert (busy.pings, busy.ended) == (0, False)
    assert (quiet.pings, quiet.ended) == (1, False)
    assert silent.ended


def test_a_silent_peer_is_freed_within_45_seconds_wherever_its_slot_is() -> None:
    assert Wheel.SILENCE_S + Wheel.PERIOD_S <= 45.0


def test_a_removed_session_is_served_no_more() -> None:
    wheel = Wheel()
    peer = Peer(0.0)
    slot = wheel.add(peer)
    wheel.remove(peer, slot)
    wheel.turn(slot, 1_000.0)
    assert not peer.ended


def test_whoever_answers_each_ping_is_never_called_silent_however_late_the_turns_are() -> None:
    wheel = Wheel()
    for answer_after in (0.0, 0.9, 1.1, 3.0, 7.0):
        for drift in (0.0, 0.5, 2.0):
            peer, now = Peer(0.0), 0.0
            slot = wheel.add(peer)
            for _ in range(20):
                now += Wheel.PERIOD_S + drift
                before = peer.pings
                wheel.turn(slot, now)
                if peer.pings > before:
                    peer.heard = now + answer_after
            assert not peer.ended, (answer_after, drift)
            wheel.remove(peer, slot)
