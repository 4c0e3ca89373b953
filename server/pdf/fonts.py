"""The fonts of the papers, Debian's: DejaVu for Latin and Cyrillic (Kazakh too), Droid Fallback for Chinese."""

from pathlib import Path

PACKAGES = ("fonts-dejavu-core", "fonts-droid-fallback")
ROOT = Path("/usr/share/fonts/truetype")
REGULAR = ROOT / "dejavu/DejaVuSans.ttf"
BOLD = ROOT / "dejavu/DejaVuSans-Bold.ttf"
CHINESE = ROOT / "droid/DroidSansFallbackFull.ttf"


def found() -> bool:
    """Whether all of them are on this machine."""
    return all(path.is_file() for path in (REGULAR, BOLD, CHINESE))
