"""A stream as an output that grows."""

from __future__ import annotations

import time
from contextlib import closing
from importlib import import_module
from typing import Any

from . import markup
from .ipython import is_notebook
from .outputs import Outputs

MIN_UPDATE_INTERVAL = 0.1
"""Seconds between two updates of a display."""


class LiveDisplay:
    """An output of a cell that is replaced as it grows, at most ten times a second."""

    def __init__(self) -> None:
        display: Any = import_module("IPython.display").display  # loaded already: this runs in a notebook
        self._handle = display({"text/plain": ""}, raw=True, display_id=True)
        self._updated_at = -MIN_UPDATE_INTERVAL

    def update(self, items: Outputs, error: str = "", *, is_last: bool = False) -> None:
        """Show the items so far, unless they were updated a moment ago."""
        now = time.monotonic()
        if not is_last and now - self._updated_at < MIN_UPDATE_INTERVAL:
            return
        html = items._repr_html_() if items else ""
        if error:
            html += f'<div style="color:{markup.ERROR_COLOR}">{markup.pre(error, 500)}</div>'
        text = "\n".join(filter(None, [str(items), error]))
        self._handle.update({"text/html": html, "text/plain": text}, raw=True)
        self._updated_at = time.monotonic()


def show(stream: Any) -> None:
    """Iterate a stream and show its output as it arrives; of one that has begun, show the output so far.

    Raises:
        NotImplementedError: Nothing can be updated here, so that IPython shows the repr.
    """
    if not is_notebook():
        raise NotImplementedError
    live = LiveDisplay()
    items, error = Outputs(stream._outputs()), ""
    try:
        if not stream._has_started:
            with closing(iter(stream)) as events:
                for event in events:
                    if event.event == "output":
                        items.append(event.data)
                        live.update(items)
    except Exception as failure:  # a traceback of many lines would hide the text
        error = f"{type(failure).__name__}: {failure}"
    finally:
        live.update(items, error, is_last=True)
