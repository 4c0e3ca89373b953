"""JSON Schemas of structs, made by msgspec, with names put on the places of arrays."""

from typing import Any

import msgspec
from msgspec import Struct

from .shapes import shape

# A JSON document: what it holds is checked as a whole against the official schema of its kind.
Json = dict[str, Any]


def component_schemas(structs: list[type[Struct]]) -> Json:
    """These structs and all that they hold, by name, in JSON Schema 2020-12."""
    _, components = msgspec.json.schema_components(structs, ref_template="#/components/schemas/{name}")
    for struct in structs:
        if (each := shape(struct)).as_array:
            for field, place in zip(each.fields, components[each.name]["prefixItems"], strict=True):
                place["title"] = field.name
    return dict(sorted(components.items()))


def draft_07(schema: Any) -> Any:
    """The same schema for readers of the older draft, which AsyncAPI speaks: tuples are said differently."""
    if isinstance(schema, list):
        return [draft_07(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    told = {key: draft_07(value) for key, value in schema.items() if key != "discriminator"}
    if "prefixItems" in told:
        rest = told.pop("items", None)
        told["items"] = told.pop("prefixItems")
        if rest is not None:
            told["additionalItems"] = rest
    return told
