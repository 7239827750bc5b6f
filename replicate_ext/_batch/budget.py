"""The limits of a batch: `max_creates`, `max_cost` and `max_seconds` are totals of its folder."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

    from replicate_api.models import Prediction

    from .options import Options

ROUNDING = 1 + 1e-9
"""Ten times 0.1 is not more than 1."""


class _Meter:
    """Adds up what predictions take of a limited amount.

    Args:
        limit: The amount, or None.
        each: What every prediction takes; None if only those that have ended show it.
    """

    def __init__(self, limit: float | None, each: float | None = None) -> None:
        self._limit, self._each = limit, each
        self._highest: float | None = None
        self.spent = 0.0
        self.unknown = 0
        """Predictions of which it is not known yet what they take."""

    def settle(self, amount: float) -> None:
        """Add what a prediction has taken."""
        self.unknown -= 1
        self.spent += amount
        self._highest = max(self._highest or 0.0, amount)

    @property
    def is_exhausted(self) -> bool:
        """Whether one more prediction might exceed the limit.

        Each that is unknown counts with the highest amount so far; before there is one, only one may run.
        """
        if self._limit is None:
            return False
        each = self._highest if self._each is None else self._each
        if each is None:
            return self.unknown > 0 or self._limit <= 0
        return self.spent + (self.unknown + 1) * each > self._limit * ROUNDING

    @property
    def needs_metrics(self) -> bool:
        """Whether there might be room for one more if it were known what the others have taken."""
        return self._each is None and self.unknown > 0 and self.is_exhausted


class Refusal(NamedTuple):
    """Why nothing more may be bought."""

    option: str
    """The limit."""

    reason: str


class Budget:
    """What was bought so far, and whether one more create fits."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._fixed_price = None if callable(options.price) else options.price
        self._seconds, self._cost = _Meter(options.max_seconds), _Meter(options.max_cost, self._fixed_price)
        self.creates = 0
        """Those that were accepted or may have been."""

    @property
    def seconds(self) -> float:
        """How long the model has run, as far as known."""
        return self._seconds.spent

    @property
    def cost(self) -> float:
        """What was spent, as far as known."""
        return self._cost.spent

    @property
    def needs_metrics(self) -> bool:
        """Whether a limit is reached only because the metrics of some predictions are not known."""
        return self._seconds.needs_metrics or self._cost.needs_metrics

    def load(self, attempts: Iterable[tuple[str | None, float | None, float | None]]) -> None:
        """Add the purchases of earlier sessions: status, seconds and cost of each."""
        for status, seconds, cost in attempts:
            if status != "refused":
                self.reserve()
                self.settle(seconds, self._fixed_price if cost is None and seconds is not None else cost)

    def price_of(self, job: Prediction) -> float | None:
        """Return what a finished prediction costs, or None without a price.

        Raises:
            Exception: The function that was given as `price` has raised, or returned something else than an amount.
        """
        if not callable(self._options.price):
            is_free = job.status == "aborted"  # it is not billed: docs/api-facts.md, section 7
            return 0.0 if is_free and self._fixed_price is not None else self._fixed_price
        cost = float(self._options.price(job))
        if not 0 <= cost < math.inf:
            raise ValueError(f"a price must not be negative or infinite: {cost}")
        return cost

    def reserve(self) -> None:
        """Count a create that is about to be sent."""
        self._count(1)

    def release(self) -> None:
        """Count a create that was surely not accepted."""
        self._count(-1)

    def _count(self, change: int) -> None:
        self.creates += change
        self._seconds.unknown += change
        self._cost.unknown += change

    def settle(self, seconds: float | None, cost: float | None) -> None:
        """Count what a prediction took and cost; None for what is not known, or was counted before."""
        if seconds is not None:
            self._seconds.settle(seconds)
        if cost is not None:
            self._cost.settle(cost)

    def refusal(self) -> Refusal | None:
        """Return which limit the next create would exceed, or None."""
        options = self._options
        if options.max_creates is not None and self.creates >= options.max_creates:
            return Refusal("max_creates", f"max_creates={options.max_creates} is reached")
        if self._cost.is_exhausted:
            spent = f"{self.cost:.4g} was spent"
            return Refusal("max_cost", f"max_cost={options.max_cost:g} would be exceeded: {spent}")
        if self._seconds.is_exhausted:
            spent = f"the model has run {self.seconds:.4g} s"
            return Refusal("max_seconds", f"max_seconds={options.max_seconds:g} would be exceeded: {spent}")
        return None
