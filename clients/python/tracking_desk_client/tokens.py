"""Access and refresh tokens, and when the access token must be replaced."""

import base64
import json
import math
import time
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Tokens:
    """What a sign-in gave. `refresh` is used once: each refresh brings the next one.

    `good_until` is on this process's steady clock: the token's life (exp - iat) counted from its receipt, so
    that a phone whose wall clock is a day off neither refreshes in circles nor presents dead tokens.
    """

    access: str
    refresh: str | None = None
    good_until: float = field(default=0.0, compare=False)

    @classmethod
    def received(cls, access: str, refresh: str | None) -> "Tokens":
        """Tokens that the server gave just now."""
        issued, expires = _life(access)
        return cls(access, refresh, time.monotonic() + expires - issued)

    @classmethod
    def stored(cls, access: str, refresh: str | None) -> "Tokens":
        """Tokens from an earlier run: only the wall clock can tell their age; the server corrects it."""
        _, expires = _life(access)
        return cls(access, refresh, time.monotonic() + expires - time.time())

    @classmethod
    def key(cls, key: str) -> "Tokens":
        """A company's API key, `tdk_...`: it stands for a sign-in that is never refreshed."""
        return cls(key, None, math.inf)

    def left(self) -> float:
        """Seconds until the access token ends; negative when it has."""
        return self.good_until - time.monotonic()


def _life(access: str) -> tuple[float, float]:
    """(iat, exp) of a JWT, unverified: only its issuer can tell if it is genuine, and will."""
    try:
        body = access.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
        return float(claims["iat"]), float(claims["exp"])
    except (IndexError, KeyError, TypeError, ValueError) as error:
        raise ValueError("this is not an access token") from error
