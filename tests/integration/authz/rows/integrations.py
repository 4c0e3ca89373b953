"""API keys and webhooks: for the owners of a company."""

from ..matrix import Cell, Row
from ..world import Person, World

_KEY = {"name": "1С", "scopes": ["orders:read"]}
_HOOK = {"url": "https://8.8.8.8/hook", "kinds": ["order.*"]}
_ONE = "/api/v1/company/webhooks/{webhook}"


async def a_key(world: World, person: Person) -> int:
    key, _ = await world.services.api_keys.add(
        await world.company(person), person.user, "1С", ["orders:read"], None
    )
    return key.id


async def a_webhook(world: World, person: Person) -> int:
    hook = await world.services.webhooks.add(
        await world.company(person), "https://8.8.8.8/hook", ["order.delivered"], lambda id: b"sealed"
    )
    return hook.id


async def a_delivery(world: World, person: Person) -> dict[str, int]:
    hook = await a_webhook(world, person)
    delivery = await world.pool.fetchval(
        "INSERT INTO webhook_deliveries (webhook_id, kind, dedupe_key, payload, state)"
        " VALUES ($1, 'ping', gen_random_uuid(), '{}', 'dead') RETURNING id",
        hook,
    )
    return {"webhook": hook, "delivery": delivery}


def _version(cell: Cell) -> dict[str, str]:
    return {"If-Match": '"1"'}


ROWS = (
    Row("GET /api/v1/company/keys", given=World.company),
    Row("POST /api/v1/company/keys", body=_KEY, given=World.company),
    Row("DELETE /api/v1/company/keys/{key}", own=a_key, given=World.company),
    Row("GET /api/v1/company/webhooks", given=World.company),
    Row("POST /api/v1/company/webhooks", body=_HOOK, given=World.company),
    Row(f"GET {_ONE}", own=a_webhook, given=World.company),
    Row(
        f"PUT {_ONE}", own=a_webhook, given=World.company, body={**_HOOK, "enabled": False}, headers=_version
    ),
    Row(f"DELETE {_ONE}", own=a_webhook, given=World.company),
    Row(f"POST {_ONE}/secret", own=a_webhook, given=World.company),
    Row(f"POST {_ONE}/ping", own=a_webhook, given=World.company),
    Row(f"GET {_ONE}/deliveries", own=a_webhook, given=World.company),
    Row(f"POST {_ONE}/deliveries/{{delivery}}/again", own=a_delivery, given=World.company),
)
