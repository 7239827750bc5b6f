"""The server's clock: what decides whether a prediction is younger than a create, and when files expire."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from .._sansio.server_clock import MAX_CLOCK_SKEW

if TYPE_CHECKING:
    from .._send import Session


def server_time(session: Session[Any]) -> float:
    """Return seconds since the epoch that the server's clock has reached by now.

    Before the first response, and with a server that sends no `Date`, this is the local time minus `MAX_CLOCK_SKEW`.
    """
    floor = session.clock.floor()
    return floor.timestamp() if floor is not None else time.time() - MAX_CLOCK_SKEW.total_seconds()
