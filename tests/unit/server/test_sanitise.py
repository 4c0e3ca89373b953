"""What is kept of an uploaded file: pixels and plain pages, nothing else."""

import io
import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from storage import sanitise
from tests import papers
from tests.papers import HOSTILE, jpeg, pdf, picture, png, webp


def run(tmp_path: Path, content: bytes) -> tuple[dict[str, object], bytes]:
    """As the server runs it: what it says, and the copy that it made."""
    source, target = tmp_path / "in", tmp_path / "out"
    source.write_bytes(content)
    # fmt: off
    done = subprocess.run(
        [sys.executable, "-I", sanitise.__file__, str(source), str(target)],
        env={}, capture_output=True, check=True,
    )
    # fmt: on
    told: dict[str, object] = json.loads(done.stdout)
    return told, target.read_bytes() if target.exists() and "refused" not in told else b""


@pytest.mark.parametrize(
    ("content", "mime"), [(jpeg(), "image/jpeg"), (png(), "image/png"), (webp(), "image/webp")]
)
def test_an_image_is_kept_as_its_pixels(tmp_path: Path, content: bytes, mime: str) -> None:
    told, kept = run(tmp_path, content)
    assert told == {"mime": mime, "width": 64, "height": 48}
    with Image.open(io.BytesIO(kept)) as image:
        assert image.get_format_mimetype() == mime and image.size == (64, 48)
        assert not image.getexif() and not {"comment", "Author", "exif", "icc_profile"} & image.info.keys()
        left, right = image.convert("RGB").getpixel((5, 20)), image.convert("RGB").getpixel((60, 20))
    assert isinstance(left, tuple) and isinstance(right, tuple)
    assert left[0] < 30 and right[0] > 220
    assert b"SECRET" not in kept and b"GPS" not in kept


def test_a_photo_that_lies_on_its_side_is_set_upright(tmp_path: Path) -> None:
    told, kept = run(tmp_path, jpeg(orientation=6))  # turn by 90 degrees clockwise
    assert (told["width"], told["height"]) == (48, 64)
    with Image.open(io.BytesIO(kept)) as image:
        top, bottom = image.convert("L").getpixel((20, 5)), image.convert("L").getpixel((20, 60))
    assert isinstance(top, int) and isinstance(bottom, int) and top < bottom


@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
def test_every_kind_of_jpeg_is_read(tmp_path: Path, mode: str) -> None:
    assert run(tmp_path, jpeg(picture(mode=mode)))[0]["mime"] == "image/jpeg"


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
def test_every_kind_of_png_is_read(tmp_path: Path, mode: str) -> None:
    out = io.BytesIO()
    (Image.new("I;16", (8, 8)) if mode == "I;16" else picture().convert(mode)).save(out, "PNG")
    assert run(tmp_path, out.getvalue())[0]["mime"] == "image/png"


def test_a_see_through_palette_stays_see_through(tmp_path: Path) -> None:
    out = io.BytesIO()
    picture().convert("P").save(out, "PNG", transparency=0)
    _, kept = run(tmp_path, out.getvalue())
    with Image.open(io.BytesIO(kept)) as image:
        assert image.info == {"transparency": 0}


@pytest.mark.parametrize("pages", [1, 50])
def test_a_plain_document_is_kept_as_it_is(tmp_path: Path, pages: int) -> None:
    content = pdf(pages)
    assert run(tmp_path, content) == ({"mime": "application/pdf", "pages": pages}, content)


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_refused(tmp_path: Path, name: str) -> None:
    make, code = HOSTILE[name]
    content = make()
    if code == "file_broken" and not content:
        code = "file_type"  # nothing at all is noticed before this program is started
    told, kept = run(tmp_path, content)
    assert told["refused"] == code and str(told["detail"]) and kept == b""


def test_a_bomb_inside_a_document_is_not_unpacked(tmp_path: Path) -> None:
    content = pdf(change=papers.with_stream_bomb)
    assert len(content) < 1_000_000
    assert run(tmp_path, content)[0] == {"mime": "application/pdf", "pages": 1}


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=64))
def test_no_beginning_breaks_the_recognition(head: bytes) -> None:
    try:
        assert sanitise.kind_of(head) in ("image/jpeg", "image/png", "image/webp", "application/pdf")
    except sanitise.Refused as refused:
        assert refused.code == "file_type"
