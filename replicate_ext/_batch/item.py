"""`Item`: one row of a batch, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Item:
    """One row of a batch, and what became of it: plain data, which can be pickled."""

    index: int
    """The number of the row, from 0, in the rows that were given."""

    key: str | None
    """What the row has in the column `key`, as text; None without that option."""

    input: dict[str, Any]
    """The row as it was given: JSON values, and files as paths."""

    output: Any = None
    """The output of the prediction as JSON values; None if there is none. Files are their URLs, which expire an hour
    after the end; a data URI that was saved is the path of the file instead."""

    paths: list[Path] = field(default_factory=list)
    """The files of the output, saved in the folder of the batch, in the order of the output."""

    error: str | None = None
    """What went wrong, with the class of the error first ("ModelError: …"), or None."""

    status: str | None = None
    """That of the last prediction ("succeeded", "failed", "canceled", "aborted"); or "invalid", "refused" or
    "uncertain" where there is none; None before its end."""

    prediction_id: str | None = None
    seconds: float | None = None
    """Seconds that the model ran, of all attempts. None if they are not known (yet): the response to the create of a
    short prediction does not have them, and a list that is requested later does, for `report` and `export`."""

    cost: float | None = None
    """What the row costs by `price`, of all attempts; None without a price, and until `seconds` are known."""

    attempts: int = 0
    """How many predictions were created, or may have been."""

    result: Any = None
    """What `then` returned."""

    @property
    def is_successful(self) -> bool:
        """Whether there is an output, all its files are saved, and `then` has not failed."""
        return self.status == "succeeded" and self.error is None
