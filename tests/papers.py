"""Files that people send, honest ones and others."""

import io
import struct
import zipfile
import zlib
from collections.abc import Callable
from typing import Any

from PIL import Image
from pypdf import PdfWriter
from pypdf.generic import (
    ArrayObject,
    DecodedStreamObject,
    DictionaryObject,
    NameObject,
    NumberObject,
    TextStringObject,
)

GPS = 0x8825
ORIENTATION = 0x0112


def picture(width: int = 64, height: int = 48, mode: str = "RGB") -> Image.Image:
    """A left half that is dark and a right half that is light."""
    image = Image.new(mode, (width, height))
    light: Any = {"L": 250, "RGB": (250, 40, 40), "RGBA": (250, 40, 40, 128), "CMYK": (0, 200, 200, 0)}[mode]
    image.paste(light, (width // 2, 0, width, height))
    return image


def jpeg(image: Image.Image | None = None, *, orientation: int = 1, comment: bytes = b"") -> bytes:
    """A photo as a phone takes it: where, with what, and which way up."""
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    exif[0x010F] = "SECRET-CAMERA"
    exif[GPS] = {1: "N", 2: (43.0, 15.0, 0.0), 3: "E", 4: (76.0, 57.0, 0.0)}
    out = io.BytesIO()
    (image or picture()).save(out, "JPEG", exif=exif, comment=comment)
    return out.getvalue()


def png(image: Image.Image | None = None) -> bytes:
    """An image with a text chunk."""
    from PIL.PngImagePlugin import PngInfo

    told = PngInfo()
    told.add_text("Author", "SECRET-AUTHOR")
    out = io.BytesIO()
    (image or picture(mode="RGBA")).save(out, "PNG", pnginfo=told)
    return out.getvalue()


def webp(image: Image.Image | None = None) -> bytes:
    out = io.BytesIO()
    (image or picture()).save(out, "WEBP")
    return out.getvalue()


def png_bomb(side: int = 20_000) -> bytes:
    """Some kilobytes that say they are a square of so many pixels: 400 megapixels by default."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = zlib.compressobj(9)
    line = b"\0" + bytes((side + 7) // 8)
    packed = b"".join(rows.compress(line * 100) for _ in range(side // 100)) + rows.flush()
    head = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", packed) + chunk(b"IEND", b"")


def pdf(pages: int = 1, change: Callable[[PdfWriter], object] = lambda writer: None) -> bytes:
    """A document with so many empty pages and whatever `change` does to it."""
    writer = PdfWriter()
    for _ in range(pages):
        writer.add_blank_page(200, 200)
    change(writer)
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def with_script(writer: PdfWriter) -> None:
    action = DictionaryObject(
        {NameObject("/S"): NameObject("/JavaScript"), NameObject("/JS"): TextStringObject("app.alert(1)")}
    )
    writer.root_object[NameObject("/OpenAction")] = writer._add_object(action)


def with_attachment(writer: PdfWriter) -> None:
    writer.add_attachment("a.exe", b"MZ")


def with_launch(writer: PdfWriter) -> None:
    action = DictionaryObject(
        {NameObject("/S"): NameObject("/Launch"), NameObject("/F"): TextStringObject("cmd.exe")}
    )
    writer.root_object[NameObject("/OpenAction")] = action


def with_hidden_script(writer: PdfWriter) -> None:
    """The kind of the action is an object of its own, and so is the action."""
    kind = writer._add_object(NameObject("/JavaScript"))
    action = writer._add_object(DictionaryObject({NameObject("/S"): kind}))
    page = writer.pages[0]
    page[NameObject("/AA")] = DictionaryObject({NameObject("/O"): action})


def with_submit(writer: PdfWriter) -> None:
    note = DictionaryObject(
        {
            NameObject("/Type"): NameObject("/Annot"),
            NameObject("/Subtype"): NameObject("/Link"),
            NameObject("/Rect"): ArrayObject([NumberObject(0)] * 4),
            NameObject("/A"): DictionaryObject({NameObject("/S"): NameObject("/SubmitForm")}),
        }
    )
    writer.pages[0][NameObject("/Annots")] = ArrayObject([writer._add_object(note)])


def with_stream_bomb(writer: PdfWriter) -> None:
    """A page whose text is 200 MB of nothing."""
    stream = DecodedStreamObject()
    stream.set_data(bytes(200_000_000))
    writer.pages[0][NameObject("/Contents")] = writer._add_object(stream.flate_encode())


def encrypted(writer: PdfWriter) -> None:
    writer.encrypt("secret", algorithm="RC4-128")


def zip_bomb() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a", bytes(50_000_000))
    return out.getvalue()


def and_zip(honest: bytes) -> bytes:
    """Both the honest file and an archive: readers of the one read from the front, of the other from the end."""
    out = io.BytesIO()
    out.write(honest)
    with zipfile.ZipFile(out, "a") as archive:
        archive.writestr("evil.class", b"\xca\xfe\xba\xbe")
    return out.getvalue()


SVG = b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
HTML = b"<!doctype html><script>alert(1)</script>" + b" " * 64
HEIC = b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic" + bytes(200)
GIF = b"GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff!\xf9\x04\x01\x00\x00\x00\x00,"

# Name, content, the code that it is refused with.
HOSTILE: dict[str, tuple[Callable[[], bytes], str]] = {
    "svg": (lambda: SVG, "file_type"),
    "html": (lambda: HTML, "file_type"),
    "gif": (lambda: GIF, "file_type"),
    "heic": (lambda: HEIC, "file_type"),
    "executable": (lambda: b"\x7fELF" + bytes(500), "file_type"),
    "zip bomb": (zip_bomb, "file_type"),
    "nothing": (lambda: b"", "file_broken"),
    "two bytes": (lambda: b"\xff\xd8", "file_type"),
    "text called photo": (lambda: b"just text, called photo.jpg", "file_type"),
    "png of 400 megapixels": (png_bomb, "file_too_large"),
    "jpeg of 41 megapixels": (lambda: jpeg(picture(8200, 5000, "L")), "file_too_large"),
    "cut jpeg": (lambda: jpeg(picture(640, 480))[:2000], "file_broken"),
    "jpeg and zip": (lambda: and_zip(jpeg()), "file_unsafe"),
    "png and zip": (lambda: and_zip(png()), "file_unsafe"),
    "jpeg and html": (lambda: jpeg(comment=b"<html><script>alert(1)</script>"), "file_unsafe"),
    "jpeg and pdf": (lambda: jpeg(comment=b"%PDF-1.4 1 0 obj"), "file_unsafe"),
    "jpeg with php": (lambda: jpeg(comment=b"<?php system($_GET[0]); ?>"), "file_unsafe"),
    "magic without a jpeg": (lambda: b"\xff\xd8\xff\xe0" + bytes(5000), "file_broken"),
    "magic without a png": (lambda: b"\x89PNG\r\n\x1a\n" + bytes(5000), "file_broken"),
    "magic without a webp": (lambda: b"RIFF\x10\x00\x00\x00WEBPVP8 " + bytes(64), "file_broken"),
    "magic without a pdf": (lambda: b"%PDF-1.7\n" + bytes(5000) + b"%%EOF", "file_broken"),
    "pdf without an end": (lambda: pdf()[:-8], "file_broken"),
    "pdf and zip": (lambda: and_zip(pdf()), "file_unsafe"),
    "pdf with a tail": (lambda: pdf() + b"<script>alert(1)</script>", "file_unsafe"),
    "pdf with a script": (lambda: pdf(change=with_script), "file_unsafe"),
    "pdf with a hidden script": (lambda: pdf(change=with_hidden_script), "file_unsafe"),
    "pdf with a spelled script": (
        lambda: pdf(change=with_script).replace(b"/JavaScript", b"/Java#53cript"),
        "file_unsafe",
    ),
    "pdf with a file": (lambda: pdf(change=with_attachment), "file_unsafe"),
    "pdf that starts a program": (lambda: pdf(change=with_launch), "file_unsafe"),
    "pdf that sends a form": (lambda: pdf(change=with_submit), "file_unsafe"),
    "encrypted pdf": (lambda: pdf(change=encrypted), "file_unsafe"),
    "pdf of 51 pages": (lambda: pdf(51), "file_too_large"),
}
