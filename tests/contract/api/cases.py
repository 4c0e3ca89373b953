"""The requests that Schemathesis makes of the contract: every declared form at its edges, and some by chance.

The same contract gives the same requests: whatever is drawn is drawn without a seed of the day.
"""

from collections.abc import Iterator
from itertools import zip_longest
from typing import Any

import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis.config import SchemathesisConfig
from schemathesis.core.parameters import ParameterLocation
from schemathesis.generation import GenerationMode

from tests.served import ROOT

Operation = Any  # Schemathesis' classes are generic over each other; here they only pass through
Case = Any
Answer = Any

CONTRACT = ROOT / "docs" / "openapi.json"
MODES = (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)
CONFIG: dict[str, Any] = {
    # The callers bring their own tokens.
    "generation": {"with-security-parameters": False, "deterministic": True},
    "checks": {
        # A well-formed request may be refused for what it means; that it is not refused for its form
        # (bad_request) is a check of ours, which names the field.
        "positive_data_acceptance": {"enabled": False},
        # These send requests of their own, as nobody or after a DELETE; the authorisation matrix
        # (tests/integration/authz) asks all of that, and with objects that are there.
        "ignored_auth": {"enabled": False},
        "use_after_free": {"enabled": False},
        "ensure_resource_availability": {"enabled": False},
        "object_level_authorization": {"enabled": False},
        "missing_required_header": {"expected-statuses": [400, 428]},
        "negative_data_rejection": {"expected-statuses": [400, 404, 405, 412, 413, 415, 422, 428]},
    },
}


def operations() -> dict[str, Operation]:
    """Every operation of the contract, by `METHOD /path`."""
    schema = schemathesis.openapi.from_path(CONTRACT, config=SchemathesisConfig.from_dict(CONFIG))
    return {found.label: found for found in (each.ok() for each in schema.get_all_operations())}


def of(operation: Operation, coverage: int, fuzzed: int) -> list[Case]:
    """At most so many of each kind and mode, good and bad ones by turns."""
    edges = [list(_edges(operation, mode)) for mode in MODES]
    drawn = [_drawn(operation, mode, fuzzed) for mode in MODES]
    return [
        case
        for mode in zip_longest(*(_spread(each, coverage) for each in edges), *drawn)
        for case in mode
        if case is not None
    ]


def _edges(operation: Operation, mode: GenerationMode) -> Iterator[Case]:
    """The coverage phase: each constraint of the contract, met narrowly and missed narrowly."""
    config = operation.schema.config.generation_for(operation=operation, phase="coverage")
    yield from operation.schema.iter_coverage_cases(
        operation, generation_modes=[mode], generation_config=config
    )


def _drawn(operation: Operation, mode: GenerationMode, number: int) -> list[Case]:
    found: list[Case] = []

    @settings(
        derandomize=True,
        max_examples=number,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def collect(case: Case) -> None:
        found.append(case)

    try:
        collect()
    except Unsatisfiable:
        pass  # nothing in it that could be wrong
    return found


def _spread(cases: list[Case], number: int) -> list[Case]:
    """So many of them, from all of the list: what is alike stands together there."""
    if len(cases) <= number:
        return cases
    return [cases[place * len(cases) // number] for place in range(number)]


def wrong_in(case: Case) -> ParameterLocation | None:
    """Where a bad request is bad, if that is one place."""
    if case.meta is None:
        return None
    found = [place for place, component in case.meta.components.items() if component.mode.is_negative]
    return found[0] if len(found) == 1 else None
