"""Labels, which anybody may read."""

from ..matrix import Row

ROWS = (Row("GET /api/v1/dictionaries", query="?lang=kk"),)
