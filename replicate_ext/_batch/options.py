"""The options of a batch: checked where they are given, and remembered in its journal."""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypedDict

if TYPE_CHECKING:
    from replicate_api.models import Prediction

    from .item import Item
    from .progress import Status

Price = float | Callable[["Prediction"], float]
"""What a prediction costs: a number for each, or a function of the finished prediction."""


class Options(NamedTuple):
    """How a batch is run; see `MapMixin.map`."""

    concurrency: int = 100
    key: str | None = None
    dedupe: bool = False
    retries: int = 1
    on_error: Literal["collect", "raise"] = "collect"
    save: bool = True
    then: Callable[[Item], Any] | None = None
    engine: Any = None
    max_creates: int | None = None
    max_cost: float | None = None
    price: Price | None = None
    max_seconds: float | None = None
    max_failures: int | None = 20
    progress: bool | Callable[[Status], object] | None = None
    shard: tuple[int, int] | None = None
    check: bool = True
    cancel_on_exit: bool = True

    def validate(self) -> None:
        """Raise the TypeError or ValueError for an invalid option."""
        _check_count("concurrency", self.concurrency, 1)
        _check_count("retries", self.retries, 0)
        for name in ("max_creates", "max_failures"):
            if getattr(self, name) is not None:
                _check_count(name, getattr(self, name), 1)
        for name in ("max_cost", "max_seconds"):
            _check_amount(name, getattr(self, name))
        for name in ("dedupe", "save", "check", "cancel_on_exit"):
            if not isinstance(getattr(self, name), bool):
                raise TypeError(f"{name} must be True or False, not {getattr(self, name)!r:.100}")
        if self.on_error not in ("collect", "raise"):
            raise ValueError(f"on_error must be 'collect' or 'raise', not {self.on_error!r:.100}")
        if self.key is not None and not isinstance(self.key, str):
            raise TypeError(f"key must be the name of a column, not {self.key!r:.100}")
        if self.max_cost is not None and self.price is None:
            raise ValueError("max_cost needs price: a number for each prediction, or a function of the prediction")
        if self.price is not None and not callable(self.price):
            _check_amount("price", self.price)
        if not (self.progress is None or isinstance(self.progress, bool) or callable(self.progress)):
            raise TypeError(f"progress must be True or a function of a Status, not {self.progress!r:.100}")
        _check_shard(self.shard)

    def remembered(self) -> dict[str, Any]:
        """Return the options that the journal remembers: those that are JSON."""
        names = ("concurrency", "retries", "on_error", "save", "max_creates", "max_cost", "max_seconds")
        kept = {name: getattr(self, name) for name in (*names, "max_failures", "check", "cancel_on_exit")}
        return kept | {"price": None if callable(self.price) else self.price}

    def how_to_resume(self, folder: str | os.PathLike[str], *changes: str) -> str:
        """Return how a batch is continued: with other values for some options, and with those that are not stored."""
        functions = [name for name in ("then", "price") if callable(getattr(self, name))]
        arguments = ", ".join(f"{name}=…" for name in dict.fromkeys([*changes, *functions]))
        return f"to continue: Batch.open({os.fspath(folder)!r}, client).resume({arguments})"


class MapOptions(TypedDict, total=False):
    """The options of `map`, for the methods that pass them on."""

    concurrency: int
    key: str | None
    dedupe: bool
    retries: int
    on_error: Literal["collect", "raise"]
    save: bool
    then: Callable[[Item], Any] | None
    engine: Any
    max_creates: int | None
    max_cost: float | None
    price: Price | None
    max_seconds: float | None
    max_failures: int | None
    progress: bool | Callable[[Status], object] | None
    shard: tuple[int, int] | None
    check: bool
    cancel_on_exit: bool


def _check_count(name: str, value: object, minimum: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{name} must be an integer, not {value!r:.100}")
    if value < minimum:
        raise ValueError(f"{name} must be at least {minimum}, not {value}")


def _check_amount(name: str, value: object) -> None:
    if value is None:
        return
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{name} must be a number, not {value!r:.100}")
    if not 0 <= value < math.inf:
        raise ValueError(f"{name} must not be negative or infinite: {value!r}")


def _check_shard(shard: Any) -> None:
    if shard is None:
        return
    is_pair = isinstance(shard, tuple | list) and len(shard) == 2 and all(type(part) is int for part in shard)
    if not is_pair or not 0 <= shard[0] < shard[1]:
        raise ValueError(
            f"shard must be (k, n) with k from 0 to n - 1, such as (0, 4) for a quarter, not {shard!r:.100}"
        )
