"""What people call the words of the API, and what staff say of them."""

from typing import Annotated

from msgspec import Meta

from .common import Form, Lang, View
from .tariffs import StaffNote


class DictionaryQuery(Form, frozen=True):
    """Without `lang`, the language of the request."""

    lang: Lang | None = None


class Dictionaries(View, frozen=True):
    """Labels by vocabulary and word, sentences by error code and close code, languages by their own names.

    A word that is not here is newer than what you hold: show it as it is, and ask again. Words stand in the order
    to show them in; those of `hidden` keep their label and are not offered for new loads.
    """

    lang: Lang
    words: dict[str, dict[str, str]]
    errors: dict[str, str]
    closes: dict[str, str]
    languages: dict[str, str]
    hidden: dict[str, list[str]]


class WordForm(Form, frozen=True):
    """What staff say of a word of a load: whether it is hidden from new loads, and where it stands (lower ranks
    first, equal ones as they are coded)."""

    hidden: bool = False
    rank: Annotated[int, Meta(ge=0, le=1000)] = 1000
    note: StaffNote = ""


class WordView(View, frozen=True):
    """A word, and what is said of it. `version` is the ETag, 0 while nothing is said."""

    dictionary: str
    word: str
    label: str
    hidden: bool
    rank: int
    note: str
    version: int


class WordList(View, frozen=True):
    """The words of a dictionary in their order."""

    words: list[WordView]


class ManagedDictionaries(View, frozen=True):
    """The dictionaries that staff may manage."""

    dictionaries: list[str]
