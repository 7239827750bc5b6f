"""A prediction or training as a card."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from .._sansio.job import predict_time
from . import markup

LOG_LINES = 10
"""Lines at the end of the log that are shown."""

MAX_DATA_URIS_SIZE = 7 * 1024**2
"""Characters up to which the data URIs of an output are shown as pictures; 5 MiB in base 64."""

_COLORS = {"succeeded": "#2d8a47", "failed": markup.ERROR_COLOR, "canceled": "#a06f00", "aborted": "#a06f00"}
_PICTURE = re.compile(r"data:image/[\w.+-]+(?:;[\w=.-]+)*,\S*", re.IGNORECASE)


def card(job: Any) -> str:
    """Return the HTML of a prediction or training: status, model, link, times, input, output, error and log."""
    color = _COLORS.get(str(job.status), "#737b84")
    status = f'<b style="color:{color}">{markup.text(job.status)}</b>'
    web = getattr(job.urls, "web", None)
    rows = [*_times(job), *_inputs(job.input), *_results(job)]
    style = "border:1px solid #8885;border-radius:6px;padding:8px 12px;max-width:60em"
    title = f"{status} {markup.text(job.model or '')} {markup.link(web, job.id)}"
    return f'<div style="{style}"><div>{title}</div>{markup.table(rows)}{_log(job.logs)}</div>'


def _times(job: Any) -> list[tuple[str, ...]]:
    moments = {name: getattr(job, f"{name}_at", None) for name in ("created", "started", "completed")}
    rows = [(name, markup.preview(moment)) for name, moment in moments.items() if isinstance(moment, datetime)]
    seconds = predict_time(job)
    return [*rows, *([("predict time", f"{seconds:,.1f} s")] if seconds is not None else [])]


def _inputs(values: object) -> list[tuple[str, ...]]:
    if not isinstance(values, dict):
        return []
    rows = [(f"input {markup.text(key, 60)}", markup.preview(value, name=str(key))) for key, value in values.items()]
    hidden = len(rows) - markup.MAX_ITEMS
    return [*rows[: markup.MAX_ITEMS], *([("input", markup.more(hidden))] if hidden > 0 else [])]


def _results(job: Any) -> list[tuple[str, ...]]:
    rows = [] if job.output is None else [("output", _output(job.output))]
    if getattr(job, "data_removed", None) is True:
        rows.append(("output", "the API has removed input, output and log"))
    return [*rows, *([] if job.error is None else [("error", markup.pre(job.error))])]


def _output(output: Any) -> str:
    items = output if isinstance(output, list) else [output]
    if items and all(isinstance(item, str) and not _is_url(item) for item in items):
        return markup.pre("".join(items))
    shown = items[: markup.MAX_ITEMS]
    embeds = sum(len(item) for item in shown if isinstance(item, str)) <= MAX_DATA_URIS_SIZE
    return "".join(_item(item, embeds) for item in shown) + markup.more(len(items) - len(shown))


def _item(item: Any, embeds: bool) -> str:
    if not isinstance(item, str):
        return f"<div>{markup.preview(item, 1000)}</div>"
    if embeds and _PICTURE.fullmatch(item):
        return f'<img src="{markup.escape(item)}" style="max-width:100%;max-height:16em">'
    return f"<div>{markup.link(item, markup.conceal(item))}</div>"


def _is_url(value: str) -> bool:
    return re.match(r"(?:https?://|data:)\S+$", value, re.IGNORECASE) is not None


def _log(logs: object) -> str:
    lines = logs.splitlines() if isinstance(logs, str) else []
    if not lines:
        return ""
    title = "log" if len(lines) <= LOG_LINES else f"log, last {LOG_LINES} of {len(lines):,} lines"
    return f"<details><summary>{title}</summary>{markup.pre(chr(10).join(lines[-LOG_LINES:]), 5000)}</details>"
