"""What staff say of the coded words of a load: which are not offered for new loads, and in which order they stand.

Words themselves stay code: matching, prices, rules of dangerous goods and translations hang on each of them, so a
new word is a release. Words that are switched off keep their label, for the loads that have them.
"""

from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import NamedTuple

from .asked import Asked
from .errors import Refusal

# The dictionaries that may be managed, with the fields of a load that take their words.
MANAGED: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "Body": ("body", "other_bodies"),
        "CargoKind": ("kind",),
        "CargoDocument": ("documents",),
        "Side": ("sides",),
        "AdrClass": ("adr",),
        "Pricing": ("pricing",),
        "PaymentMethod": ("payment_method",),
        "PaymentWhen": ("payment_when",),
    }
)
# What a load is when nothing is said: switched off, forms that leave the field out could not be posted any more.
UNSAID: Mapping[str, str] = MappingProxyType(
    {
        "Body": "tent",
        "CargoKind": "general",
        "Pricing": "fixed",
        "PaymentMethod": "transfer",
        "PaymentWhen": "on_delivery",
    }
)
LAST = 1000  # the rank of a word of which nothing is said


class Entry(NamedTuple):
    """What staff say of a word. Lower ranks stand first, equal ones as coded; `version` 0: nothing yet."""

    dictionary: str
    word: str
    hidden: bool = False
    rank: int = LAST
    note: str = ""
    version: int = 0


class Words:
    """Everything that is said of words. Immutable."""

    def __init__(self, entries: Iterable[Entry] = ()) -> None:
        self._entries = {(entry.dictionary, entry.word): entry for entry in entries}
        # Which state this is: readers keep what they have as long as it is the same.
        self.mark = tuple(sorted(self._entries.values()))

    def entry(self, dictionary: str, word: str) -> Entry:
        """What is said of a word."""
        return self._entries.get((dictionary, word)) or Entry(dictionary, word)

    def ordered(self, dictionary: str, words: Iterable[str]) -> list[str]:
        """The words as they are to be shown."""
        return sorted(words, key=lambda word: self.entry(dictionary, word).rank)

    @property
    def hidden(self) -> dict[str, list[str]]:
        """What is not offered for new loads, by dictionary."""
        found: dict[str, list[str]] = {}
        for entry in self.mark:
            if entry.hidden:
                found.setdefault(entry.dictionary, []).append(entry.word)
        return found

    def refusals(self, asked: Asked, before: Asked | None = None) -> Iterator[Refusal]:
        """Refusals `word_hidden` for words of a load that are switched off, but for those that it had `before`."""
        for dictionary, words in self.hidden.items():
            for name in MANAGED.get(dictionary, ()):
                had = () if before is None else _said(before, name)
                for word in _said(asked, name):
                    if word in words and word not in had:
                        yield Refusal("word_hidden").at(name)


def _said(asked: Asked, field: str) -> tuple[str, ...]:
    said = getattr(asked, field)
    return said if isinstance(said, tuple) else () if said is None else (said,)


def may_hide(dictionary: str, word: str) -> None:
    """Refusal `bad_request` for a word that loads have when nothing is said."""
    if UNSAID.get(dictionary) == word:
        raise Refusal("bad_request", "a load is this when nothing is said: it stays").at("hidden")
