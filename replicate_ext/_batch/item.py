"""`Item`: one row of a batch, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Item:
    """One row of a batch, and what became of it: plain data, which can be pickled.

    Attributes:
        index: The number of the row, from 0.
        key: What the row has in the column `key`, as text; None without that option.
        input: The row as it was given: JSON values, and files as paths.
        output: The output of the prediction as JSON values; None if there is none. Files are their URLs, which expire
            an hour after the end; a data URI that was saved is the path of the file instead.
        paths: The files of the output, saved in the folder of the batch, in the order of the output.
        error: What went wrong, with the class of the error first ("ModelError: …"), or None.
        status: How the last prediction ended ("succeeded", "failed", "canceled", "aborted"); or "invalid" or "refused"
            where none was created, "uncertain" where that cannot be found out; None before its end.
        prediction_id: The id of the last prediction, or None.
        seconds: Seconds that the model ran, of all attempts. None if they are not known (yet): the response to the
            create of a short prediction does not have them, and a list that is requested later does, for `report` and
            `export`.
        cost: What the row costs by `price`, of all attempts; None without a price, and until `seconds` are known.
        attempts: How many predictions were created, or may have been.
        result: What `then` returned.

    Examples:
        >>> rows = [{"prompt": "a gull", "width": 32}]
        >>> [item] = client.map("acme/painter", rows, "runs/gull")
        >>> item.index, item.status, [path.name for path in item.paths]
        (0, 'succeeded', ['000000-0.png'])
    """

    index: int
    key: str | None
    input: dict[str, Any]
    output: Any = None
    paths: list[Path] = field(default_factory=list)
    error: str | None = None
    status: str | None = None
    prediction_id: str | None = None
    seconds: float | None = None
    cost: float | None = None
    attempts: int = 0
    result: Any = None

    @property
    def is_successful(self) -> bool:
        """Whether the prediction has succeeded, all its files are saved, and `then` has not failed."""
        return self.status == "succeeded" and self.error is None
