"""`Flight`: a prediction of a batch that has not ended."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(eq=False)
class Flight:
    """A prediction of a batch that has not ended, or a create whose response has not arrived."""

    attempt_id: int
    n: int
    """The row."""

    sent: bytes
    """The hash of the input that was sent."""

    intent_at: float
    """Seconds since the epoch on the server's clock, at the latest when the create was sent."""

    started: float
    """When the create was sent, or this process took it over; on the backend's clock."""

    id: str | None = None
    """The prediction's id; None until the response arrives."""

    created_at: float | None = None
    """Seconds since the epoch on the server's clock; None if it is not known."""

    is_held: bool = False
    """Whether the server was asked to hold the response to the create."""

    next_poll: float = 0.0
    """When to fetch it by its id if lists do not show it; on the backend's clock."""

    lost_at: float = 0.0
    """When its response was given up, or it was searched for last; on the backend's clock."""

    searches: int = 0
    """How often it was searched for in vain."""

    is_canceled: bool = False
    """Whether this batch has canceled it: its row is bought again."""

    is_ours: bool = True
    """Whether it is surely a prediction of this batch, and not an equal one of another program."""

    missed_polls: int = 0
    """How often the API did not know it."""
