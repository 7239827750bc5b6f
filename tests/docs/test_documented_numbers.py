"""Times, sizes and counts that pages and docstrings state are the constants of the source."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from replicate_ext._backends.base import CLEANUP_TIMEOUT, MAX_BODY_SIZE, MAX_CONCURRENT_TRANSFERS
from replicate_ext._batch import outage, saver, uploads
from replicate_ext._batch.progress import LINE_INTERVAL
from replicate_ext._batch.reconcile import SETTLE_TIME
from replicate_ext._config import DEFAULT_MAX_RETRIES, DEFAULT_WEBHOOK_TOLERANCE
from replicate_ext._files.download import MAX_RESUMES, RESUME_DELAY
from replicate_ext._files.inputs import MAX_ARRAY_SIZE
from replicate_ext._files.local_file import MAX_INLINE_SIZE, MAX_INLINE_TOTAL, MAX_UPLOAD_SIZE
from replicate_ext._models.source import MAX_FUNCTIONS
from replicate_ext._predictions.known_models import LOOK_UP_TIMEOUT
from replicate_ext._predictions.predictions import CANCEL_AFTER_MARGIN
from replicate_ext._predictions.schedule import MAX_POLL_INTERVAL, MIN_POLL_INTERVAL
from replicate_ext._predictions.stream import MAX_POLL_AGE, MAX_RECONNECTS, RECONNECT_DELAY
from replicate_ext._predictions.wait import MAX_LISTENING_TIME, MAX_UNKNOWN_STATUS_TIME
from replicate_ext._sansio.log import LONG_WAIT
from replicate_ext._sansio.options import DEFAULT_TIMEOUT
from replicate_ext._sansio.request import HOLD_MARGIN, MAX_HOLD
from replicate_ext._sansio.retry import INITIAL_BACKOFF, MAX_BACKOFF, MAX_RETRY_AFTER_TOTAL
from replicate_ext._send import MAX_REDIRECTS

ROOT = Path(__file__).parents[2]
TEXTS = {
    str(path.relative_to(ROOT)): path.read_text(encoding="utf-8")
    for path in (ROOT / "README.md", *ROOT.glob("docs/**/*.md"), *ROOT.glob("replicate_ext/**/*.py"))
}
KIB, MIB, HOUR = 1024, 1024**2, 3600

PYTHON = re.search(r'^requires-python = ">=(.*)"$', (ROOT / "pyproject.toml").read_text(encoding="utf-8"), re.MULTILINE)
assert PYTHON is not None

STATEMENTS: dict[str, tuple[float | None, ...]] = {
    r"(?<!;.)# (?:s )?to connect": (DEFAULT_TIMEOUT.connect,),
    r"Python # or newer": (float(PYTHON[1]),),
    r"# (?:s )?to read": (DEFAULT_TIMEOUT.read,),
    r"# (?:s )?to write": (DEFAULT_TIMEOUT.write,),
    r"`max_retries=#` is the default": (DEFAULT_MAX_RETRIES,),
    r"`max_retries` times \(default #\)": (DEFAULT_MAX_RETRIES,),
    r"first retry comes after # to # s": (INITIAL_BACKOFF / 2, INITIAL_BACKOFF),
    r"doubles with each further one, up to # to # s": (MAX_BACKOFF / 2, MAX_BACKOFF),
    r"and by # s otherwise": (MAX_RETRY_AFTER_TOTAL,),
    r"`max_rate_limit_wait=…` \(#; None": (MAX_RETRY_AFTER_TOTAL,),
    r"waits after other statuses: # in all": (MAX_RETRY_AFTER_TOTAL,),
    r"a body of more than # MiB": (MAX_BODY_SIZE / MIB,),
    r"up to # are followed": (MAX_REDIRECTS,),
    r"resumed after # s where": (RESUME_DELAY,),
    r"# interruptions in a row": (MAX_RESUMES,),
    r"reconnect(?:s|ed) after # s": (RECONNECT_DELAY,),
    r"# connections in a row": (MAX_RECONNECTS,),
    r"no `done` for # s": (MAX_POLL_AGE,),
    r"an event stream without `done`, of `run`, `wait` and `stream` \(#\)": (MAX_LISTENING_TIME,),
    r"unknown status \(#\)": (MAX_UNKNOWN_STATUS_TIME,),
    r"an unknown status doesn't change for # s": (MAX_UNKNOWN_STATUS_TIME,),
    r"reads take # s longer than the hold": (HOLD_MARGIN,),
    r"cancels it # s after the timeout": (CANCEL_AFTER_MARGIN,),
    r"of `run` or `stream` until # s after it": (CANCEL_AFTER_MARGIN,),
    r"`run\(wait=…\)` \(True: #\)": (MAX_HOLD,),
    r"hold the create request for up to # seconds": (MAX_HOLD,),
    r"holds the create for up to # s \(the default\)": (MAX_HOLD,),
    r"with growing intervals \(#.# s\)": (MIN_POLL_INTERVAL, MAX_POLL_INTERVAL),
    r"look-up of a schema before a create \(#\)": (LOOK_UP_TIMEOUT,),
    r"one retry within # s; then the run goes on": (LOOK_UP_TIMEOUT,),
    r"be fetched within # seconds": (LOOK_UP_TIMEOUT,),
    r"cancel of an abandoned prediction \(#\)": (CLEANUP_TIMEOUT,),
    r"end of a `with` block \(#\)": (CLEANUP_TIMEOUT,),
    r"then takes up to # seconds to cancel": (CLEANUP_TIMEOUT,),
    r"one retry, within # s in all": (CLEANUP_TIMEOUT,),
    r"files? of up to # KiB": (MAX_INLINE_SIZE / KIB,),
    r"data URIs of a request (?:exceed|have no more than) # MiB": (MAX_INLINE_TOTAL / MIB,),
    r"up to # at a time; Replicate accepts up to # MB": (MAX_CONCURRENT_TRANSFERS, MAX_UPLOAD_SIZE / 1e6),
    r"downloads up to # files at a time": (MAX_CONCURRENT_TRANSFERS,),
    r"array, of up to # elements": (MAX_ARRAY_SIZE,),
    r"the timestamp differs by at most # seconds": (DEFAULT_WEBHOOK_TOLERANCE,),
    r"taken, more than # s by then": (LONG_WAIT,),
    r"one upload in # hours": (uploads.MAX_AGE / HOUR,),
    r"prints a line every # seconds": (LINE_INTERVAL,),
    r"without a response \| searched for # s later": (SETTLE_TIME,),
    r"More than # models become a package": (MAX_FUNCTIONS,),
    r"paused for #, #, #, #, #, then # s": outage.PAUSES[1:],
    r"again after #, #, #, then # s": saver.RETRY_DELAYS,
}
"""Sentences with the numbers that belong to their `#`."""


def find(statement: str, texts: dict[str, str]) -> Iterator[tuple[str, tuple[float, ...]]]:
    """Yield the places of a statement, and its numbers."""
    pattern = re.compile(statement.replace(" ", r"\s+").replace("#", r"(\d[\d,]*(?:\.\d+)?)"), re.IGNORECASE)
    for name, text in texts.items():
        for match in pattern.finditer(text):
            yield (
                f"{name}:{text.count(chr(10), 0, match.start()) + 1}",
                tuple(float(number.replace(",", "")) for number in match.groups()),
            )


@pytest.mark.parametrize("statement", STATEMENTS)
def test_a_number_is_that_of_the_source(statement: str) -> None:
    found = [*find(statement, TEXTS)]
    assert found, f"no page states {statement!r}: change the statement here as on the page"
    for place, numbers in found:
        assert numbers == STATEMENTS[statement], place


def test_a_wrong_number_is_found() -> None:
    texts = {"a.md": "In all, 5 s to read,\n60 s to\nconnect."}
    assert [*find(r"# s to connect", texts)] == [("a.md:2", (60.0,))]
