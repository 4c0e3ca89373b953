"""Catalogues as files: gettext's .po, written in the order of the sources, without dates that only make noise."""

from collections.abc import Iterable
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import normalize, read_po

from .catalogue import LOCALE, Key, categories
from .collect import Entry
from .langs import DEFAULT, LANGS, Lang

TRANSLATED: tuple[Lang, ...] = tuple(lang for lang in LANGS if lang != "en")
# For translators' tools; the server counts by CLDR itself, by the same order of forms (categories()).
PLURALS: dict[Lang, str] = {
    "ru": "nplurals=4; plural=(n%10==1 && n%100!=11 ? 0"
    " : n%10>=2 && n%10<=4 && (n%100<12 || n%100>14) ? 1 : 2);",  # the fourth is for fractions
    "kk": "nplurals=2; plural=(n != 1);",
    "zh": "nplurals=1; plural=0;",
}


def path_of(lang: Lang) -> Path:
    """Where this language's catalogue lies."""
    return LOCALE / f"{lang}.po"


def read(lang: Lang) -> dict[Key, Message]:
    """Every message of a catalogue, the header apart."""
    with path_of(lang).open("rb") as file:
        catalogue: Catalog = read_po(file, locale=lang)
    return {(message.context or "", _first(message.id)): message for message in catalogue if message.id}


def strings(message: Message) -> tuple[str, ...]:
    """The translations of a message: one, or one a plural form."""
    held = message.string
    return tuple(map(str, held)) if isinstance(held, list | tuple) else (str(held or ""),)


def written(lang: Lang, entries: Iterable[Entry], known: dict[Key, Message]) -> str:
    """The catalogue's text: these entries with the translations that are known, nothing else."""
    lines = [
        'msgid ""',
        'msgstr ""',
        f'"Language: {lang}\\n"',
        f'"Plural-Forms: {PLURALS[lang]}\\n"',
        '"MIME-Version: 1.0\\n"',
        '"Content-Type: text/plain; charset=utf-8\\n"',
        '"Content-Transfer-Encoding: 8bit\\n"',
    ]
    for entry in entries:
        message = known.get(entry.key)
        lines += ["", *(f"#. {place}" for place in entry.where)]
        if message is not None:
            lines += [f"# {comment}" for comment in message.user_comments]
            lines += ["#, fuzzy"] if message.fuzzy else []
        if entry.context:
            lines.append(f"msgctxt {_quoted(entry.context)}")
        lines.append(f"msgid {_quoted(entry.text)}")
        told = strings(message) if message is not None else ("",)
        if not entry.many:
            lines.append(f"msgstr {_quoted(told[0])}")
            continue
        lines.append(f"msgid_plural {_quoted(entry.many)}")
        for place in range(len(categories(lang))):
            lines.append(f"msgstr[{place}] {_quoted(told[place] if place < len(told) else '')}")
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    return normalize(text, width=0)


def _first(held: object) -> str:
    return str(held[0]) if isinstance(held, list | tuple) else str(held)


if DEFAULT not in TRANSLATED:
    raise ValueError("English is the source and the last resort, never the default")
