"""`Report`: what a batch has done, bought and spent."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from .formats import format_cost, format_counts, format_duration, format_size
from .journal import JournalReader, State

MAX_UNCERTAIN_ROWS = 20
"""Uncertain rows whose numbers a report has."""

MAX_ERRORS = 5
"""Classes of errors in the text of a report."""


@dataclass(frozen=True, kw_only=True)
class Report:
    """What a batch has done, bought and spent, by its journal; `print` shows a summary.

    Attributes:
        folders: The folder of the batch, or of each shard.
        rows: Rows of the batch.
        done: Rows that have succeeded, files and `then` included.
        failed: Rows that have failed.
        uncertain: Rows whose prediction may exist, but cannot be found.
        unfinished: Rows that are none of these, by state: "new", "intent", "created", "ended", "saved".
        creates: Predictions that were created, or may have been.
        ended: Creates by the status with which the prediction ended.
        in_flight: Creates whose prediction has not ended.
        uncertain_creates: Creates that may or may not have been accepted.
        retries: Creates after the first one of a row.
        errors: Failed and uncertain rows by the class of their error.
        predict_seconds: Seconds that the model ran, as far as they are known.
        cost: The cost of all creates, by `price`; None while no cost is known.
        estimated_creates: Creates whose cost is not known: `cost` counts each of them with the highest cost so far.
        uncertain_rows: The numbers of the first 20 uncertain rows.
        files: Saved files.
        bytes: Their size in bytes.
        first_created_at: When the first prediction was created, by the server's clock.
        last_ended_at: When the last prediction ended, by the server's clock.
    """

    folders: tuple[Path, ...]
    rows: int
    done: int
    failed: int
    uncertain: int
    unfinished: dict[str, int]
    creates: int
    ended: dict[str, int]
    in_flight: int
    uncertain_creates: int
    retries: int
    errors: dict[str, int]
    predict_seconds: float
    cost: float | None
    estimated_creates: int
    uncertain_rows: tuple[int, ...]
    files: int
    bytes: int
    first_created_at: datetime | None
    last_ended_at: datetime | None

    @property
    def is_cost_exact(self) -> bool:
        """Whether the cost of every create is known, so that `cost` is no estimate."""
        return self.cost is not None and not self.estimated_creates

    @property
    def seconds(self) -> float | None:
        """Seconds from the first create to the last end, by the server's clock; None before these."""
        if self.first_created_at is None or self.last_ended_at is None:
            return None
        return (self.last_ended_at - self.first_created_at).total_seconds()

    @classmethod
    def read(cls, reader: JournalReader) -> Report:
        """Return the report of a journal, which may be in use; `Batch.report` calls it.

        Args:
            reader: Reads the journal.

        Returns:
            What the journal says at this moment.
        """
        counts = reader.counts()
        [(files, size)] = reader.select(_FILES)
        return cls(
            folders=(reader.folder,),
            rows=sum(counts.values()),
            done=counts.pop(State.DONE, 0),
            failed=counts.pop(State.FAILED, 0),
            uncertain=counts.pop(State.UNCERTAIN, 0),
            unfinished={state.name.lower(): counts[state] for state in sorted(counts)},
            errors=reader.errors(),
            uncertain_rows=tuple(n for (n,) in reader.select(_UNCERTAIN_ROWS)),
            files=files,
            bytes=size,
            **_count_creates(reader),
        )

    @classmethod
    def merge(cls, reports: Iterable[Report]) -> Report:
        """Return one report of all shards of a batch.

        Args:
            reports: The report of each shard.

        Returns:
            Their sums. `cost` is None if that of a shard with creates is None.

        Raises:
            ValueError: There are no reports.

        Examples:
            >>> rows = [{"text": "Ada"}, {"text": "Alan"}]
            >>> first = client.map("acme/hello", rows, "runs/0", shard=(0, 2))
            >>> second = client.map("acme/hello", rows, "runs/1", shard=(1, 2))
            >>> [item.output for item in [*first, *second]]
            ['Hello, Ada!', 'Hello, Alan!']
            >>> replicate.Report.merge([first.report(), second.report()]).rows
            2
        """
        parts = [*reports]
        if not parts:
            raise ValueError("merge needs at least one report")
        starts = [part.first_created_at for part in parts if part.first_created_at]
        ends = [part.last_ended_at for part in parts if part.last_ended_at]
        costs = [part.cost for part in parts if part.creates]
        known = [cost for cost in costs if cost is not None]
        totals: dict[str, Any] = {name: sum(getattr(part, name) for part in parts) for name in _NUMBERS}
        totals |= {name: _add_up(getattr(part, name) for part in parts) for name in _COUNTERS}
        return cls(
            folders=tuple(folder for part in parts for folder in part.folders),
            **totals,
            cost=sum(known) if known and len(known) == len(costs) else None,
            uncertain_rows=tuple(sorted(n for part in parts for n in part.uncertain_rows)[:MAX_UNCERTAIN_ROWS]),
            first_created_at=min(starts, default=None),
            last_ended_at=max(ends, default=None),
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the report as JSON values.

        Returns:
            The attributes by name, and `is_cost_exact` and `seconds`; paths as text, and times in ISO 8601.

        Examples:
            >>> batch = client.map("acme/hello", [{"text": "Ada"}], "runs/to-dict")
            >>> [*batch] and batch.report().to_dict()["ended"]
            {'succeeded': 1}
        """
        values = asdict(self) | {"is_cost_exact": self.is_cost_exact, "seconds": self.seconds}
        return values | {
            "folders": [str(folder) for folder in self.folders],
            "uncertain_rows": [*self.uncertain_rows],
            "first_created_at": self.first_created_at and self.first_created_at.isoformat(),
            "last_ended_at": self.last_ended_at and self.last_ended_at.isoformat(),
        }

    def __str__(self) -> str:
        lines = self._lines()
        width = max(map(len, lines))
        return "\n".join(f"{label:<{width}}  {text}" for label, text in lines.items())

    def _repr_html_(self) -> str:
        from .._display import markup

        return markup.table((markup.text(label), markup.text(text)) for label, text in self._lines().items())

    def _lines(self) -> dict[str, str]:
        rows = {"done": self.done, "failed": self.failed, "uncertain": self.uncertain, **self.unfinished}
        creates = self.ended | {"in flight": self.in_flight, "uncertain": self.uncertain_creates}
        retries = f"; {self.retries:,} of them retries" if self.retries else ""
        lines = {
            "folder": _join([*map(str, self.folders)], 3),
            "rows": _total(self.rows, rows),
            "errors": _join([f"{count:,} {name}" for name, count in self.errors.items()], MAX_ERRORS),
            "uncertain rows": _join([*map(str, self.uncertain_rows)], MAX_UNCERTAIN_ROWS, self.uncertain),
            "creates": _total(self.creates, creates) + retries,
            "predict time": self._describe_predict_time(),
            "cost": self._describe_cost(),
            "files": f"{self.files:,} ({format_size(self.bytes)})",
            "time": self._describe_time(),
        }
        return {label: text for label, text in lines.items() if text}

    def _describe_predict_time(self) -> str:
        unknown = self.in_flight + self.uncertain_creates
        note = f", without {unknown:,} creates that are in flight or uncertain" if unknown else ""
        return f"{self.predict_seconds:,.1f} s{note}"

    def _describe_cost(self) -> str:
        if self.cost is None:
            return "not known: no price was given, or no prediction has ended"
        if not self.estimated_creates:
            return format_cost(self.cost)
        return (
            f"about {format_cost(self.cost)}, an estimate: {self.estimated_creates:,} creates whose cost is not known "
            "count with the highest cost so far"
        )

    def _describe_time(self) -> str:
        if self.seconds is None:
            return ""
        span = f"{self.first_created_at:%Y-%m-%d %H:%M:%S} to {self.last_ended_at:%Y-%m-%d %H:%M:%S %Z}"
        return f"{format_duration(self.seconds)}: {span}, by the server's clock"


_COUNTERS = ("unfinished", "ended", "errors")
_NUMBERS = (
    *("rows", "done", "failed", "uncertain", "creates", "in_flight", "uncertain_creates", "retries"),
    *("predict_seconds", "estimated_creates", "files", "bytes"),
)

_UNCERTAIN_ROWS = f"select n from row where state = 7 order by n limit {MAX_UNCERTAIN_ROWS}"
# New rows have no files; to leave them out spares reading them.
_FILES = """
select count(*), coalesce(sum(json_extract(file.value, '$.size')), 0) from row, json_each(row.files) as file
where row.state > 0
"""
_STATUSES = "select status, count(*) from attempt where status is not 'refused' group by status"
_CREATES = """
select count(*), count(*) - count(distinct n), coalesce(sum(seconds), 0.0), sum(cost), max(cost),
    count(*) filter (where cost is null and (status is null or status in ('succeeded', 'uncertain') or seconds > 0)),
    min(coalesce(created_at, intent_at)), max(ended_at)
from attempt where status is not 'refused'
"""


def _count_creates(reader: JournalReader) -> dict[str, Any]:
    [(creates, retries, seconds, cost, highest_cost, unknown, start, end)] = reader.select(_CREATES)
    statuses = dict(reader.select(_STATUSES))
    in_flight, uncertain = statuses.pop(None, 0), statuses.pop("uncertain", 0)
    return {
        "creates": creates,
        "ended": dict(Counter(statuses).most_common()),
        "in_flight": in_flight,
        "uncertain_creates": uncertain,
        "retries": retries,
        "predict_seconds": seconds,
        "cost": None if cost is None else cost + unknown * highest_cost,
        "estimated_creates": 0 if cost is None else unknown,
        "first_created_at": None if start is None else datetime.fromtimestamp(start, UTC),
        "last_ended_at": None if end is None else datetime.fromtimestamp(end, UTC),
    }


def _add_up(counts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    total = Counter[str]()
    for part in counts:
        total.update(part)
    return dict(total.most_common())


def _total(count: int, parts: Mapping[str, int]) -> str:
    shown = format_counts(parts)
    return f"{count:,}{f': {shown}' if shown else ''}"


def _join(items: list[str], limit: int, count: int = 0) -> str:
    """Return the first items, and how many more there are of `count` or of all."""
    shown = items[:limit]
    more = max(count, len(items)) - len(shown)
    return ", ".join([*shown, *([f"{more:,} more"] if more else [])])
