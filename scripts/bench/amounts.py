"""How much each workload does. `js.mjs` gets the same amounts as JSON."""

from __future__ import annotations

CALLS = 2_000
PARSES = 20_000
CONCURRENCY, CALLS_PER_TASK = 50, 30
EVENTS = 50_000
DOWNLOAD_SIZE = 256_000_000
"""Bytes."""

UPLOADS = 5
RUNS_BY_DURATION = {"0.05": 5, "0.7": 4, "3": 3}
"""The number of runs by the duration of the model in seconds. The first run is reported separately, since a client may
learn from it."""

HELD_RUNS_BY_DURATION = {"0.05": 40}
DURATION_FACTORS = (0.75, 1.2, 0.9, 1.3, 0.8)
"""The durations of consecutive runs, relative to that of the model, in the workload with varying durations."""

AMOUNTS = {name: value for name, value in vars().items() if name.isupper()}
