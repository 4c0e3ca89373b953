"""What people call the words of the API."""

from .common import Form, Lang, View


class DictionaryQuery(Form, frozen=True):
    """Without `lang`, the language of the request."""

    lang: Lang | None = None


class Dictionaries(View, frozen=True):
    """Labels by vocabulary and word, sentences by error code and close code, languages by their own names.

    A word that is not here is newer than what you hold: show it as it is, and ask again.
    """

    lang: Lang
    words: dict[str, dict[str, str]]
    errors: dict[str, str]
    closes: dict[str, str]
    languages: dict[str, str]
