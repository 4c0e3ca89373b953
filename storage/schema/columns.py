"""The metadata that every table joins, and the columns that many of them have."""

from sqlalchemy import BigInteger, Column, DateTime, ForeignKey, Identity, MetaData, func

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def id_column() -> Column[int]:
    return Column("id", BigInteger, Identity(always=False), primary_key=True)


def at(name: str, *, nullable: bool = False, now: bool = False) -> Column[object]:
    return Column(
        name, DateTime(timezone=True), nullable=nullable, server_default=func.now() if now else None
    )


def ref(name: str, target: str, *, nullable: bool = False, unique: bool = False) -> Column[int]:
    return Column(name, BigInteger, ForeignKey(target), nullable=nullable, unique=unique)
