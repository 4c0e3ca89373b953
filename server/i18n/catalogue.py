"""The catalogues: English sentences are the keys, `locale/*.po` holds them in the other three languages.

`say` and `plural` never fail and never wait: a sentence that no catalogue has is told in English, a value that
was not given leaves its placeholder. The gate (`python -m server.i18n --check`) keeps both from happening.
"""

import logging
import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import cache
from pathlib import Path

from babel.messages.pofile import read_po
from babel.plural import PluralRule

from dispatch.errors import PLACEHOLDER, Refusal

from . import form
from .labels import LABELS
from .langs import LANGS, Lang
from .phrases import phrase_of

log = logging.getLogger("desk.i18n")

LOCALE = Path(__file__).with_name("locale")
Key = tuple[str, str]  # context, English
# The CLDR plural categories in the order that a catalogue numbers its forms.
CATEGORIES = ("zero", "one", "two", "few", "many", "other")


def load() -> None:
    """Reads every catalogue: at start, so that no reader waits for it."""
    for lang in LANGS:
        sentences(lang)


@cache
def sentences(lang: Lang) -> Mapping[Key, tuple[str, ...]]:
    """What this language's catalogue says: one form of a plain sentence, all forms of a counted one."""
    path = LOCALE / f"{lang}.po"
    if lang == "en":
        return {}
    with path.open("rb") as file:
        catalogue = read_po(file, locale=lang)
    found: dict[Key, tuple[str, ...]] = {}
    for message in catalogue:
        forms = _strings(message.string)
        if message.id and all(forms) and not message.fuzzy:
            found[message.context or "", _strings(message.id)[0]] = forms
    return found


def _strings(held: object) -> tuple[str, ...]:
    """One sentence or several, as Babel gives them."""
    return tuple(map(str, held)) if isinstance(held, list | tuple) else (str(held or ""),)


def plural_rule(lang: Lang) -> PluralRule:
    """CLDR's rule: which category a count falls into."""
    rule: PluralRule = form.LOCALES[lang].plural_form
    return rule


@cache
def categories(lang: Lang) -> tuple[str, ...]:
    """The categories that this language has, as its catalogue numbers them: one, few, many, other in Russian."""
    used = {*plural_rule(lang).tags, "other"}
    return tuple(category for category in CATEGORIES if category in used)


def say(lang: Lang, text: str, /, **values: object) -> str:
    """The sentence in this language, its values written as this language writes them.

    `{name}` takes a value as it is, `{name:form}` through one of FORMS; a value `tz` is the reader's time zone.
    """
    return fill(lang, _found(lang, "", text), values)


def plural(lang: Lang, one: str, many: str, n: float, /, **values: object) -> str:
    """The counted sentence for `n`, by CLDR's rule; `{n}` in it is the count, grouped."""
    rule = plural_rule(lang)
    category = rule(Decimal(str(n)) if isinstance(n, float) else n)
    forms = sentences(lang).get(("", one))
    places = categories(lang)
    if forms is None or len(forms) != len(places):
        text = one if plural_rule("en")(n) == "one" else many
    else:
        text = forms[places.index(category)]
    return fill(lang, text, {"n": form.number(lang, n), **values})


def told(lang: Lang, refusal: Refusal) -> str:
    """The detail of a refusal in this language; empty when it has none."""
    if refusal.plural:
        values = dict(refusal.values)
        n = values.pop("n", 0)
        return plural(
            lang, refusal.template, refusal.plural, n if isinstance(n, int | float) else 0, **values
        )
    phrase = None if refusal.values else phrase_of(refusal.template)
    if phrase is not None:
        return fill(lang, _found(lang, "", phrase[0]), phrase[1])
    return say(lang, refusal.template, **refusal.values) if refusal.template else ""


def label(lang: Lang, vocabulary: str, word: str) -> str:
    """What people call this word of a vocabulary of the contract; the word itself when nobody named it."""
    english = LABELS.get(vocabulary, {}).get(word)
    return _found(lang, vocabulary, english) if english else word


def _found(lang: Lang, context: str, text: str) -> str:
    forms = sentences(lang).get((context, text))
    return forms[0] if forms else text


def fill(lang: Lang, text: str, values: Mapping[str, object]) -> str:
    """Puts the values into their places. Text without values is left alone, whatever braces it holds."""
    if not values:
        return text
    zone = values.get("tz")

    def written(place: re.Match[str]) -> str:
        name, kind = place[1], place[2]
        if name not in values:
            return place[0]
        if not kind:
            return str(values[name])
        try:
            if kind.startswith("label."):
                return label(lang, kind.removeprefix("label."), str(values[name]))
            return FORMS[kind](lang, values[name], zone if isinstance(zone, str) else form.HOME_ZONE)
        except (KeyError, TypeError, ValueError, ArithmeticError) as error:
            # A sentence with a plain value is better than none, above all within an error message.
            log.error("i18n.unwritable", extra={"text": text, "place": name, "error": repr(error)})
            return str(values[name])

    return PLACEHOLDER.sub(written, text)


def _figure(value: object) -> float:
    if not isinstance(value, int | float):
        raise TypeError(f"not a figure: {value!r}")
    return value


def _money(lang: Lang, value: object) -> str:
    amount, currency = (
        (value[0], value[1])
        if isinstance(value, tuple)
        else (getattr(value, "amount", None), getattr(value, "currency", None))
    )
    if not isinstance(amount, int) or not isinstance(currency, str):
        raise TypeError(f"not an amount with its currency: {value!r}")
    return form.money(lang, amount, currency)


def _listed(lang: Lang, value: object) -> str:
    if isinstance(value, str) or not isinstance(value, list | tuple | set | frozenset):
        raise TypeError(f"not a list: {value!r}")
    return form.listed(lang, [str(item) for item in value])


# What may stand behind the colon of a placeholder, beside `label.<Vocabulary>`.
FORMS: dict[str, Callable[[Lang, object, str], str]] = {
    "number": lambda lang, value, _zone: form.number(lang, _figure(value)),
    "money": lambda lang, value, _zone: _money(lang, value),
    "weight": lambda lang, value, _zone: form.weight(lang, _figure(value)),
    "volume": lambda lang, value, _zone: form.volume(lang, _figure(value)),
    "distance": lambda lang, value, _zone: form.distance(lang, _figure(value)),
    "duration": lambda lang, value, _zone: form.duration(lang, _figure(value)),
    "date": lambda lang, value, zone: form.date(lang, _figure(value), zone),
    "time": lambda lang, value, zone: form.time(lang, _figure(value), zone),
    "moment": lambda lang, value, zone: form.moment(lang, _figure(value), zone),
    "list": lambda lang, value, _zone: _listed(lang, value),
}
