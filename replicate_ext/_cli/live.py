"""What a terminal shows while a prediction runs: its status, a bar where its log has one, and the end of its log."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from .._models.literals import visible
from .output import Output, printable

if TYPE_CHECKING:
    from rich.console import RenderableType

LOG_LINES = 5
"""Lines at the end of the log that are shown."""

REFRESH_RATE = 5
"""Updates a second."""


@contextmanager
def show_status(output: Output) -> Iterator[Callable[[Any], None] | None]:
    """Show the states of a job on stderr in the block, if it is a terminal; yields what to call with each of them."""
    if not output.is_live:
        yield None
        return
    from rich.console import Console
    from rich.live import Live

    status = Status()
    console = Console(stderr=True, highlight=False)
    with Live(
        console=console,
        get_renderable=status.render,
        refresh_per_second=REFRESH_RATE,
        transient=True,
        redirect_stdout=False,
    ):
        yield status.update


class Status:
    """The latest state of a job, and how it is shown."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._started = monotonic()
        self._job: Any = None

    def update(self, job: Any) -> None:
        """Show another state."""
        self._job = job

    def render(self) -> RenderableType:
        """Return what is shown now."""
        from rich.console import Group
        from rich.progress_bar import ProgressBar
        from rich.table import Table
        from rich.text import Text

        from .._progress import progress_of

        job = self._job
        elapsed = f"{self._monotonic() - self._started:.0f} s"
        if job is None:
            return Text(elapsed)
        line = Table.grid(padding=(0, 1))
        cells: list[Any] = [Text(visible(f"{job.model or job.id} {job.status}")), Text(elapsed, style="dim")]
        if progress := progress_of(job):
            left = "" if progress.remaining is None else f", {progress.remaining:.0f} s left"
            cells += [
                ProgressBar(total=1, completed=progress.fraction, width=20),
                Text(f"{progress.fraction:.0%}{left}"),
            ]
        line.add_row(*cells)
        logs = job.logs.splitlines()[-LOG_LINES:] if isinstance(job.logs, str) else []
        return Group(line, *(Text(printable(text), style="dim", no_wrap=True, overflow="ellipsis") for text in logs))
