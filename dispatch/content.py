"""What staff write for everybody: in several languages, for whom, and what of it may lie on lock screens."""

import re
from collections.abc import Collection, Container, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from .errors import Refusal
from .suspicious_text import contacts_in

CHAIN = ("ru", "en")  # who has no text in the own language reads the first of these that there is
# A broadcast is read on a lock screen, beside pushes of our own making.
MOST_TITLE, MOST_BODY = 60, 240
# Letters that turn the direction of what follows, and control characters: a text can look like another one.
_UNSEEN = re.compile("[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]")

Texts = Mapping[str, Mapping[str, str]]  # by language: title and body


class Said(NamedTuple):
    """A text as somebody reads it."""

    lang: str
    title: str
    body: str


@dataclass(frozen=True, slots=True)
class Audience:
    """Whom something is for: these roles, in these regions (none: everywhere)."""

    roles: tuple[str, ...]
    regions: tuple[str, ...] = ()

    def admits(self, role: str, around: Collection[str]) -> bool:
        """Whether it is for this role, somewhere around these regions. Who is nowhere known is in no region."""
        return role in self.roles and (not self.regions or any(region in around for region in self.regions))


def said(texts: Texts, lang: str) -> Said | None:
    """The text in the reader's language, else Russian, else English; None when there is none of them."""
    for each in (lang, *CHAIN):
        if each in texts:
            return Said(each, texts[each]["title"], texts[each]["body"])
    return None


def title_of(texts: Texts) -> str:
    """A title to know the texts by: in Russian or English, else in whatever there is."""
    found = said(texts, CHAIN[0])
    return found.title if found is not None else next((text["title"] for text in texts.values()), "")


def readable(texts: Texts) -> None:
    """Refusal `bad_request` for texts that some readers could not read at all."""
    if not any(lang in texts for lang in CHAIN):
        raise Refusal("bad_request", "a Russian or an English text is needed").at("texts")


def fit_for_a_push(texts: Texts) -> None:
    """Refusal `bad_request` for what a lock screen must not show: control characters, and a number to call or a
    link, which whoever gets hold of a staff account would send people to. A page of ours is linked instead."""
    for lang, text in texts.items():
        for part in ("title", "body"):
            path = f"texts.{lang}.{part}"
            if _UNSEEN.search(text[part]) or (part == "title" and "\n" in text[part]):
                raise Refusal("bad_request", "invisible characters are not sent").at(path)
            if contacts_in(text[part]) is not None:
                raise Refusal("bad_request", "a message names no link and no number: link a page instead").at(
                    path
                )


def known_regions(regions: Sequence[str], known: Container[str]) -> None:
    """Refusal `place_unknown` for a code that is no region's."""
    for number, code in enumerate(regions):
        if code not in known:
            raise Refusal("place_unknown", "no region has the code {code}", code=code).at(
                f"regions[{number}]"
            )
