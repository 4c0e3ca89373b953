"""What is wrong with the texts: the gate's step, each fault one line that says what to mend."""

import importlib
import pkgutil
import re
from collections.abc import Iterator
from enum import StrEnum
from types import ModuleType

import msgspec.inspect as mi
from babel.messages.catalog import Message

import dispatch
from dispatch.errors import PLACEHOLDER
from dispatch.notices import COUNT, HAPPENINGS, IDS, WORDS
from server.protocol import messages, rest
from server.protocol.codes import CLOSE_MEANING
from server.protocol.shapes import declared, parts, shape, vocabularies
from server.signing_in import MAX_HOST

from . import notices, po, sms
from .catalogue import FORMS, Key, categories, say
from .collect import ROOT, Collected, Entry, collect
from .labels import LABELS, RENAMED, UNSPOKEN, UNSPOKEN_WORDS
from .langs import LANGS, Lang

# The kind of a push in the statement that writes it.
PUSHED = re.compile(r"INTO outbox\b[^;]{0,250}?'([a-z_]+\.[a-z_]+)'")
PROPER = frozenset({"Google", "Apple", "OpenStreetMap", "Valhalla"})  # the same in every language
CLOSE_BYTES = 123  # of a close frame's reason
END = {".": ".。", "!": "!！", "?": "?？", ":": ":："}
KAZAKH = re.compile("[әғқңөұүһі]", re.IGNORECASE)
MIXED = re.compile(r"[а-яёәғқңөұүһі][a-z]|[a-z][а-яёәғқңөұүһі]", re.IGNORECASE)
CYRILLIC = re.compile("[а-яё]", re.IGNORECASE)
HAN = re.compile("[\u4e00-\u9fff]")


def faults() -> list[str]:
    """Everything that keeps a reader from his language."""
    found = collect()
    return [
        *found.faults,
        *templates(found),
        *labels(),
        *pushes(),
        *(fault for lang in po.TRANSLATED for fault in catalogue(lang, found)),
        *lengths(),
    ]


# -- the English side ---------------------------------------------------------------------------------------


def templates(found: Collected) -> Iterator[str]:
    """Placeholders that no form writes, or that the call gives no value for."""
    for entry in found.entries.values():
        for text in filter(None, (entry.text, entry.many)):
            for name, kind in PLACEHOLDER.findall(text):
                if kind and kind not in FORMS and kind.removeprefix("label.") not in LABELS:
                    yield f"{entry.where[0]}: {text!r}: there is no form {kind}"
                if entry.names is not None and name not in entry.names:
                    yield f"{entry.where[0]}: {text!r}: no value is given for {name}"


def labels() -> Iterator[str]:
    """Words of the contract without a label, and labels without a word."""
    words = {**vocabularies(), **_enums()}
    for name, members in words.items():
        labelled = LABELS.get(name)
        if labelled is None:
            if not _spoken_elsewhere(members):
                yield f"labels.py: {name} has no labels ({', '.join(members)})"
        else:
            yield from (f"labels.py: {name} {word} has no label" for word in members if word not in labelled)
            yield from (f"labels.py: {name} has no word {word}" for word in labelled if word not in members)
    for module in (messages, *rest.MODULES):
        for struct in declared(module):
            for field in shape(struct).fields:
                for members in _literals(field.type):
                    if not _spoken_elsewhere(members):
                        yield f"labels.py: {struct.__name__}.{field.name} ({', '.join(members)}) has no labels"


def pushes() -> Iterator[str]:
    """Texts of pushes that tell more than ids, words and a count."""
    for path in sorted((ROOT / "storage").rglob("*.py")):
        for kind in PUSHED.findall(path.read_text(encoding="utf-8")):
            if kind not in HAPPENINGS:
                yield f"dispatch/notices.py: {path.name} writes {kind} to the outbox, and it is not declared"
    for kind in HAPPENINGS:
        if kind not in notices.NOTICES:
            yield f"notices.py: {kind} has no text"
    for kind, template in notices.NOTICES.items():
        if kind.partition("/")[0] not in notices.NOTICES:
            yield f"notices.py: {kind} stands without its general text"
        if kind.partition("/")[0] not in HAPPENINGS:
            yield f"notices.py: {kind} is a text of nothing that happens"
        for text in (template.title, template.body, template.many):
            for name, form in PLACEHOLDER.findall(text):
                word = name in WORDS and form.startswith("label.")
                if not (word or name == COUNT or name in IDS):
                    yield f"notices.py: {kind}: {name} may not be told in a push"


# -- the catalogues -----------------------------------------------------------------------------------------


def catalogue(lang: Lang, found: Collected) -> Iterator[str]:
    """What is missing, stale, doubtful or wrong in one language."""
    known = po.read(lang)
    for key, entry in found.entries.items():
        message = known.get(key)
        if message is None:
            yield f"{lang}.po: missing: {_named(key)} (python -m server.i18n --extract adds it)"
        else:
            yield from (f"{lang}.po: {_named(key)}: {fault}" for fault in _translation(lang, entry, message))
    yield from (
        f"{lang}.po: stale: {_named(key)} (python -m server.i18n --extract drops it)"
        for key in known
        if key not in found.entries
    )


def _translation(lang: Lang, entry: Entry, message: Message) -> Iterator[str]:
    told = po.strings(message)
    if not all(told):
        yield "not translated"
        return
    if message.fuzzy:
        yield "fuzzy: read it again and take the mark away"
    if len(told) != (len(categories(lang)) if entry.many else 1):
        yield f"{len(told)} forms, not {len(categories(lang)) if entry.many else 1}"
    wanted = sorted(PLACEHOLDER.findall(entry.many or entry.text))
    for text in told:
        if sorted(PLACEHOLDER.findall(text)) != wanted or text.count("{") != len(wanted):
            yield f"other placeholders: {text!r}"
        if text != text.strip() or "  " in text:
            yield f"spaces too many: {text!r}"
        if (end := entry.text[-1]) in END and text[-1] not in END[end]:
            yield f"does not end as the English does: {text!r}"
        if (fault := _script(lang, text, entry)) is not None:
            yield f"{fault}: {text!r}"


def _script(lang: Lang, text: str, entry: Entry) -> str | None:
    """Letters of the wrong language: what a copied line or a look-alike on the keyboard leaves behind."""
    bare = PLACEHOLDER.sub("", text)
    if text == entry.text and text not in PROPER and re.search("[a-z]{3}", PLACEHOLDER.sub("", entry.text)):
        return "left in English"
    if MIXED.search(bare):
        return "Latin and Cyrillic letters in one word"
    if lang == "ru" and (KAZAKH.search(bare) or HAN.search(bare)):
        return "not Russian letters"
    if lang == "kk" and HAN.search(bare):
        return "not Kazakh letters"
    if lang == "zh" and CYRILLIC.search(bare):
        return "not Chinese letters"
    return None


def lengths() -> Iterator[str]:
    """Texts that do not fit what carries them."""
    for lang in LANGS:
        if (used := sms.units(sms.otp(lang, "000000", "h" * MAX_HOST))) > sms.PART:
            yield f"{lang}: the one-time code takes {used} characters of an SMS part of {sms.PART}"
        for kind, title, body in notices.preview(lang):
            name, _, word = kind.partition("/")
            if HAPPENINGS[name].is_critical(frozenset({word})):
                if (used := sms.units(sms.notice(title, body))) > sms.PART:
                    yield f"{lang}: {kind} takes {used} characters of an SMS part of {sms.PART}: {body!r}"
        for close, meaning in CLOSE_MEANING.items():
            if (used := len(say(lang, meaning).encode())) > CLOSE_BYTES:
                yield f"{lang}: the reason of close {int(close)} takes {used} of {CLOSE_BYTES} bytes"


# -- the contract's words -----------------------------------------------------------------------------------


def _enums() -> dict[str, tuple[str, ...]]:
    """Every StrEnum of the decisions, by the name that readers know."""
    found = {}
    for info in pkgutil.iter_modules(dispatch.__path__, "dispatch."):
        module: ModuleType = importlib.import_module(info.name)
        for value in vars(module).values():
            if isinstance(value, type) and issubclass(value, StrEnum) and value.__module__ == info.name:
                if value.__name__ not in UNSPOKEN:
                    found[RENAMED.get(value.__name__, value.__name__)] = tuple(str(word) for word in value)
    return found


def _spoken_elsewhere(members: tuple[str, ...]) -> bool:
    """Whether a labelled vocabulary holds all of these words, or nobody reads them."""
    words = set(members)
    return words <= UNSPOKEN_WORDS or any(words <= set(known) for known in LABELS.values())


def _literals(seen: mi.Type) -> Iterator[tuple[str, ...]]:
    for part in parts(seen):
        if isinstance(part, mi.LiteralType):
            words = tuple(str(word) for word in part.values)
            # A named vocabulary is looked at under its name.
            if set(words) not in [set(known) for known in vocabularies().values()]:
                yield words
        elif isinstance(part, mi.ListType | mi.VarTupleType):
            yield from _literals(part.item_type)
        elif isinstance(part, mi.TupleType):
            for item in part.item_types:
                yield from _literals(item)


def _named(key: Key) -> str:
    context, text = key
    return f"{context} {text!r}" if context else repr(text)
