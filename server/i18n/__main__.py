"""`python -m server.i18n`: brings the catalogues up to date, checks them, counts them, shows what pushes say."""

import argparse
import sys

from . import notices, po
from .check import faults
from .collect import collect
from .langs import LANGS


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m server.i18n", description=__doc__)
    choice = parser.add_mutually_exclusive_group(required=True)
    choice.add_argument("--extract", action="store_true", help="add new sentences, drop stale ones")
    choice.add_argument("--check", action="store_true", help="exit with 1 and name what is missing or wrong")
    choice.add_argument("--stats", action="store_true", help="how much of each catalogue is translated")
    choice.add_argument("--preview", choices=LANGS, help="every push as a phone shows it, for proof-readers")
    options = parser.parse_args()
    if options.check:
        found = faults()
        print("\n".join(found) or "every text is there in every language")
        return 1 if found else 0
    if options.preview:
        for kind, title, body in notices.preview(options.preview):
            print(f"{kind:32} {title} | {body}")
        return 0
    entries = collect().entries
    for lang in po.TRANSLATED:
        known = po.read(lang)
        if options.extract:
            text = po.written(lang, entries.values(), known)
            if po.path_of(lang).read_text(encoding="utf-8") != text:
                po.path_of(lang).write_text(text, encoding="utf-8")
                print(f"written: {po.path_of(lang).name}")
        else:
            told = sum(key in known and all(po.strings(known[key])) for key in entries)
            print(f"{lang}: {told} of {len(entries)} translated")
    return 0


if __name__ == "__main__":
    sys.exit(main())
