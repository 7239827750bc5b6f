"""The progress of a batch: its status, the callback, and the bar of `progress=True`."""

from __future__ import annotations

import inspect
import sys
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from .._models.literals import visible
from .._progress import create_bar
from .formats import format_cost, format_counts, format_duration
from .journal import UNCERTAIN, JournalReader, State
from .report import Report

RATE_WINDOW = 60.0
"""Seconds of which the rate is the average."""

SAMPLE_INTERVAL = 0.5
"""Seconds within which only the latest sample of the rate is kept."""

_BAR_FORMAT = "{percentage:3.0f}%|{bar}| {n_fmt}/{total_fmt}{postfix}"

LINE_INTERVAL = 5.0
"""Seconds between two lines on stderr, where there is no bar."""


@dataclass(frozen=True, kw_only=True)
class Status:
    """How far a batch is; `print` shows it in one line.

    Attributes:
        rows: Rows of the batch.
        done: Rows that have succeeded, files and `then` included.
        failed: Rows that have failed.
        uncertain: Rows whose prediction may exist, but cannot be found.
        in_flight: Predictions that were created and have not ended, or may have been.
        saving: Rows whose prediction has ended, and whose files are not saved yet.
        creates: Predictions that were created, or may have been, since the folder was begun.
        cost: What they cost so far, by `price`; None without a price.
        rate: Rows finished per second, over the last minute; 0 if the batch does not run in this process.
        eta: Seconds until all rows are finished, at the current rate; None if that cannot be estimated.
        failures: Failed rows by the class of their error.
        note: What the batch waits for: "waiting for the rate limit", for example.
    """

    rows: int
    done: int
    failed: int
    uncertain: int
    in_flight: int
    saving: int
    creates: int
    cost: float | None = None
    rate: float = 0.0
    eta: float | None = None
    failures: Mapping[str, int] = field(default_factory=dict)
    note: str = ""

    @property
    def finished(self) -> int:
        """How many rows are done, failed or uncertain."""
        return self.done + self.failed + self.uncertain

    @classmethod
    def read(cls, reader: JournalReader) -> Status:
        """Return the status of a batch by its journal, which may be in use; `Batch.status` calls it.

        Args:
            reader: Reads the journal.

        Returns:
            What the journal says at this moment: without a rate, and without a note.
        """
        report, counts = Report.read(reader), reader.counts()
        return cls(
            rows=report.rows,
            done=report.done,
            failed=report.failed,
            uncertain=report.uncertain,
            in_flight=counts.get(State.INTENT, 0) + counts.get(State.CREATED, 0),
            saving=counts.get(State.ENDED, 0),
            creates=report.creates,
            cost=report.cost,
            failures={name: count for name, count in report.errors.items() if name != UNCERTAIN},
        )

    def __str__(self) -> str:
        share = f" ({self.finished / self.rows:.0%})" if self.rows else ""
        return ", ".join(filter(None, [f"{self.finished:,} of {self.rows:,} rows{share}", describe(self)]))

    def _repr_html_(self) -> str:
        from .._display import markup

        left = self.rows - self.finished
        rows = {"done": self.done, "failed": self.failed, "uncertain": self.uncertain, "left": left}
        predictions = {"created": self.creates, "in flight": self.in_flight, "being saved": self.saving}
        lines = {
            "rows": f"{self.rows:,}: {format_counts(rows)}",
            "predictions": format_counts(predictions),
            "progress": describe(self),
        }
        return markup.table((label, markup.text(text)) for label, text in lines.items() if text)


class RateEstimator:
    """Estimates how fast rows are finished in this session, by samples of a monotonic clock.

    The first sample is the start: rows that were finished before do not count.
    """

    def __init__(self) -> None:
        self._first: tuple[float, int] | None = None
        self._samples = deque[tuple[float, int]]()

    def note(self, now: float, finished: int) -> None:
        """Add a sample: how many rows are finished, those of earlier sessions included."""
        if self._first is None:
            self._first = now, finished
        if len(self._samples) > 1 and now - self._samples[-2][0] < SAMPLE_INTERVAL:
            self._samples.pop()
        self._samples.append((now, finished))

    def rate(self, now: float) -> float:
        """Return the rows per second of the last minute."""
        while len(self._samples) > 1 and self._samples[1][0] <= now - RATE_WINDOW:
            self._samples.popleft()
        return self._rate_since(self._samples[0], now) if self._samples else 0.0

    def eta(self, now: float, left: int) -> float | None:
        """Return the seconds that the rows which are left will take, or None if that cannot be estimated.

        If no row was finished in the last minute, since each takes long, the average of the session counts.
        """
        rate = self.rate(now) or (self._rate_since(self._first, now) if self._first else 0.0)
        return left / rate if rate else None

    def _rate_since(self, start: tuple[float, int], now: float) -> float:
        since, finished = start
        return (self._samples[-1][1] - finished) / (now - since) if now > since else 0.0


class BatchProgress:
    """Shows the status of a batch in some way."""

    def update(self, status: Status) -> None:
        """Show a status."""

    def close(self) -> None:
        """End the bar, however the batch ended."""


def open_progress(
    progress: bool | Callable[[Status], object] | None, clock: Callable[[], float] = time.monotonic
) -> BatchProgress:
    """Return what shows the progress: nothing, a function that is called with each status, or a bar on stderr.

    Raises:
        TypeError: `progress` is neither a bool nor a plain function.
    """
    if progress is None or progress is False:
        return BatchProgress()
    if progress is True:
        return _Bar(clock)
    if not callable(progress) or any(map(inspect.iscoroutinefunction, (progress, type(progress).__call__))):
        raise TypeError(f"progress must be True or a plain function that takes a Status, not {progress!r:.100}")
    return _Callback(progress)


class _Callback(BatchProgress):
    def __init__(self, callback: Callable[[Status], object]) -> None:
        self._callback = callback

    def update(self, status: Status) -> None:
        self._callback(status)


class _Bar(BatchProgress):
    """Shows one line on stderr with tqdm, also in notebooks (see `ProgressBar`), or without it a line now and then."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._lines = ProgressLines(clock)
        self._bar: Any = None

    def update(self, status: Status) -> None:
        if self._bar is None:
            self._bar = create_bar(total=status.rows, bar_format=_BAR_FORMAT, dynamic_ncols=True)
        if self._bar is not False:  # a bar of no rows is false
            self._bar.total, self._bar.n = status.rows, status.finished
            self._bar.set_postfix_str(describe(status))
        else:
            self._lines.update(status)

    def close(self) -> None:
        if self._bar is None or self._bar is False:
            self._lines.close()
        else:
            self._bar.close()


class ProgressLines(BatchProgress):
    """Prints a line on stderr now and then."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._latest: Status | None = None
        self._printed: Status | None = None
        self._printed_at = 0.0

    def update(self, status: Status) -> None:
        self._latest = status
        if self._is_line_due(status):
            self._print(status)

    def close(self) -> None:
        if self._latest is not None and self._latest != self._printed:
            self._print(self._latest)

    def _is_line_due(self, status: Status) -> bool:
        before = self._printed
        return before is None or before.note != status.note or self._clock() >= self._printed_at + LINE_INTERVAL

    def _print(self, status: Status) -> None:
        self._printed, self._printed_at = status, self._clock()
        print(status, file=sys.stderr, flush=True)


def describe(status: Status) -> str:
    """Return what is shown beside the number of rows."""
    parts = [
        f"{status.rate:.1f}/s" if status.rate else "",
        "" if status.eta is None else f"{format_duration(status.eta)} left",
        format_counts(status.failures),
        f"{status.uncertain:,} uncertain" if status.uncertain else "",
        "" if status.cost is None else f"cost so far {format_cost(status.cost)}",
        visible(status.note),  # it may have an error of the model
    ]
    return ", ".join(part for part in parts if part)
