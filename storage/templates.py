"""Loads that a shipper posts again and again: a name and the form, without the times."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import asyncpg

from dispatch.asked import Content
from dispatch.errors import Refusal
from dispatch.model import Party

from .postgres import Pool

MOST = 200  # templates of one shipper

# Primary key of the new row; the count through ix_order_templates_shipper_id_id.
ADD = """
INSERT INTO order_templates (shipper_id, company_id, name, content)
SELECT $1, $2, $3, $4 WHERE (SELECT count(*) FROM order_templates WHERE shipper_id = $1) < $5 RETURNING *
"""
# ix_order_templates_shipper_id_id read backwards, and ix_order_templates_company for the colleagues'.
PAGE = """
SELECT t.* FROM (
    (SELECT id FROM order_templates WHERE shipper_id = $1 AND id < $3 ORDER BY id DESC LIMIT $4)
    UNION
    (SELECT id FROM order_templates WHERE company_id = ANY($2::bigint[]) AND id < $3 ORDER BY id DESC LIMIT $4)
) AS mine JOIN order_templates t ON t.id = mine.id ORDER BY t.id DESC LIMIT $4
"""
# Primary key, all of them.
TEMPLATE = (
    "SELECT * FROM order_templates WHERE id = $1 AND (shipper_id = $2 OR company_id = ANY($3::bigint[]))"
)
EDIT = """
UPDATE order_templates SET name = coalesce($5, name), content = coalesce($6, content), version = version + 1
WHERE id = $1 AND (shipper_id = $2 OR company_id = ANY($3::bigint[])) AND version = $4 RETURNING *
"""
USE = """
UPDATE order_templates SET uses = uses + 1, used_at = now()
WHERE id = $1 AND (shipper_id = $2 OR company_id = ANY($3::bigint[])) RETURNING *
"""
DROP = "DELETE FROM order_templates WHERE id = $1 AND (shipper_id = $2 OR company_id = ANY($3::bigint[]))"


@dataclass(frozen=True, slots=True)
class Template:
    """A named form. `version` grows with each edit; `used_at` is None until the first use."""

    id: int
    name: str
    content: Content
    version: int
    uses: int
    created_at: float
    used_at: float | None


class TemplateStore:
    """Templates of shippers and of their companies."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def add(self, shipper: int, company: int | None, name: str, content: Mapping[str, Any]) -> Template:
        """A new template. Refusal `limit_reached`."""
        row = await self._pool.fetchrow(ADD, shipper, company, name, dict(content), MOST)
        if row is None:
            raise Refusal("limit_reached", "at most {n} template", plural="at most {n} templates", n=MOST)
        return _template(row)

    async def page(self, party: Party, before: int, limit: int) -> list[Template]:
        """The party's templates below id `before`, newest first."""
        rows = await self._pool.fetch(PAGE, party.user, list(party.companies), before, limit)
        return [_template(row) for row in rows]

    async def template(self, party: Party, template: int) -> Template:
        """One of the party's; `not_found` otherwise."""
        return _template(await self._pool.fetchrow(TEMPLATE, template, party.user, list(party.companies)))

    async def edit(
        self, party: Party, template: int, version: int, name: str | None, content: Content | None
    ) -> Template:
        """Another name or another form; None leaves it. Refusal `version_stale`."""
        mine = (template, party.user, list(party.companies))
        row = await self._pool.fetchrow(EDIT, *mine, version, name, content)
        if row is None:
            await self.template(party, template)  # `not_found` goes first
            raise Refusal("version_stale")
        return _template(row)

    async def use(self, party: Party, template: int) -> Template:
        """Counts a use of it."""
        return _template(await self._pool.fetchrow(USE, template, party.user, list(party.companies)))

    async def drop(self, party: Party, template: int) -> None:
        """Forgets it."""
        if await self._pool.execute(DROP, template, party.user, list(party.companies)) == "DELETE 0":
            raise Refusal("not_found")


def _template(row: asyncpg.Record | None) -> Template:
    if row is None:
        raise Refusal("not_found")
    return Template(
        row["id"],
        row["name"],
        row["content"],
        row["version"],
        row["uses"],
        row["created_at"].timestamp(),
        None if row["used_at"] is None else row["used_at"].timestamp(),
    )
