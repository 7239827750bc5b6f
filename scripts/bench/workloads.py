"""The workloads, the figures of each, and the targets of our client."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

TITLES = {"v1": "v1", "v2": "v2", "js": "JS", "httpx": "raw httpx", "ours": "ours", "fast": "ours [fast]"}
TIMES = "\N{MULTIPLICATION SIGN}"
SCALING_CLIENTS = ("httpx", "ours", "fast")
BATCH_CLIENTS = ("v1", "httpx", "ours", "fast")
BASELINE = "interpreter"
"""The interpreter without any client, in the workload `import`."""

UPLOAD_SIZE = 50_000_000
"""Bytes."""

FIRST_CALL = {
    "httpx": "import httpx; print(httpx.Client().get(f'{BASE}/v1/account').json()['username'], flush=True)",
    "v1": "from replicate.client import Client; "
    "print(Client('r8_bench', base_url=BASE).accounts.current().username, flush=True)",
    "v2": "from replicate import Replicate; "
    "print(Replicate(bearer_token='r8_bench', base_url=f'{BASE}/v1').account.get().username, flush=True)",
    "ours": "from replicate_ext import Replicate; "
    "print(Replicate('r8_bench', base_url=BASE).account.get().username, flush=True)",
    "js": "const Replicate = require('replicate'); "
    "new Replicate({auth: 'r8_bench', baseUrl: `${BASE}/v1`}).accounts.current().then((a) => console.log(a.username))",
}
"""Programs that print the user name of the account as soon as they have it. BASE is the URL of the server."""

MODULES = {"httpx": "httpx", "v1": "replicate", "v2": "replicate", "ours": "replicate_ext"}
"""The module that users of a client import."""


class Target(NamedTuple):
    """A bound on a figure, either absolute or relative to the figure of another client."""

    sign: str
    number: float
    relative_to: str = ""

    def __str__(self) -> str:
        return f"{self.sign} {self.number:,.4g}{f' {TIMES} {TITLES[self.relative_to]}' if self.relative_to else ''}"

    def is_met(self, value: float) -> bool:
        """Whether a value meets the target. For a relative target, pass the ratio."""
        return value <= self.number if self.sign == "≤" else value >= self.number


class Figure(NamedTuple):
    """One figure of a workload."""

    title: str
    metric: str
    unit: str
    targets: Mapping[str, Target] = {}
    is_count: bool = False
    """Every round must meet the target, not only the median."""


class Workload(NamedTuple):
    """One workload, which every client runs."""

    name: str
    title: str
    figures: tuple[Figure, ...]
    args: tuple[str, ...] = ()
    clients: tuple[str, ...] = tuple(TITLES)
    max_rounds: int = 99
    """Slow workloads run in fewer rounds."""

    @property
    def key(self) -> str:
        """The key of the results: the name and the amounts."""
        return " ".join((self.name, *(arg for arg in self.args if "/" not in arg)))


def _targets(sign: str, number: float, relative_to: str = "") -> dict[str, Target]:
    """Return the same target for our client with and without the extra `fast`."""
    return dict.fromkeys(("ours", "fast"), Target(sign, number, relative_to))


def workloads(quick: bool, folder: str) -> list[Workload]:
    """Return all workloads; `folder` is for their files."""
    duration, models = (1, 2_000) if quick else (7, 20_000)
    durations = ("0.05", "0.7", "3")

    def overhead_figures(limit: float | None) -> tuple[Figure, ...]:
        return tuple(
            Figure(f"{seconds} s{when}", f"{metric} {seconds}", "ms", _targets("≤", limit) if limit else {})
            for metric, when in (("overhead_ms", ""), ("first_overhead_ms", ", first run"))
            for seconds in durations
        )

    requests = tuple(
        Figure(f"{seconds} s, requests", f"requests {seconds}", "", _targets("≤", 1, "v1")) for seconds in durations
    )
    at_most_10_mb = Figure("memory", "rss_mb", "MB", _targets("≤", 10))
    none_failed = Figure("failed", "failed", "", _targets("≤", 0), is_count=True)
    all_correct = Figure("decoded correctly, of 18 edge cases", "correct", "", _targets("≥", 18), is_count=True)
    return [
        Workload("import", "`import`, the whole process", (Figure("", "ms", "ms", _targets("≤", 0.25, "v1")),)),
        Workload("first", "process start to first response", (Figure("", "ms", "ms", _targets("≤", 1.2, "httpx")),)),
        Workload("first-tls", "the same, over TLS", (Figure("", "ms", "ms", _targets("≤", 1.2, "httpx")),)),
        Workload("get", "sequential GETs", (Figure("", "per_item_us", "µs", _targets("≤", 0.9, "httpx")),)),
        Workload(
            "aget",
            "concurrent async GETs (50), each",
            (
                Figure(
                    "",
                    "per_item_us",
                    "µs",
                    {"ours": Target("≤", 0.85, "httpx"), "fast": Target("≤", 0.2, "httpx")},
                ),
            ),
        ),
        Workload(
            "runs",
            "1,000 async runs of a 0.2 s model",
            (
                Figure("", "seconds", "s", {"ours": Target("≤", 3), "fast": Target("≤", 1.1)}),
                none_failed,
            ),
            ("1000", "0.2"),
        ),
        Workload(
            "runs",
            f"200 async runs of a {duration} s model",
            (Figure("", "seconds", "s", _targets("≤", 1.1 * duration)), none_failed),
            ("200", str(duration)),
            max_rounds=2,
        ),
        Workload("poll", "`run`, not held, with a stream: overhead", overhead_figures(20), max_rounds=3),
        Workload(
            "poll-plain",
            "`run`, not held, without a stream: overhead",
            (*overhead_figures(60), *requests),
            max_rounds=3,
        ),
        Workload(
            "poll-varied",
            "the same, if runs take 0.75 to 1.3 times as long as the model's example",
            (*overhead_figures(None), *(figure._replace(targets={}) for figure in requests)),
            max_rounds=2,
        ),
        Workload(
            "wait",
            "`run`, held (`Prefer: wait`): overhead",
            (Figure("0.05 s", "overhead_ms 0.05", "ms", _targets("≤", 1.1, "httpx")),),
        ),
        Workload(
            "sse",
            "SSE, 50,000 events",
            (
                Figure("CPU per event", "cpu_us", "µs", _targets("≤", 1.1, "httpx")),
                all_correct,
            ),
        ),
        Workload(
            "asse",
            "SSE, 50,000 events, async",
            (
                Figure("CPU per event", "cpu_us", "µs", {"fast": Target("≤", 0.35, "httpx")}),
                all_correct,
            ),
        ),
        Workload(
            "list",
            f"list {models:,} models",
            (
                Figure(
                    "CPU per page of 100",
                    "page_cpu_ms",
                    "ms",
                    {"ours": Target("≤", 1.05, "httpx"), "fast": Target("≤", 0.8, "httpx")},
                ),
                Figure("memory", "rss_mb", "MB"),
            ),
            (str(models),),
            max_rounds=3,
        ),
        Workload(
            "parse",
            "parse a prediction, read every field (raw httpx: `json.loads`)",
            (Figure("", "per_item_us", "µs", _targets("≤", 2.2, "httpx")),),
        ),
        Workload(
            "parse-bare",
            "parse a prediction, read no field",
            (Figure("", "per_item_us", "µs"),),
            clients=("ours", "fast"),
        ),
        Workload(
            "save",
            "256 MB to disk",
            (Figure("", "mb_per_s", "MB/s", _targets("≥", 1, "httpx")), at_most_10_mb),
            (folder,),
        ),
        Workload(
            "asave",
            "256 MB to disk, async",
            (Figure("", "mb_per_s", "MB/s", _targets("≥", 1, "httpx")), at_most_10_mb),
            (folder,),
        ),
        Workload(
            "read",
            "256 MB into memory, `read()`",
            (Figure("", "mb_per_s", "MB/s"), Figure("memory", "rss_mb", "MB", _targets("≤", 266))),
        ),
        Workload(
            "upload",
            "50 MB file as an input",
            (
                Figure("", "ms", "ms", _targets("≤", 1.1, "httpx")),
                Figure("memory", "rss_mb", "MB", _targets("≤", 5)),
            ),
            (f"{folder}/input.bin",),
        ),
        *_batch_workloads(quick, folder),
        *(
            Workload(
                "grow_list",
                f"growth: {count:,} listed models, time per model",
                (Figure("", "per_item_us", "µs"), Figure("total memory", "rss_mb", "MB")),
                (str(count),),
                SCALING_CLIENTS,
                2,
            )
            for count in (100, 1_000, 10_000, *(() if quick else (100_000,)))
        ),
        *(
            Workload(
                "grow_runs",
                f"growth: {count:,} concurrent runs of a 0.2 s model, overhead per run",
                (Figure("", "per_item_ms", "ms"), Figure("memory per run", "per_item_kb", "kB"), none_failed),
                (str(count),),
                SCALING_CLIENTS,
                2,
            )
            for count in (10, 100, 1_000, *(() if quick else (5_000,)))
        ),
    ]


def _batch_workloads(quick: bool, folder: str) -> list[Workload]:
    """Return the workloads of `map`; raw httpx and v1 run batches that are written by hand (`by_hand.py`)."""
    short, long, seconds, hold = (1_000, 200, 2.5, 0.6) if quick else (10_000, 1_000, 25, 6)
    enrolled = 100_000 if quick else 1_000_000

    def figures(max_requests: float) -> tuple[Figure, ...]:
        return (
            Figure("CPU per row", "cpu_ms_per_row", "ms", _targets("≤", 1)),
            Figure("API requests per row", "api_requests_per_row", "", _targets("≤", max_requests)),
            Figure("memory", "rss_mb", "MB"),
            Figure("failed", "failed", "", _targets("≤", 0), is_count=True),
        )

    return [
        Workload(
            "map",
            f"`map`, {short:,} rows of a 0.2 s model, 100 at a time",
            figures(1.3),
            (folder, str(short), "0.2", "100", "60"),
            BATCH_CLIENTS,
            2,
        ),
        Workload(
            "map",
            f"`map`, {long:,} rows of a {seconds} s model, all at a time, held for {hold} s",
            figures(2.2),
            (folder, str(long), str(seconds), str(long), str(hold)),
            BATCH_CLIENTS,
            1,
        ),
        Workload(
            "map-resume",
            f"`map`, {enrolled:,} rows",
            (
                Figure("memory", "rss_mb", "MB", _targets("≤", 150)),
                Figure("resumed after 100 rows, until 100 more are done", "resume_seconds", "s", _targets("≤", 5)),
                Figure("resumed before the last 100 rows, until they are done", "end_seconds", "s", _targets("≤", 5)),
            ),
            (folder, str(enrolled)),
            BATCH_CLIENTS,
            1,
        ),
    ]
