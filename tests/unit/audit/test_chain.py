"""The chain over what staff did: whatever is done to it afterwards is named."""

import json
from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from dispatch.audit import START, Anchor, Break, Check, Fault, Line, Seal, chain, seal

TEXT = st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\0"), max_size=20)


@st.composite
def lines(draw: st.DrawFn, least: int = 1) -> list[Line]:
    count = draw(st.integers(least, 12))
    return [
        Line(
            id=number * 2 + draw(st.integers(0, 1)),
            at=draw(st.integers(0, 2**52)),
            staff=draw(st.integers(1, 99)),
            action=draw(TEXT),
            user=draw(st.none() | st.integers(1, 99)),
            reason=draw(TEXT),
            detail=json.dumps(draw(st.dictionaries(TEXT, TEXT, max_size=3))),
            salt=draw(st.binary(min_size=16, max_size=16)),
        )
        for number in range(1, count + 1)
    ]


@dataclass
class Stored:
    """Rows and seals as a database would hold them, to be meddled with."""

    rows: dict[int, Line]
    seals: list[Seal]

    @classmethod
    def of(cls, made: list[Line]) -> "Stored":
        return cls({line.id: line for line in made}, chain(made, START, at=7))

    def faults(self, anchors: dict[int, bytes] | None = None, erased: bool = False) -> list[Fault]:
        check = Check(anchors=anchors or {})
        found: list[Fault] = []
        for link in sorted(self.seals):
            found += check.feed(link, self.rows.get(link.line), erased=erased)
        return found + check.finish()


@given(lines())
def test_a_chain_that_nobody_touched_is_whole(made: list[Line]) -> None:
    stored = Stored.of(made)
    last = stored.seals[-1]
    assert stored.faults({last.number: last.hash}) == []


@given(lines(), st.data())
def test_any_field_of_any_row_that_changes_is_named_and_nothing_else(
    made: list[Line], data: st.DataObject
) -> None:
    stored = Stored.of(made)
    number = data.draw(st.integers(0, len(made) - 1))
    line = made[number]
    name = data.draw(st.sampled_from(["at", "staff", "action", "user", "reason", "detail", "salt"]))
    old = getattr(line, name)
    new = {
        "at": line.at + 1,
        "staff": line.staff + 1,
        "user": None if line.user else 1,
        "salt": b"other",
    }.get(name, f"{old}!")
    stored.rows[line.id] = line._replace(**{name: new})
    assert stored.faults() == [Fault(Break.CHANGED, number + 1, line.id)]


@given(lines(), st.data())
def test_any_field_of_any_seal_that_changes_is_named(made: list[Line], data: st.DataObject) -> None:
    stored = Stored.of(made)
    at = data.draw(st.integers(0, len(made) - 1))
    name = data.draw(st.sampled_from(["at", "words", "previous", "hash"]))
    link = stored.seals[at]
    new = link.at + 1 if name == "at" else bytes(byte ^ 1 for byte in getattr(link, name))
    stored.seals[at] = link._replace(**{name: new})
    assert Fault(Break.CHANGED, at + 1, link.line) in stored.faults()


@given(lines(), st.data())
def test_a_row_that_is_gone_is_named(made: list[Line], data: st.DataObject) -> None:
    stored = Stored.of(made)
    link = data.draw(st.sampled_from(stored.seals))
    del stored.rows[link.line]
    assert stored.faults() == [Fault(Break.MISSING, link.number, link.line)]


@given(lines(least=2), st.data())
def test_a_seal_that_is_gone_from_the_middle_is_named(made: list[Line], data: st.DataObject) -> None:
    stored = Stored.of(made)
    gone = stored.seals.pop(data.draw(st.integers(0, len(made) - 2)))
    assert stored.faults() == [Fault(Break.SEAL_MISSING, gone.number)]


@given(lines(least=2), st.data())
def test_an_end_that_was_cut_off_is_noticed_by_the_head_that_was_kept(
    made: list[Line], data: st.DataObject
) -> None:
    stored = Stored.of(made)
    head = stored.seals[-1]
    keep = data.draw(st.integers(0, len(made) - 1))
    stored.seals = stored.seals[:keep]
    assert stored.faults() == []  # by itself nobody can tell
    assert stored.faults({head.number: head.hash}) == [Fault(Break.CUT, keep + 1)]


@given(lines(least=2), st.data())
def test_two_rows_that_were_swapped_are_both_named(made: list[Line], data: st.DataObject) -> None:
    stored = Stored.of(made)
    one, other = data.draw(
        st.lists(st.sampled_from(made), min_size=2, max_size=2, unique_by=lambda line: line.id)
    )
    stored.rows[one.id] = other._replace(id=one.id)
    stored.rows[other.id] = one._replace(id=other.id)
    same = one._replace(id=0) == other._replace(id=0)
    named = {fault.line for fault in stored.faults()}
    assert named == (set() if same else {one.id, other.id})


@given(lines(least=2), st.data())
def test_two_seals_that_were_swapped_are_both_named(made: list[Line], data: st.DataObject) -> None:
    stored = Stored.of(made)
    one, other = sorted(
        data.draw(st.lists(st.integers(0, len(made) - 1), min_size=2, max_size=2, unique=True))
    )
    first, second = stored.seals[one], stored.seals[other]
    stored.seals[one] = second._replace(number=first.number)
    stored.seals[other] = first._replace(number=second.number)
    assert {first.line, second.line} <= {fault.line for fault in stored.faults()}


@given(lines(least=2), st.data())
def test_a_row_that_was_sealed_anew_is_named_by_the_seal_behind_it_or_by_the_kept_head(
    made: list[Line], data: st.DataObject
) -> None:
    stored = Stored.of(made)
    head = stored.seals[-1]
    at = data.draw(st.integers(0, len(made) - 1))
    link, forged = stored.seals[at], made[at]._replace(staff=made[at].staff + 1)
    stored.rows[forged.id] = forged
    stored.seals[at] = seal(forged, link.number, link.at, link.previous)
    assert stored.faults({head.number: head.hash}) == [Fault(Break.RESEALED, link.number, link.line)]


@given(lines(least=2), st.data())
def test_a_chain_that_was_written_anew_does_not_meet_the_kept_head(
    made: list[Line], data: st.DataObject
) -> None:
    honest = Stored.of(made)
    head = honest.seals[-1]
    at = data.draw(st.integers(0, len(made) - 1))
    made[at] = made[at]._replace(reason=made[at].reason + "!")
    forged = Stored.of(made)
    assert forged.faults() == []
    assert forged.faults({head.number: head.hash}) == [Fault(Break.RESEALED, head.number, head.line)]


@given(lines(), st.data())
def test_words_go_with_an_erased_account_and_with_no_other(made: list[Line], data: st.DataObject) -> None:
    stored = Stored.of(made)
    link = data.draw(st.sampled_from(stored.seals))
    stored.rows[link.line] = stored.rows[link.line]._replace(reason="", salt=None)
    assert stored.faults(erased=True) == []
    assert stored.faults(erased=False) == [Fault(Break.WORDS_GONE, link.number, link.line)]
    stored.rows[link.line] = stored.rows[link.line]._replace(reason="other words")
    assert stored.faults(erased=True) == [Fault(Break.CHANGED, link.number, link.line)]


@given(lines(), lines())
def test_a_chain_goes_on_where_it_stood(first: list[Line], second: list[Line]) -> None:
    whole = chain(first + second, START, at=7)
    begun = chain(first, START, at=7)
    assert begun + chain(second, Anchor(begun[-1].number, begun[-1].hash), at=7) == whole
