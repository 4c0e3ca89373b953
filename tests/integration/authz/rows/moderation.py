"""The moderators' queue: theirs alone, and every case anybody's of them."""

from ..matrix import Row
from ..world import World

ROWS = (
    Row("GET /api/v1/admin/moderation"),
    Row(
        "POST /api/v1/admin/moderation/decisions",
        body={"decisions": [{"case": 1, "verdict": "approve"}]},
    ),
    Row("POST /api/v1/admin/moderation/{case}/claim", own=World.case, shared=True),
    Row("DELETE /api/v1/admin/moderation/{case}/claim", own=World.case, shared=True),
    Row("POST /api/v1/admin/moderation/{case}/approve", own=World.case, shared=True, body={}),
    Row(
        "POST /api/v1/admin/moderation/{case}/reject",
        own=World.case,
        shared=True,
        body={"reasons": ["unclear"]},
    ),
)
