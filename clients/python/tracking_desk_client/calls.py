"""What the parts of the REST client stand on: one way to ask the desk."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any


class Calls(ABC):
    """A part of Api; each part is about one thing and asks through `_call`."""

    @abstractmethod
    async def _call(
        self,
        method: str,
        path: str,
        body: Mapping[str, object] | None = None,
        *,
        query: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        signed: bool = True,
    ) -> Any:
        """The JSON of the answer, or ApiError."""


def made_from(version: int) -> dict[str, str]:
    """An edit says which version it was made from; of another one it is refused with `version_stale`."""
    return {"If-Match": f'"{version}"'}
