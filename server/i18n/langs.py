"""The four languages, and which of them somebody reads."""

import re
from functools import lru_cache
from typing import get_args

from server.protocol.rest.common import Lang as Lang

LANGS: tuple[Lang, ...] = get_args(Lang)
DEFAULT: Lang = "ru"  # the one that nearly everybody of this trade in Kazakhstan reads

# What a language is called by itself, for a reader who looks for his own.
NAMES: dict[str, str] = {"ru": "Русский", "kk": "Қазақша", "en": "English", "zh": "简体中文"}

_BY_TAG: dict[str, Lang] = {lang: lang for lang in LANGS}
_BY_TAG["kz"] = "kk"  # the country's code where the language's belongs: a common slip
_RANGE = re.compile(
    r"[ \t]*(\*|[A-Za-z]{1,8}(?:[-_][A-Za-z0-9]{1,8})*)[ \t]*"
    r"(?:;[ \t]*[qQ][ \t]*=[ \t]*(0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)[ \t]*)?"
)
_ONE = re.compile(r"[A-Za-z]{2,3}(?:[-_][A-Za-z0-9]{1,8})*")
# Browsers send a handful; a header is a stranger's text, so only its beginning is read.
MAX_HEADER = 500
MAX_RANGES = 20


def known(tag: str | None) -> Lang | None:
    """The language of a BCP 47 tag: `ru-KZ` is ru, `zh-Hans-CN` is zh; None for one that we do not speak."""
    if not tag:
        return None
    return _BY_TAG.get(re.split("[-_]", tag.strip(), maxsplit=1)[0].lower())


def negotiate(accept_language: str | None, profile: str | None = None) -> Lang:
    """The language to answer in: what the profile says, else the best of `Accept-Language` (RFC 9110, 12.5.4).

    A header that names one language is the choice that somebody made in a client of ours, on this device: it goes
    before the profile, while a browser's usual list goes behind. Ranges without their form are passed over; with
    nothing that we speak it is Russian.
    """
    header = accept_language or ""
    if len(header) > MAX_HEADER:
        header = header[:MAX_HEADER].rpartition(",")[0]
    chosen = known(header) if _ONE.fullmatch(header) else None
    return chosen or known(profile) or _accepted(header)


@lru_cache(maxsize=256)  # a fleet of phones sends few different headers
def _accepted(header: str) -> Lang:
    wanted: dict[Lang, float] = {}
    others = 0.0  # the weight of `*`
    for part in header.split(",")[:MAX_RANGES]:
        match = _RANGE.fullmatch(part)
        if match is None:
            continue
        weight = float(match[2] or 1)
        if match[1] == "*":
            others = max(others, weight)
        elif (lang := known(match[1])) is not None:
            # `ru-RU, ru;q=0.9` is one wish, as strong as its strongest range.
            wanted[lang] = max(wanted.get(lang, 0.0), weight)
    best = max(wanted, key=lambda lang: wanted[lang], default=None)  # the first of equals
    if best is not None and wanted[best] > 0 and wanted[best] >= others:
        return best
    # Anything else will do (or nothing was said): the product's language, unless it was ruled out.
    return next((lang for lang in LANGS if wanted.get(lang) != 0.0), DEFAULT)
