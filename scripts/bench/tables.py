"""Format the results as Markdown tables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from statistics import median
from typing import Any

from .workloads import BASELINE, SCALING_CLIENTS, TIMES, TITLES, Figure, Target, Workload

Results = Mapping[str, Mapping[str, list[dict[str, Any]]]]
"""The results of each round, by workload and client."""

DETAILS = {
    "cpu": "CPU s",
    "cpu_us": "CPU µs per item",
    "page_ms": "ms per page",
    "base_mb": "MB before",
    "rss_mb": "MB added",
    "requests": "requests",
    "requests 0.05": "requests, 0.05 s",
    "requests 0.7": "requests, 0.7 s",
    "requests 3": "requests, 3 s",
    "first_overhead_ms 0.05": "first run, 0.05 s, ms",
    "cpu_ms 0.05": "CPU ms, 0.05 s",
    "cpu_ms 0.7": "CPU ms, 0.7 s",
    "cpu_ms 3": "CPU ms, 3 s",
    "connections": "new connections",
    "creates_per_row": "creates per row",
    "polls_per_row": "polls per row",
    "lists_per_row": "pages of the list per row",
    "batch_seconds": "s",
    "server_cpu_ms_per_row": "CPU of the server per row, ms",
    "start_seconds": "s until the first 100 rows are done",
    "resume_rss_mb": "MB, resumed after 100 rows",
    "end_rss_mb": "MB, resumed before the last 100 rows",
    "failure": "failure",
    "modules": "modules",
    "loads": "loaded of httpx, ssl, asyncio, attr, pydantic",
}
"""The titles of further metrics, shown in the tables of the workloads that have them."""


def format_number(value: Any) -> str:
    """Format a number with three significant digits."""
    if not isinstance(value, int | float):
        return str(value)
    if abs(value) >= 100 or value == int(value):
        return f"{value:,.0f}"
    return f"{value:#.3g}" if abs(value) >= 1 else f"{value:.2g}"


def values(results: Results, workload: Workload, client: str, metric: str) -> list[float]:
    """Return a metric from each round that has it."""
    return [result[metric] for result in results.get(workload.key, {}).get(client, []) if metric in result]


def ratio(results: Results, workload: Workload, client: str, other: str, metric: str) -> float | None:
    """Return the median of the ratios of two clients in the same round."""
    rounds = zip(results[workload.key].get(client, []), results[workload.key].get(other, []), strict=False)
    ratios = [one[metric] / two[metric] for one, two in rounds if metric in one and two.get(metric)]
    return median(ratios) if ratios else None


def is_met(results: Results, workload: Workload, figure: Figure, client: str, target: Target) -> bool | None:
    """Whether a target is met; None if it was not measured, False if a round failed."""
    rounds = results.get(workload.key, {}).get(client, [])
    if not rounds:
        return None
    if any("error" in result for result in rounds):
        return False
    measured = values(results, workload, client, figure.metric)
    if figure.is_count and measured:
        return all(map(target.is_met, measured))
    if target.relative_to:
        value = ratio(results, workload, client, target.relative_to, figure.metric)
    else:
        value = median(measured) if measured else None
    return value is not None and target.is_met(value)


class Notes(list[str]):
    """The numbered reasons why cells are empty."""

    def reference(self, text: str) -> str:
        """Return the mark that refers to a note, which is added if it is new."""
        if text not in self:
            self.append(text)
        return f"[{self.index(text) + 1}]"

    def __str__(self) -> str:
        return "\n".join(f"[{index}] {text}  " for index, text in enumerate(self, 1))


def summary(workloads: Iterable[Workload], results: Results) -> str:
    """Return one table of all figures and targets."""
    notes, lines = Notes(), []
    for workload in (
        workload for workload in workloads if workload.key in results and workload.clients != SCALING_CLIENTS
    ):
        for figure in workload.figures:
            cells = [_cell(results, workload, figure, client, notes) for client in TITLES]
            title = ", ".join(filter(None, (workload.title, figure.title)))
            target, met = _targets(results, workload, figure)
            lines.append(f"| {title} | {' | '.join(cells)} | {target} | {met} |")
    heads = ["workload", *TITLES.values(), "target", "met"]
    return f"{_table_head(heads)}\n" + "\n".join(lines) + (f"\n\n{notes}" if notes else "")


def _targets(results: Results, workload: Workload, figure: Figure) -> tuple[str, str]:
    texts = {client: str(target) for client, target in figure.targets.items()}
    labels = {True: "met", False: "**not met**", None: "-"}
    met = [labels[is_met(results, workload, figure, client, target)] for client, target in figure.targets.items()]
    if len({*texts.values()}) > 1:
        title = ", ".join(f"{TITLES[client]} {text}" for client, text in texts.items())
    else:
        title = "".join({*texts.values()})
    return title, " / ".join(met if len({*met}) > 1 else met[:1])


def _cell(results: Results, workload: Workload, figure: Figure, client: str, notes: Notes) -> str:
    measured = values(results, workload, client, figure.metric)
    rounds = results[workload.key].get(client, [])
    errors = [one["error"] for one in rounds if "error" in one]
    frequency = f" (in {len(errors)} of {len(rounds)} rounds)" if measured else ""
    note = f" {notes.reference(f'{TITLES[client]}: {errors[0]}{frequency}')}" if errors else ""
    if not measured:
        return f"-{note}"
    text = f"{format_number(median(measured))} {figure.unit}".strip()
    times = ratio(results, workload, client, "httpx", figure.metric)
    return (f"{text} ({times:.2f}{TIMES})" if times is not None and figure.unit not in ("", "MB") else text) + note


def check_targets(workloads: Iterable[Workload], results: Results) -> list[dict[str, Any]]:
    """Return all targets and whether each is met."""
    return [
        {
            "workload": ", ".join(filter(None, (workload.title, figure.title))),
            "client": client,
            "target": str(target),
            "met": is_met(results, workload, figure, client, target),
        }
        for workload in workloads
        for figure in workload.figures
        for client, target in figure.targets.items()
    ]


def details(workloads: Iterable[Workload], results: Results) -> str:
    """Return a table for each workload: median and range of each figure, and further metrics."""
    return "\n\n".join(_detail(workload, results) for workload in workloads if workload.key in results)


def _detail(workload: Workload, results: Results) -> str:
    shown = {figure.metric for figure in workload.figures}
    rounds = [result for clients in results[workload.key].values() for result in clients]
    further = [name for name in DETAILS if name not in shown and any(name in result for result in rounds)]
    figures = [" ".join(filter(None, (figure.title, figure.unit))) for figure in workload.figures]
    lines = []
    for client in (BASELINE, *TITLES):
        if not any("error" not in result for result in results[workload.key].get(client, [])):
            continue
        cells = [_median_and_range(values(results, workload, client, figure.metric)) for figure in workload.figures]
        times = ratio(results, workload, client, "httpx", workload.figures[0].metric)
        cells.append("" if times is None else f"{times:.2f}")
        cells += [_median(values(results, workload, client, name)) for name in further]
        lines.append(f"| {TITLES.get(client, 'interpreter only')} | {' | '.join(cells)} |")
    head = _table_head(["client", *figures, f"{TIMES} httpx", *(DETAILS[name] for name in further)])
    return f"### {workload.title}\n\n{head}\n" + "\n".join(lines)


def _table_head(names: list[str]) -> str:
    return f"| {' | '.join(names)} |\n|{'---|' * len(names)}"


def _median_and_range(measured: list[float]) -> str:
    if not measured:
        return ""
    low, middle, high = format_number(min(measured)), format_number(median(measured)), format_number(max(measured))
    return middle if low == high else f"{middle} ({low} to {high})"


def _median(measured: list[Any]) -> str:
    if not measured:
        return ""
    return format_number(median(measured)) if isinstance(measured[0], int | float) else str(measured[0])
