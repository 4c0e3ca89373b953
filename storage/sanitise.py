"""Looks into one uploaded file and writes a harmless copy of it. A program of its own, run for each upload.

    python -I sanitise.py SOURCE TARGET

Decoders of images and documents have had holes and can be made to work for hours, so they run here: in a process
without secrets in its environment, with little memory and time, that its parent kills. It imports nothing of the
project. The answer is one line of JSON: what the copy is, or why there is none.

Images are decoded and encoded anew: of the sender's bytes only the pixels are left, so neither place and camera
(EXIF), nor anything hidden behind or between, gets through. A PDF is kept as it is, because papers with
signatures and stamps are evidence, and refused when it holds anything that acts.
"""

import json
import os
import re
import resource
import shutil
import sys
import warnings
import zipfile
from collections.abc import Iterator
from typing import Any

MAX_PIXELS = 40_000_000
MAX_SIDE = 20_000
MAX_PAGES = 50
MAX_OBJECTS = 100_000
MAX_DEPTH = 60
MAX_RESULT = 20_000_000  # bytes
MEMORY = 1 << 30
CPU_S = 20

# Signs of a second nature in the first KiB: a page that a browser would run, another kind's own beginning.
SECOND_NATURE = re.compile(rb"%PDF-|<\s*(script|html|svg|iframe|body|!doctype)|<\?php", re.IGNORECASE)
NAME_ESCAPE = re.compile(rb"#([0-9A-Fa-f]{2})")
ACTIVE_NAMES = re.compile(rb"/(JavaScript|Launch|EmbeddedFiles?|RichMedia)\b")
ACTIVE_KEYS = frozenset({"/JS", "/JavaScript", "/Launch", "/EmbeddedFiles", "/EF", "/RichMedia", "/XFA"})
ACTIVE_TYPES = frozenset(
    "/JavaScript /Launch /SubmitForm /ImportData /GoToE /GoToR /Rendition /Movie /Sound /RichMedia /Screen /3D"
    " /RichMediaExecute /FileAttachment /EmbeddedFile".split()
)


class Refused(Exception):
    """No copy is made: `code` of our error catalogue, and a sentence."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail


def kind_of(head: bytes) -> str:
    """The media type of a file that begins so: names and headers are claims. Refused `file_type` for others."""
    if head.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return "image/webp"
    if head.startswith(b"%PDF-"):
        return "application/pdf"
    if head[4:8] == b"ftyp" and head[8:12] in (
        b"heic",
        b"heix",
        b"hevc",
        b"heim",
        b"heis",
        b"mif1",
        b"msf1",
        b"avif",
    ):
        raise Refused("file_type", "HEIC and AVIF photos are not accepted: send the photo as JPEG")
    raise Refused("file_type", "send a JPEG, PNG or WebP image, or a PDF")


def sanitise(source: str, target: str) -> dict[str, object]:
    """Writes the copy and tells what it is."""
    with open(source, "rb") as file:
        head = file.read(1024)
    kind = kind_of(head)
    if SECOND_NATURE.search(head, 5) or zipfile.is_zipfile(source):
        raise Refused("file_unsafe", "the file is two kinds of file at once")
    told = document(source, target) if kind == "application/pdf" else image(source, target, kind)
    if os.path.getsize(target) > MAX_RESULT:
        raise Refused("file_too_large", "the image is too large: send it with fewer pixels")
    return {"mime": kind, **told}


def image(source: str, target: str, kind: str) -> dict[str, object]:
    """The pixels, upright, and nothing else."""
    from PIL import Image, ImageFile, ImageOps

    Image.MAX_IMAGE_PIXELS = MAX_PIXELS
    ImageFile.LOAD_TRUNCATED_IMAGES = False
    form = kind.removeprefix("image/").upper()
    try:
        with warnings.catch_warnings(), Image.open(source, formats=[form]) as opened:
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            if opened.width * opened.height > MAX_PIXELS or max(opened.size) > MAX_SIDE:
                raise Refused("file_too_large", "an image may have 40 megapixels at most")
            opened.load()
            upright = ImageOps.exif_transpose(opened)
    except (Image.DecompressionBombWarning, Image.DecompressionBombError):
        raise Refused("file_too_large", "an image may have 40 megapixels at most") from None
    except (OSError, SyntaxError, ValueError, EOFError, KeyError, IndexError, TypeError) as error:
        raise Refused("file_broken", "the image cannot be read") from error
    keep = {
        "JPEG": ("L", "RGB"),
        "PNG": ("1", "L", "LA", "P", "RGB", "RGBA", "I;16"),
        "WEBP": ("RGB", "RGBA"),
    }
    transparency = upright.info.get("transparency")
    if upright.mode not in keep[form]:
        upright = upright.convert("RGB" if form == "JPEG" or "A" not in upright.getbands() else "RGBA")
        transparency = None
    upright.info = {} if transparency is None else {"transparency": transparency}
    options = {"JPEG": {"quality": 88}, "PNG": {}, "WEBP": {"quality": 88}}[form]
    upright.save(target, form, **options)
    return {"width": upright.width, "height": upright.height}


def document(source: str, target: str) -> dict[str, object]:
    """A PDF that only shows pages, as it is."""
    from pypdf import PdfReader
    from pypdf.errors import PyPdfError
    from pypdf.generic import IndirectObject

    with open(source, "rb") as file:
        raw = file.read()
    end = raw.rfind(b"%%EOF")
    if end < 0:
        raise Refused("file_broken", "the document is cut off")
    if raw[end + 5 :].strip(b"\r\n\t \x00"):
        raise Refused("file_unsafe", "something follows the end of the document")
    if ACTIVE_NAMES.search(NAME_ESCAPE.sub(lambda found: bytes([int(found[1], 16)]), raw)):
        raise Refused("file_unsafe", "the document holds scripts or files: print it into a plain PDF")
    try:
        reader = PdfReader(source)
        if reader.is_encrypted:
            raise Refused("file_unsafe", "the document is encrypted")
        pages = len(reader.pages)
        if not 1 <= pages <= MAX_PAGES:
            raise Refused("file_too_large", "a document may have 50 pages at most")
        numbers = {(number, generation) for generation, row in reader.xref.items() for number in row}
        numbers |= {(number, 0) for number in reader.xref_objStm}
        if len(numbers) > MAX_OBJECTS:
            raise Refused("file_too_large", "the document is too complicated")
        for number, generation in sorted(numbers):
            if number:
                _look(reader.get_object(IndirectObject(number, generation, reader)))
    except Refused:
        raise
    except (
        PyPdfError,
        OSError,
        ValueError,
        KeyError,
        IndexError,
        TypeError,
        AttributeError,
        RecursionError,
    ) as error:
        raise Refused("file_broken", "the document cannot be read") from error
    shutil.copyfile(source, target)
    return {"pages": pages}


def _look(found: object) -> None:
    """Refused when this object of a PDF, or one inside it, acts."""
    for each in _inside(found, 0):
        for key, value in each.items():
            kind = value.get_object() if key in ("/S", "/Subtype", "/Type") else None
            if key in ACTIVE_KEYS or (isinstance(kind, str) and kind in ACTIVE_TYPES):
                raise Refused("file_unsafe", "the document holds scripts or files: print it into a plain PDF")


def _inside(found: object, depth: int) -> Iterator[dict[str, Any]]:
    """The dictionaries of an object; what it only points at has a number of its own and its own turn."""
    if depth > MAX_DEPTH:
        raise Refused("file_unsafe", "the document is nested too deeply")
    if isinstance(found, dict):
        # Not .items() of pypdf, which would follow references.
        raw = {str(key): dict.__getitem__(found, key) for key in dict.keys(found)}
        yield raw
        for value in raw.values():
            yield from _inside(value, depth + 1)
    elif isinstance(found, list):
        for value in list.__iter__(found):
            yield from _inside(value, depth + 1)


def _limit() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_S, CPU_S))
    resource.setrlimit(resource.RLIMIT_FSIZE, (2 * MAX_RESULT, 2 * MAX_RESULT))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.nice(10)  # positions and orders go first


def main() -> int:
    source, target = sys.argv[1:3]
    _limit()
    try:
        told = sanitise(source, target)
    except Refused as refused:
        told = {"refused": refused.code, "detail": refused.detail}
    except MemoryError:
        told = {"refused": "file_broken", "detail": "the file takes too much memory to read"}
    print(json.dumps(told))
    return 0


if __name__ == "__main__":
    sys.exit(main())
