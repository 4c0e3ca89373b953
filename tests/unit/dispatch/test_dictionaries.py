"""Words of a load that staff switch off or move."""

import pytest

from dispatch.asked import Asked
from dispatch.dictionaries import MANAGED, UNSAID, Entry, Words, may_hide
from dispatch.errors import Refusal
from server.i18n.labels import LABELS

HIDDEN = Words(
    [
        Entry("CargoKind", "timber", hidden=True),
        Entry("CargoDocument", "tir", hidden=True),
        Entry("AdrClass", "7", hidden=True),
    ]
)


def test_managed_words_are_words_of_the_form_and_what_is_unsaid_is_the_forms_default() -> None:
    unsaid = Asked()
    for dictionary, fields in MANAGED.items():
        assert dictionary in LABELS
        for field in fields:
            default = getattr(unsaid, field)
            if isinstance(default, str):
                assert UNSAID[dictionary] == default


def test_hidden_words_are_refused_wherever_a_load_says_them() -> None:
    assert list(HIDDEN.refusals(Asked(kind="grain", documents=("cmr",)))) == []
    found = list(HIDDEN.refusals(Asked(kind="timber", documents=("cmr", "tir"), adr="7")))
    assert {(refusal.code, refusal.path) for refusal in found} == {
        ("word_hidden", "kind"),
        ("word_hidden", "documents"),
        ("word_hidden", "adr"),
    }


def test_what_a_load_was_before_it_may_stay() -> None:
    before = Asked(kind="timber", documents=("tir",))
    assert list(HIDDEN.refusals(Asked(kind="timber", documents=("tir", "cmr")), before)) == []
    assert [refusal.path for refusal in HIDDEN.refusals(Asked(kind="timber", adr="7"), before)] == ["adr"]


def test_lower_ranks_stand_first_and_equal_ones_as_they_are_coded() -> None:
    words = Words([Entry("Side", "top", rank=1), Entry("Side", "rear", rank=2)])
    assert words.ordered("Side", ("rear", "side", "top", "full")) == ["top", "rear", "side", "full"]


def test_what_loads_are_when_nothing_is_said_stays() -> None:
    may_hide("CargoKind", "timber")
    with pytest.raises(Refusal):
        may_hide("CargoKind", "general")
