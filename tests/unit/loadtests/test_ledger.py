from pathlib import Path

import pytest

from loadtests.ledger import UNKNOWN, WON, Ledger, checksum


def test_a_ledger_read_back_from_its_lines_says_the_same(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "l")
    ledger.sent(5, "s", [(1, 10.0, 43.0, 76.0), (2, 11.0, 43.1, 76.0)])
    ledger.acked(5, "s", 1, [(1, "future")])
    ledger.placing("k", 9)
    ledger.placed("k", 70)
    ledger.placing("lost", 9)
    ledger.offered(7, 3, 70)
    ledger.accepting("a", 3, 7, 70)
    ledger.accepting("b", 4, 8, 70)
    ledger.answered("a", WON)
    ledger.close()
    read = Ledger.read(tmp_path / "l")
    track = read.tracks[5, "s"]
    assert (list(track.marks), track.acked, track.rejected) == (
        list(ledger.tracks[5, "s"].marks),
        1,
        {1: "future"},
    )
    assert read.orders == {"k": (9, 70), "lost": (9, None)}
    assert read.offers == {7: (3, 70)}
    assert {id: accept.outcome for id, accept in read.accepts.items()} == {"a": WON, "b": UNKNOWN}
    assert (read.points_sent, read.points_acked) == (2, 1)


def test_a_line_cut_by_a_kill_is_left_out(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "l")
    ledger.sent(5, "s", [(1, 10.0, 43.0, 76.0)])
    ledger.close()
    with (tmp_path / "l").open("a") as lines:
        lines.write('{"kind": "sent", "device": 5, "str')
    assert Ledger.read(tmp_path / "l").points_sent == 1


def test_a_number_out_of_order_is_a_fault_of_the_client_and_is_loud() -> None:
    ledger = Ledger()
    ledger.sent(5, "s", [(1, 10.0, 43.0, 76.0)])
    with pytest.raises(ValueError, match="sent 3 after 1"):
        ledger.sent(5, "s", [(3, 10.0, 43.0, 76.0)])


def test_a_checksum_tells_any_change_of_time_or_place() -> None:
    one = checksum(1_700_000_000.123, 43.25, 76.95)
    assert one == checksum(1_700_000_000.123, 43.25, 76.95)
    changed = [(1_700_000_000.124, 43.25, 76.95), (1_700_000_000.123, 43.2500001, 76.95)]
    assert all(checksum(*point) != one for point in (*changed, (1_700_000_000.123, 76.95, 43.25)))


def test_acks_count_once_however_often_they_are_heard() -> None:
    ledger = Ledger()
    ledger.sent(5, "s", [(seq, 10.0 + seq, 43.0, 76.0) for seq in range(1, 6)])
    for upto in (2, 1, 5, 5):
        ledger.acked(5, "s", upto)
    assert ledger.points_acked == 5


def test_a_run_that_nobody_judges_only_counts() -> None:
    ledger = Ledger(keep=False)
    ledger.sent(5, "s", [(1, 10.0, 43.0, 76.0)])
    ledger.acked(5, "s", 1)
    ledger.placing("k", 9)
    ledger.placed("k", 70)
    assert (ledger.points_sent, ledger.points_acked) == (1, 1)
    assert not ledger.orders
    assert not ledger.tracks[5, "s"].marks
