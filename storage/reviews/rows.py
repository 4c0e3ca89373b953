"""Reviews as rows and as values, and the words that everybody may read of them."""

from dataclasses import dataclass

import asyncpg

from dispatch.reviews import HaulSide, Rating, Standing

from ..order_rows import seconds

STARS = ("one", "two", "three", "four", "five")
# Whose word it is, as the public knows them: a shipper by the company that the load was posted for.
AUTHOR = "coalesce(CASE WHEN r.side = 'shipper' THEN c.legal_name END, u.name) AS author_name"
REVIEWS = f"""
SELECT r.*, {AUTHOR} FROM reviews r JOIN users u ON u.id = r.author_id JOIN orders o ON o.id = r.order_id
LEFT JOIN companies c ON c.id = o.company_id
"""
# Primary key.
ONE = f"{REVIEWS} WHERE r.id = $1"


@dataclass(frozen=True, slots=True)
class Review:
    """What one side of a haul says of the other. `due_at`: shown then at the latest."""

    id: int
    order: int
    side: HaulSide
    author: int
    author_name: str
    about: int
    stars: int
    tags: tuple[str, ...]
    text: str
    version: int
    written_at: float
    due_at: float
    published_at: float | None
    standing: Standing
    waiting: bool
    hidden_reason: str | None
    note: str
    judged_by: int | None
    judged_at: float | None
    reply: str
    replied_at: float | None
    reply_hidden: bool
    report_reason: str | None
    report_note: str
    reported_at: float | None

    @property
    def visible(self) -> bool:
        """Whether others are shown it."""
        return self.published_at is not None and self.standing is Standing.CLEAR


def review_of(row: asyncpg.Record) -> Review:
    """A review from REVIEWS."""
    return Review(
        id=row["id"],
        order=row["order_id"],
        side=HaulSide(row["side"]),
        author=row["author_id"],
        author_name=row["author_name"],
        about=row["about_id"],
        stars=row["stars"],
        tags=tuple(row["tags"]),
        text=row["text"],
        version=row["version"],
        written_at=row["created_at"].timestamp(),
        due_at=row["due_at"].timestamp(),
        published_at=seconds(row["published_at"]),
        standing=Standing(row["standing"]),
        waiting=row["waiting"],
        hidden_reason=row["hidden_reason"],
        note=row["note"],
        judged_by=row["judged_by"],
        judged_at=seconds(row["judged_at"]),
        reply=row["reply"],
        replied_at=seconds(row["replied_at"]),
        reply_hidden=row["reply_hidden"],
        report_reason=row["report_reason"],
        report_note=row["report_note"],
        reported_at=seconds(row["reported_at"]),
    )


def rating_of(row: asyncpg.Record | None) -> Rating:
    """A rating from the columns of STARS."""
    if row is None:
        return Rating()
    one, two, three, four, five = (int(row[name] or 0) for name in STARS)
    return Rating((one, two, three, four, five))
