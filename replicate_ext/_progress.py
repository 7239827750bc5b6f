"""The progress of a run: the fraction that its log reports, and the bar of `progress=True`."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING, Any, NamedTuple

from ._sansio.job import is_finished

if TYPE_CHECKING:
    from replicate_api.models import Prediction, Training

MAX_LOG_SIZE = 10_000
"""Characters at the end of a log in which its last progress bar is searched."""


class Progress(NamedTuple):
    """How far a prediction is, by the last progress bar in its log.

    Attributes:
        fraction: The part that is done, from 0 to 1.
        current: The number of steps that are done.
        total: The number of all steps.
        remaining: Seconds that the model expects to need for the other steps, or None if its log has no estimate.
    """

    fraction: float
    current: int
    total: int
    remaining: float | None


def progress_of(job: Prediction | Training) -> Progress | None:
    """Return how far a prediction or training is, or None if its log has no progress bar.

    The bars are those of tqdm: ` 30%|███       | 15/50 [00:03<00:07,  4.9it/s]`. A model may show several, one after
    another; the last one counts.

    Args:
        job: The prediction or training, as a callback gets it for example.

    Returns:
        A `Progress`, or None.

    Examples:
        >>> job = client.wait(client.submit("acme/sleeper", {"seconds": 0, "steps": 5}))
        >>> replicate.progress_of(job)
        Progress(fraction=1.0, current=5, total=5, remaining=None)
    """
    logs: object = job.logs
    lines = logs[-MAX_LOG_SIZE:].splitlines() if isinstance(logs, str) else []
    bar = next((bar for line in reversed(lines) if (bar := _BAR.search(line))), None)
    if bar is None:
        return None
    return Progress(int(bar[1]) / 100, int(bar[2]), int(bar[3]), _seconds(bar[4]))


_BAR = re.compile(
    r"(?:^|:)\s*(100|\d\d?)%\s*\|[^|]*\|\s*(\d{1,15})/(\d{1,15})"  # docs/api-facts.md, section 8
    r"(?:\s*\[[\d:]+<(\d[\d:]*))?"  # tqdm's bar_format: `[elapsed<remaining, rate]`
)


def _seconds(clock: str | None) -> float | None:
    """Return the seconds of `mm:ss` or `h:mm:ss`."""
    if clock is None:
        return None
    seconds = 0.0
    for part in clock.split(":"):
        seconds = seconds * 60 + int(part or 0)
    return seconds


class ProgressBar:
    """Shows the states of one run on stderr: with tqdm, or in lines if it is not installed.

    tqdm's text bar also works in notebooks. Its widgets (`tqdm.notebook`) need extensions of the frontend, and are
    blank in a saved notebook (https://github.com/tqdm/tqdm/issues/1310).
    """

    def __init__(self) -> None:
        self._bar: Any = None
        self._latest_line = ""

    def __call__(self, job: Prediction | Training) -> None:
        progress = progress_of(job)
        title = _printable(f"{job.model or job.id} {job.status}")
        if self._bar is None:
            self._bar = create_bar(
                total=100, desc=title, bar_format="{desc}{percentage:3.0f}%|{bar}| {elapsed}{postfix}"
            )
        if self._bar:
            self._update(title, progress, job)
        else:
            self._print(title, None if is_finished(job) else progress)

    def _update(self, title: str, progress: Progress | None, job: Prediction | Training) -> None:
        fraction = 1.0 if job.status == "succeeded" else progress.fraction if progress else 0.0
        self._bar.n = round(100 * fraction)
        self._bar.set_description(title, refresh=False)
        self._bar.set_postfix_str(_details(progress) if progress else "", refresh=False)
        self._bar.refresh()

    def close(self) -> None:
        """End the bar, however the run ended."""
        if self._bar:
            self._bar.close()

    def _print(self, title: str, progress: Progress | None) -> None:
        line = f"{title} {progress.fraction:.0%} {_details(progress)}" if progress else title
        if line != self._latest_line:
            self._latest_line = line
            print(line, file=sys.stderr, flush=True)


def create_bar(**options: Any) -> Any:
    """Return a bar of tqdm, or False if it is not installed."""
    try:
        from tqdm import tqdm
    except ImportError:
        return False
    return tqdm(**options)


def _details(progress: Progress) -> str:
    left = "" if progress.remaining is None else f", {progress.remaining:.0f} s left"
    return f"({progress.current}/{progress.total}){left}"


def _printable(text: str) -> str:
    """Return a text of the server without the characters that could control the terminal."""
    return "".join(character for character in text if character.isprintable())
