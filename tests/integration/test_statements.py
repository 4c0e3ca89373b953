"""Every SQL constant of the stores is a statement that the migrated schema understands."""

import importlib
import pkgutil

import storage
from storage.postgres import Pool

VERBS = ("SELECT", "INSERT", "UPDATE", "DELETE", "WITH")


def statements(*verbs: str) -> dict[str, str]:
    """Name -> text of each upper-case constant of a storage module that begins with one of these."""
    found = {}
    for module in pkgutil.walk_packages(storage.__path__, "storage."):
        if module.ispkg or module.name.startswith(
            ("storage.migrations.", "storage.schema.", "storage.board.")
        ):
            continue  # the board puts its statements together; its own tests run them
        for name, value in vars(importlib.import_module(module.name)).items():
            if name.isupper() and isinstance(value, str) and value.lstrip().startswith(verbs):
                found[f"{module.name.removeprefix('storage.')}.{name}"] = value
    return found


async def test_every_statement_prepares_on_the_migrated_schema(pool: Pool) -> None:
    broken = {}
    async with pool.acquire() as connection:
        for text in statements("CREATE TEMP").values():  # what COPY fills for the statements after it
            await connection.execute(text)
        for name, text in statements(*VERBS).items():
            try:
                await connection.prepare(text)
            except Exception as error:
                broken[name] = str(error)
    assert not broken
    assert {"orders.PLACE", "winning.ASSIGN", "candidates.MAKE_OFFERS"} <= statements(*VERBS).keys()
