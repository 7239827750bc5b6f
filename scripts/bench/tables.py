"""The results as Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from statistics import median
from typing import Any

from bench.works import FLOOR, GROWING, TIMES, TITLES, Figure, Limit, Work

Results = Mapping[str, Mapping[str, list[dict[str, Any]]]]
"""By work and client: what came of each round."""

DETAILS = {
    "cpu": "CPU s",
    "cpu_us": "CPU µs each",
    "page_ms": "ms a page",
    "base_mb": "MB before",
    "rss_mb": "MB more",
    "requests": "requests",
    "requests 0.05": "requests, 0.05 s",
    "requests 0.7": "requests, 0.7 s",
    "requests 3": "requests, 3 s",
    "first_ms 0.05": "first, 0.05 s, ms",
    "cpu_ms 0.05": "CPU ms, 0.05 s",
    "cpu_ms 0.7": "CPU ms, 0.7 s",
    "cpu_ms 3": "CPU ms, 3 s",
    "connections": "new connections",
    "failure": "failure",
    "modules": "modules",
    "loads": "of httpx, ssl, asyncio, attr, pydantic",
}
"""What else a table of a work shows, where the clients say it."""


def number(value: Any) -> str:
    """Return a number with three digits that count."""
    if not isinstance(value, int | float):
        return str(value)
    if abs(value) >= 100 or value == int(value):
        return f"{value:,.0f}"
    return f"{value:#.3g}" if abs(value) >= 1 else f"{value:.2g}"


def values(results: Results, work: Work, client: str, metric: str) -> list[float]:
    """Return a figure of each round that has it."""
    return [found[metric] for found in results.get(work.key, {}).get(client, []) if metric in found]


def ratio(results: Results, work: Work, client: str, of: str, metric: str) -> float | None:
    """Return the median ratio of two clients in the same round."""
    rounds = zip(results[work.key].get(client, []), results[work.key].get(of, []), strict=False)
    ratios = [one[metric] / two[metric] for one, two in rounds if metric in one and two.get(metric)]
    return median(ratios) if ratios else None


def is_met(results: Results, work: Work, figure: Figure, client: str, limit: Limit) -> bool | None:
    """Whether a target is met, None where it was not measured; where something crashed it is not met."""
    rounds = results.get(work.key, {}).get(client, [])
    if not rounds:
        return None
    if any("unable" in found for found in rounds):
        return False
    found = values(results, work, client, figure.metric)
    if figure.is_count and found:
        return all(map(limit.is_met, found))
    value = ratio(results, work, client, limit.of, figure.metric) if limit.of else median(found) if found else None
    return value is not None and limit.is_met(value)


class Notes(list[str]):
    """The reasons why cells are empty, numbered."""

    def of(self, text: str) -> str:
        """Return the mark that refers to a reason."""
        if text not in self:
            self.append(text)
        return f"[{self.index(text) + 1}]"

    def __str__(self) -> str:
        return "\n".join(f"[{index}] {text}  " for index, text in enumerate(self, 1))


def overall(works: Iterable[Work], results: Results) -> str:
    """Return the table of all figures, with the targets."""
    notes, lines = Notes(), []
    for work in (work for work in works if work.key in results and work.columns != GROWING):
        for figure in work.figures:
            cells = [_cell(results, work, figure, client, notes) for client in TITLES]
            title = ", ".join(filter(None, (work.title, figure.title)))
            target, met = _targets(results, work, figure)
            lines.append(f"| {title} | {' | '.join(cells)} | {target} | {met} |")
    heads = ["work", *TITLES.values(), "target", "met"]
    return f"{_head(heads)}\n" + "\n".join(lines) + (f"\n\n{notes}" if notes else "")


def _targets(results: Results, work: Work, figure: Figure) -> tuple[str, str]:
    texts = {client: str(limit) for client, limit in figure.limits.items()}
    says = {True: "met", False: "**not met**", None: "-"}
    met = [says[is_met(results, work, figure, client, limit)] for client, limit in figure.limits.items()]
    if len({*texts.values()}) > 1:
        target = ", ".join(f"{TITLES[client]} {text}" for client, text in texts.items())
    else:
        target = "".join({*texts.values()})
    return target, " / ".join(met if len({*met}) > 1 else met[:1])


def _cell(results: Results, work: Work, figure: Figure, client: str, notes: Notes) -> str:
    found = values(results, work, client, figure.metric)
    rounds = results[work.key].get(client, [])
    reasons = [one["unable"] for one in rounds if "unable" in one]
    often = f" (in {len(reasons)} of {len(rounds)} rounds)" if found else ""
    note = f" {notes.of(f'{TITLES[client]}: {reasons[0]}{often}')}" if reasons else ""
    if not found:
        return f"-{note}"
    text = f"{number(median(found))} {figure.unit}".strip()
    times = ratio(results, work, client, "httpx", figure.metric)
    return (f"{text} ({times:.2f}{TIMES})" if times is not None and figure.unit not in ("", "MB") else text) + note


def targets(works: Iterable[Work], results: Results) -> list[dict[str, Any]]:
    """Return every target, and whether it is met."""
    return [
        {
            "work": ", ".join(filter(None, (work.title, figure.title))),
            "client": client,
            "target": str(limit),
            "met": is_met(results, work, figure, client, limit),
        }
        for work in works
        for figure in work.figures
        for client, limit in figure.limits.items()
    ]


def details(works: Iterable[Work], results: Results) -> str:
    """Return a table for each work: median and range of each figure, and what else was seen."""
    return "\n\n".join(_detail(work, results) for work in works if work.key in results)


def _detail(work: Work, results: Results) -> str:
    shown = {figure.metric for figure in work.figures}
    rounds = [found for clients in results[work.key].values() for found in clients]
    more = [name for name in DETAILS if name not in shown and any(name in found for found in rounds)]
    figures = [" ".join(filter(None, (figure.title, figure.unit))) for figure in work.figures]
    lines = []
    for client in (FLOOR, *TITLES):
        if not any("unable" not in found for found in results[work.key].get(client, [])):
            continue
        cells = [_spread(values(results, work, client, figure.metric)) for figure in work.figures]
        times = ratio(results, work, client, "httpx", work.figures[0].metric)
        cells.append("" if times is None else f"{times:.2f}")
        cells += [_middle(values(results, work, client, name)) for name in more]
        lines.append(f"| {TITLES.get(client, 'interpreter alone')} | {' | '.join(cells)} |")
    head = _head(["client", *figures, f"{TIMES} httpx", *(DETAILS[name] for name in more)])
    return f"### {work.title}\n\n{head}\n" + "\n".join(lines)


def _head(names: list[str]) -> str:
    return f"| {' | '.join(names)} |\n|{'---|' * len(names)}"


def _spread(found: list[float]) -> str:
    if not found:
        return ""
    low, middle, high = number(min(found)), number(median(found)), number(max(found))
    return middle if low == high else f"{middle} ({low} to {high})"


def _middle(found: list[Any]) -> str:
    return "" if not found else number(median(found)) if isinstance(found[0], int | float) else str(found[0])
