"""What people hide in the text of a load: phones, links, messengers, and goods that no truck of ours carries.

Free text is shown to everybody on the board, so a way to reach the shipper in it goes round the desk: contacts
belong to the stops, where the winner sees them.
"""

import re
from unicodedata import normalize

# Letters that stand in for digits inside a number: 87O1 2З4...
_LOOKALIKES = str.maketrans("oоlі|зб", "0011136")
_RUN = re.compile(r"[+(]?\d[\doоlі|зб \t.()_\-–—]{7,}\d")
# Numbers that are no phones: customs codes, standards, contracts and the like stand behind such a word.
_CODE_BEFORE = re.compile(
    r"(^|\W)(тн\s?вэд|сэқ|hs|код|code|гост|gost|no?|договор|инн|бин|bin|编码)[\s:.\-]*$"
)
# Digits written out, as people do to pass a filter: this many in a row are no accident.
_WORDS = (
    "ноль|нуль|один|два|три|четыре|пять|шесть|семь|восемь|девять|плюс|"
    "нөл|бір|екі|үш|төрт|бес|алты|жеті|сегіз|тоғыз|"
    "zero|one|two|three|four|five|six|seven|eight|nine"
)
_SPELLED = re.compile(rf"\b(?:(?:{_WORDS})\W+){{6,}}(?:{_WORDS})\b")
_MOBILE = re.compile(r"7(0[0-9]|47|5[01]|6[0-4]|7[15678])\d{7}")  # Kazakhstan, without the country code

_LINK = re.compile(
    r"https?:|www\.|\b[\w-]*[^\W\d_][\w-]*(\.|\s?(\(точка\)|\[\.\]|\(dot\))\s?)"
    r"(kz|ru|com|net|org|info|me|io|uz|kg|cn|by|рф|қаз|su|biz|online|site|shop|xyz|link)\b"
)
_HANDLE = re.compile(r"(^|[\s:(,])@[a-z][a-z0-9_.]{3,}|[\w.+-]+@[\w-]+\.\w{2,}")
_MESSENGER = re.compile(
    r"what?s\s?app|ват+с?[аэ]п|вотс?[аэ]п|уатс?[аэ]п|вацап|телегра[мм]|telegram|\bтг\b|\btg\b|вайбер|viber|"
    r"вичат|wechat|we\schat|weixin|微信|加我|instagram|инстаграм|\bинста\b|imo\b|\bsignal\b"
)
# Beginnings of words. What is dangerous but legal goes by its ADR class instead.
_FORBIDDEN = re.compile(
    r"\b(наркот|героин|кокаин|гашиш|марихуан|мефедрон|есірткі|оружи|боеприпас|патрон(ы|ов)\b|взрывчат|"
    r"тротил|қару|контрабанд|контрафакт|краден|фальшив|подделк|пасспорт|людей\b|нелегал|"
    r"drugs?\b|heroin|cocaine|weapon|firearm|ammunition|explosives?\b|contraband|counterfeit|stolen)|"
    r"毒品|枪支|武器|弹药|走私|假货"
)


def contacts_in(text: str) -> str | None:
    """What kind of contact the text holds: phone | link | messenger; None when it holds none."""
    plain = _plain(text)
    if _phone(plain) or _SPELLED.search(plain):
        return "phone"
    if _LINK.search(plain) or _HANDLE.search(plain):
        return "link"
    return "messenger" if _MESSENGER.search(plain) else None


def forbidden_in(text: str) -> str | None:
    """The first word of goods that may not be carried, None when there is none."""
    found = _FORBIDDEN.search(_plain(text))
    return None if found is None else found[0]


def _plain(text: str) -> str:
    """As it is read: wide digits and letters are plain ones, no case, nothing invisible."""
    folded = normalize("NFKC", text).casefold().replace("ё", "е")
    return "".join(letter for letter in folded if letter.isprintable() or letter.isspace())


def _phone(text: str) -> bool:
    for found in _RUN.finditer(text):
        run = found[0].translate(_LOOKALIKES)
        digits = "".join(letter for letter in run if letter.isdecimal())
        if _CODE_BEFORE.search(text[: found.start()]):
            continue
        if run.startswith("+"):
            if 10 <= len(digits) <= 15:
                return True
        elif len(digits) == 11 and digits[0] in "78" and digits[1] in "3479":
            return True
        elif len(digits) == 10 and _MOBILE.fullmatch(digits):
            return True
        elif len(digits) >= 12 and digits.startswith(
            ("998", "996", "992", "993", "375", "8610", "861", "00")
        ):
            return True
    return False
