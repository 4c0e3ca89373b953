"""What msgspec says of a body without its form, as sentences that can be translated.

The decoder speaks English only. Its sentences have few forms: each is known here by a pattern, so that whoever
fills in a form reads in his language how the field is wrong. What matches none is told as it came.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple


class Phrase(NamedTuple):
    """A form of the decoder's sentences, and the same as a template."""

    pattern: re.Pattern[str]
    template: str


def _phrase(pattern: str, template: str) -> Phrase:
    return Phrase(re.compile(pattern, re.DOTALL), template)


_KINDS = "int|float|str|bool|array|object|null|bytes"
_FIGURE = r"(?:int|float|decimal)"
PHRASES = (
    _phrase(
        rf"Expected `(?P<kind>{_KINDS})(?: \| null)?`, got `(?P<got>{_KINDS})`",
        "Wanted: {kind:label.JsonType}, given: {got:label.JsonType}",
    ),
    _phrase(rf"Expected `(?P<kind>{_KINDS})(?: \| null)?`", "Wanted: {kind:label.JsonType}"),
    _phrase(r"Expected `str` of length >= (?P<n>\d+)", "The text is too short: at least {n:number}"),
    _phrase(r"Expected `str` of length <= (?P<n>\d+)", "The text is too long: at most {n:number}"),
    _phrase(r"Expected `\w+` of length >= (?P<n>\d+)", "Too few entries: at least {n:number}"),
    _phrase(r"Expected `\w+` of length <= (?P<n>\d+)", "Too many entries: at most {n:number}"),
    _phrase(
        r"Expected `array` of (?:at (?:least|most) )?length (?P<n>\d+)(?: to \d+)?(?:, got \d+)?",
        "Not the right number of entries: {n:number}",
    ),
    _phrase(rf"Expected `{_FIGURE}` >= (?P<n>\S+)", "The number is too small: at least {n:number}"),
    _phrase(rf"Expected `{_FIGURE}` <= (?P<n>\S+)", "The number is too large: at most {n:number}"),
    _phrase(rf"Expected `{_FIGURE}` > (?P<n>\S+)", "The number is too small: above {n:number}"),
    _phrase(rf"Expected `{_FIGURE}` < (?P<n>\S+)", "The number is too large: below {n:number}"),
    _phrase(r"Expected `str` matching regex .+", "The text does not have the documented form"),
    _phrase(r"Object missing required field `(?P<field>[^`]*)`", "The field {field} is missing"),
    _phrase(r"Object contains unknown field `(?P<field>[^`]*)`", "There is no field {field}"),
    _phrase(r"Invalid (?:enum )?value (?P<value>.+)", "{value} is none of the allowed words"),
    _phrase(r"[\w ]+ is malformed: .*\(byte (?P<byte>\d+)\)", "It cannot be read from byte {byte} on"),
    _phrase(r"Input data was truncated", "It ends too early"),
    _phrase(r"(?:Number|Integer value) out of range", "The number is out of range"),
    _phrase(r"Text is not UTF-8|'utf-8' codec .+", "The text is not UTF-8"),
    _phrase(r"Nested too deeply|.*recursion.*", "It is nested too deeply"),
)


@lru_cache(maxsize=1024)  # the same field goes wrong for many
def phrase_of(text: str) -> tuple[str, Mapping[str, object]] | None:
    """(template, values) of one of the decoder's sentences; None for any other text."""
    for phrase in PHRASES:
        match = phrase.pattern.fullmatch(text)
        if match:
            values: dict[str, object] = dict(match.groupdict())
            if "n" in values:
                values["n"] = float(match["n"])
            return phrase.template, values
    return None
