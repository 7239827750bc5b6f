"""Plot how cost grows with the number of items, as an SVG for light and dark backgrounds."""

from __future__ import annotations

import math
from collections.abc import Iterable
from html import escape
from statistics import median

from .tables import Results, format_number, values
from .workloads import SCALING_CLIENTS, TITLES, Workload

COLORS = {"httpx": "#8b949e", "ours": "#3b82f6", "fast": "#e8710a"}
PANELS = (
    ("grow_list", "per_item_us", "list: time per model, µs"),
    ("grow_list", "rss_mb", "list: total memory, MB"),
    ("grow_runs", "per_item_ms", "concurrent runs: overhead per run, ms"),
    ("grow_runs", "per_item_kb", "concurrent runs: memory per run, kB"),
)
WIDTH, HEIGHT, MARGIN = 330, 200, 44
Line = list[tuple[float, float]]


def plot(workloads: Iterable[Workload], results: Results) -> str | None:
    """Return the plot, or None if none of its workloads was measured."""
    measured = [workload for workload in workloads if workload.key in results]
    parts = []
    for index, (name, metric, title) in enumerate(PANELS):
        lines = {
            client: _line([workload for workload in measured if workload.name == name], results, client, metric)
            for client in SCALING_CLIENTS
        }
        if any(lines.values()):
            parts.append(_panel(index % 2 * WIDTH, index // 2 * HEIGHT + 24, title, lines))
    if not parts:
        return None
    legend = "".join(
        f'<line x1="{MARGIN + 110 * index}" x2="{MARGIN + 18 + 110 * index}" y1="14" y2="14" stroke="{color}" '
        f'stroke-width="2"/><text x="{MARGIN + 24 + 110 * index}" y="18">{escape(TITLES[client])}</text>'
        for index, (client, color) in enumerate(COLORS.items())
    )
    size = f'width="{2 * WIDTH}" height="{2 * HEIGHT + 30}" viewBox="0 0 {2 * WIDTH} {2 * HEIGHT + 30}"'
    style = 'font-family="system-ui, sans-serif" font-size="11" fill="#7d8590"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size} {style}>\n{legend}\n' + "\n".join(parts) + "\n</svg>\n"


def _line(workloads: list[Workload], results: Results, client: str, metric: str) -> Line:
    points = ((float(workload.args[0]), values(results, workload, client, metric)) for workload in workloads)
    return [(count, max(median(rounds), 1e-3)) for count, rounds in points if rounds]


def _panel(left: float, top: float, title: str, lines: dict[str, Line]) -> str:
    """Return one panel, with logarithmic axes."""
    xs = [x for line in lines.values() for x, _ in line]
    ys = [y for line in lines.values() for _, y in line]
    low, high = math.floor(math.log10(min(ys))), math.ceil(math.log10(max(ys)) + 1e-9)
    low, high = (low, high) if high > low else (low, low + 1)
    start, end = math.log10(min(xs)), max(math.log10(max(xs)), math.log10(min(xs)) + 1)
    x0, x1, y0, y1 = left + MARGIN, left + WIDTH - 28, top + HEIGHT - 32, top + 26

    def x(value: float) -> float:
        return x0 + (math.log10(value) - start) / (end - start) * (x1 - x0)

    def y(value: float) -> float:
        return y0 - (math.log10(value) - low) / (high - low) * (y0 - y1)

    out = [f'<text x="{x0}" y="{top + 14}" font-weight="600">{escape(title)}</text>']
    for power in range(low, high + 1):
        height = y(10.0**power)
        out.append(
            f'<line x1="{x0}" x2="{x1}" y1="{height:.1f}" y2="{height:.1f}" stroke="#7d8590" stroke-opacity=".3"/>'
        )
        out.append(f'<text x="{x0 - 6}" y="{height + 4:.1f}" text-anchor="end">{format_number(10.0**power)}</text>')
    out += [
        f'<text x="{x(value):.1f}" y="{y0 + 16}" text-anchor="middle">{value:,.0f}</text>' for value in sorted({*xs})
    ]
    for client, line in lines.items():
        points = " ".join(f"{x(count):.1f},{y(value):.1f}" for count, value in line)
        out.append(f'<polyline points="{points}" fill="none" stroke="{COLORS[client]}" stroke-width="2"/>')
        out += [
            f'<circle cx="{x(count):.1f}" cy="{y(value):.1f}" r="2.5" fill="{COLORS[client]}">'
            f"<title>{escape(TITLES[client])}, {count:,.0f}: {format_number(value)}</title></circle>"
            for count, value in line
        ]
    return "\n".join(out)
