"""How the numbers of a batch are written in its report and progress."""

from __future__ import annotations

from collections.abc import Mapping


def format_counts(counts: Mapping[str, int]) -> str:
    """Return the counts that are not 0, by name: "9,990 succeeded, 40 failed"."""
    return ", ".join(f"{count:,} {name}" for name, count in counts.items() if count)


def format_duration(seconds: float) -> str:
    """Return a duration in its two largest units: "45 s", "12 min", "3 h 12 min", "2 d 4 h"."""
    if round(seconds) < 60:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 24:
        return f"{hours} h {minutes} min"
    return f"{hours // 24} d {hours % 24} h"


def format_cost(cost: float) -> str:
    """Return a cost, whose currency is that of the price."""
    return f"{cost:,.2f}" if cost >= 1 else f"{cost:.4f}"


def format_size(size: float) -> str:
    """Return a number of bytes: "1.2 GB"."""
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.1f} {unit}" if unit != "B" else f"{size:.0f} B"
        size /= 1000
    return f"{size:,.1f} TB"
