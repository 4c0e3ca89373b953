"""Sentences, words and figures in the reader's language. CONTRIBUTING, "A text", says how to add one."""

from .catalogue import label, load, plural, say, told
from .langs import DEFAULT, LANGS, Lang, known, negotiate

__all__ = ["DEFAULT", "LANGS", "Lang", "known", "label", "load", "negotiate", "plural", "say", "told"]
