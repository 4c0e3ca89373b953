"""Every English sentence and word that people may read, gathered from where it is declared."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from server.protocol.codes import CLOSE_MEANING, ERRORS

from . import notices, phrases, sms
from .catalogue import Key
from .labels import LABELS

ROOT = Path(__file__).parents[2]
PACKAGES = ("geo", "dispatch", "billing", "storage", "server")
# Calls whose text a person may read, and where in the call it stands.
SPEAKERS = {
    "Refusal": 1,
    "Refused": 1,
    "BadFrame": 1,
    "BadField": 0,
    "BadArea": 0,
    "say": 1,
    "said": 0,
    "plural": 1,
}


@dataclass(slots=True)
class Entry:
    """A sentence: `context` tells equal words apart, `many` is its plural, `where` tells a translator its use."""

    text: str
    where: list[str]
    context: str = ""
    many: str = ""
    names: set[str] | None = None  # of the values that a call gives; None when that cannot be known

    @property
    def key(self) -> Key:
        """How a catalogue finds it."""
        return self.context, self.text


@dataclass(slots=True)
class Collected:
    """What was found, and what of it cannot be translated as it stands."""

    entries: dict[Key, Entry] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)

    def add(self, entry: Entry) -> None:
        """Takes a sentence in, or one more place where it is used."""
        known = self.entries.setdefault(entry.key, entry)
        if known is not entry:
            known.where += [place for place in entry.where if place not in known.where]
            if known.many != entry.many:
                self.faults.append(f"{entry.where[0]}: {entry.text!r} is counted here and not there")


def collect() -> Collected:
    """Everything, in an order that stays: declarations first, then the sources by path."""
    found = Collected()
    for error in ERRORS.values():
        found.add(Entry(error.title, [f"error {error.code}"]))
    for close, meaning in CLOSE_MEANING.items():
        found.add(Entry(meaning, [f"close {int(close)}, at most 123 bytes"]))
    for vocabulary, words in LABELS.items():
        for word, label in words.items():
            found.add(Entry(label, [f"{vocabulary} {word}"], context=vocabulary))
    for kind, template in notices.NOTICES.items():
        found.add(Entry(template.title, [f"title of the push {kind}"]))
        found.add(Entry(template.body, [f"push {kind}"], many=template.many))
    for text in sms.TEXTS:
        found.add(Entry(text, [f"SMS, at most {sms.PART} characters when filled"]))
    for phrase in phrases.PHRASES:
        found.add(Entry(phrase.template, ["a body, query or frame without its form"]))
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            where = str(path.relative_to(ROOT))
            for call in _calls(path):
                _take(found, call, where)
    return found


def _calls(path: Path) -> Iterator[ast.Call]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and _name(node.func) in SPEAKERS:
            yield node


def _name(function: ast.expr) -> str:
    return function.id if isinstance(function, ast.Name) else getattr(function, "attr", "")


def _take(found: Collected, call: ast.Call, where: str) -> None:
    name = _name(call.func)
    place = SPEAKERS[name]
    if len(call.args) <= place:
        return
    text, line = call.args[place], f"{where}:{call.lineno}"
    if isinstance(text, ast.JoinedStr | ast.BinOp) or (
        isinstance(text, ast.Call) and _name(text.func) in ("format", "join", "str")
    ):
        found.faults.append(f"{line}: a constant sentence with values is wanted, not one put together")
        return
    if not (isinstance(text, ast.Constant) and isinstance(text.value, str) and text.value):
        return  # a name: the constant is declared elsewhere, or it is the decoder's own text
    names = {keyword.arg for keyword in call.keywords if keyword.arg}
    many = ""
    if name == "plural" and len(call.args) > place + 1:
        many = _constant(call.args[place + 1])
        names.add("n")
    for keyword in call.keywords:
        if keyword.arg == "plural":
            many = _constant(keyword.value)
    known = None if any(keyword.arg is None for keyword in call.keywords) else names - {"plural", "tz"}
    found.add(Entry(text.value, [where], many=many, names=known))


def _constant(node: ast.expr) -> str:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""
