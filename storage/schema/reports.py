"""What reports need that nothing else keeps."""

from sqlalchemy import Column, Integer, PrimaryKeyConstraint, SmallInteger, Table

from .columns import at, metadata

# How many people each worker had on its sockets, minute by minute; kept for a bit more than a year.
presence = Table(
    "presence",
    metadata,
    at("at"),
    Column("worker", SmallInteger, nullable=False),
    Column("drivers", Integer, nullable=False),
    Column("busy", Integer, nullable=False),  # of the drivers: with a load
    Column("shippers", Integer, nullable=False),
    PrimaryKeyConstraint("at", "worker"),
)
