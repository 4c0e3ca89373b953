"""Rows of `vehicles` as values: as their owners describe them, and as dispatch looks at them."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from typing import Any

import asyncpg

from dispatch.errors import Refusal
from dispatch.model import Vehicle


@dataclass(frozen=True, slots=True)
class Spec:
    """A truck as it is described: kg, m3, metres inside, degrees Celsius, litres. None is unknown."""

    country: str
    plate: str
    trailer_plate: str
    body: str
    capacity_kg: float
    volume_m3: float
    length_m: float | None = None
    width_m: float | None = None
    height_m: float | None = None
    sides: tuple[str, ...] = ()
    adr: tuple[str, ...] = ()
    temp_min_c: float | None = None
    temp_max_c: float | None = None
    axles: int | None = None
    fuel_l_100km: float | None = None
    year: int | None = None

    @property
    def columns(self) -> tuple[object, ...]:
        """In the order of the fields, which is that of the statements that write them."""
        return tuple(getattr(self, name) for name in SPEC_COLUMNS)

    def carries_as(self, other: "Spec") -> bool:
        """Whether both can carry the same loads."""
        return all(getattr(self, name) == getattr(other, name) for name in CARRYING_COLUMNS)


SPEC_COLUMNS = tuple(field.name for field in fields(Spec))
CARRYING_COLUMNS = SPEC_COLUMNS[SPEC_COLUMNS.index("body") : SPEC_COLUMNS.index("axles")]
# What statements that join `vehicles v` select for `carrier`.
CARRIER = f"v.id AS vehicle_id, {', '.join(f'v.{name}' for name in CARRYING_COLUMNS)}"


@dataclass(frozen=True, slots=True)
class OwnVehicle:
    """A truck as those see it who may use it. `keeper` may drive it; `company` owns it, or else the keeper."""

    id: int
    spec: Spec
    keeper: int | None
    company: int | None
    active: bool
    archived_at: float | None
    version: int


def own_vehicle(row: asyncpg.Record) -> OwnVehicle:
    """From all columns of `vehicles`."""
    return OwnVehicle(
        row["id"],
        spec_of(row),
        row["keeper_id"],
        row["company_id"],
        row["driver_id"] is not None,
        None if row["archived_at"] is None else row["archived_at"].timestamp(),
        row["version"],
    )


def spec_of(row: asyncpg.Record) -> Spec:
    """From the columns of those names; arrays come as lists."""
    # Any: of the types that the schema gives the columns.
    values: dict[str, Any] = {name: row[name] for name in SPEC_COLUMNS}
    return Spec(**values | {"sides": tuple(row["sides"]), "adr": tuple(row["adr"])})


def carrier(row: asyncpg.Record) -> Vehicle:
    """The truck that dispatch judges, from what CARRIER selects."""
    return Vehicle(
        id=row["vehicle_id"],
        body=row["body"],
        capacity_kg=row["capacity_kg"],
        volume_m3=row["volume_m3"],
        length_m=row["length_m"],
        width_m=row["width_m"],
        height_m=row["height_m"],
        sides=tuple(row["sides"]),
        adr=tuple(row["adr"]),
        temp_min_c=row["temp_min_c"],
        temp_max_c=row["temp_max_c"],
    )


@contextmanager
def plate_free() -> Iterator[None]:
    """Refusal `plate_taken` when another live vehicle of that country has the number."""
    try:
        yield
    except asyncpg.UniqueViolationError as error:
        if error.constraint_name != "uq_vehicles_plate":
            raise
        raise Refusal("plate_taken") from None
