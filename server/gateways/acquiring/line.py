"""The line to an acquirer: left alone for a while when it keeps failing, and counted."""

import logging
import time

from billing.acquiring import Unavailable
from server.gateways.breaker import Breaker, Patience, Phase
from server.gateways.meters import VendorMeters

log = logging.getLogger("desk.acquiring")


class Line:
    """A breaker and the meters around each call of one adapter."""

    def __init__(self, name: str, patience: Patience, meters: VendorMeters | None) -> None:
        self._name = name
        self._patience = patience
        self._meters = meters
        self._breaker = Breaker()

    def begin(self) -> float:
        """A call begins; when, for `end`. Unavailable while the acquirer is left alone."""
        began = time.monotonic()
        self._breaker, may = self._breaker.ask(began, self._patience)
        if not may:
            raise Unavailable("left alone for a while after its last failures")
        return began

    def end(self, outcome: str, began: float, *, sound: bool) -> None:
        """It is over. `sound`: the acquirer answers, whatever it says."""
        now, before = time.monotonic(), self._breaker.phase
        self._breaker = self._breaker.succeeded() if sound else self._breaker.failed(now, self._patience)
        if self._breaker.phase is Phase.OPEN and before is not Phase.OPEN:
            log.warning("acquirer.left_alone", extra={"acquirer": self._name, "outcome": outcome})
        if self._meters is not None:
            self._meters.called("acquiring", self._name, outcome, now - began)
            self._meters.phase("acquiring", self._name, self._breaker.phase)
