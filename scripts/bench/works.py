"""What is measured, in which figures, and how good ours must be."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

TITLES = {"v1": "v1", "v2": "v2", "js": "JS", "httpx": "raw httpx", "ours": "ours", "fast": "ours [fast]"}
TIMES = "\N{MULTIPLICATION SIGN}"
GROWING = ("httpx", "ours", "fast")
FLOOR = "floor"
"""The interpreter alone, where that is to be shown."""

UPLOAD = 50_000_000

FIRST = {
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
"""What prints the name of the account as soon as it is there; BASE is the address of the server."""

MODULES = {"httpx": "httpx", "v1": "replicate", "v2": "replicate", "ours": "replicate_ext"}
"""What those who use a client import."""


class Limit(NamedTuple):
    """How good ours must be: at most, or at least, so many times what another one has, or so much by itself."""

    sign: str
    number: float
    of: str = ""

    def __str__(self) -> str:
        return f"{self.sign} {self.number:,.4g}{f' {TIMES} {TITLES[self.of]}' if self.of else ''}"

    def is_met(self, value: float) -> bool:
        """Whether a value, or where there is an `of` the ratio to that, is good enough."""
        return value <= self.number if self.sign == "≤" else value >= self.number


class Figure(NamedTuple):
    """One figure of a work."""

    title: str
    metric: str
    unit: str
    limits: Mapping[str, Limit] = {}
    is_count: bool = False
    """Every round must be good enough, not only the one in the middle."""


class Work(NamedTuple):
    """Something that all clients do."""

    name: str
    title: str
    figures: tuple[Figure, ...]
    args: tuple[str, ...] = ()
    columns: tuple[str, ...] = tuple(TITLES)
    rounds: int = 99
    """How many rounds are enough, where each takes long."""

    @property
    def key(self) -> str:
        """What the results are stored under: the name, and how many or how much."""
        return " ".join((self.name, *(arg for arg in self.args if "/" not in arg)))


def _ours(sign: str, number: float, of: str = "") -> dict[str, Limit]:
    return dict.fromkeys(("ours", "fast"), Limit(sign, number, of))


def works(quick: bool, folder: str) -> list[Work]:
    """Return all of them; `folder` is where files may be."""
    ideal, models = (1, 2_000) if quick else (7, 20_000)
    lengths = ("0.05", "0.7", "3")

    def over(most: float | None) -> tuple[Figure, ...]:
        return tuple(
            Figure(f"{length} s{when}", f"{metric} {length}", "ms", _ours("≤", most) if most else {})
            for metric, when in (("over_ms", ""), ("first_ms", ", first run"))
            for length in lengths
        )

    requests = tuple(
        Figure(f"{length} s, requests", f"requests {length}", "", _ours("≤", 1, "v1")) for length in lengths
    )
    ten_mb = Figure("memory", "rss_mb", "MB", _ours("≤", 10))
    none_failed = Figure("failed", "failed", "", _ours("≤", 0), is_count=True)
    all_right = Figure("right, of 18 odd ones", "right", "", _ours("≥", 18), is_count=True)
    return [
        Work("import", "`import`, the whole process", (Figure("", "ms", "ms", _ours("≤", 0.25, "v1")),)),
        Work("first", "process start to first response", (Figure("", "ms", "ms", _ours("≤", 1.2, "httpx")),)),
        Work("first-tls", "the same, over TLS", (Figure("", "ms", "ms", _ours("≤", 1.2, "httpx")),)),
        Work("get", "GET, one after another", (Figure("", "per_item_us", "µs", _ours("≤", 0.9, "httpx")),)),
        Work(
            "aget",
            "async GET, 50 at once, each",
            (
                Figure(
                    "",
                    "per_item_us",
                    "µs",
                    {"ours": Limit("≤", 0.85, "httpx"), "fast": Limit("≤", 0.2, "httpx")},
                ),
            ),
        ),
        Work(
            "runs",
            "1,000 async runs of a 0.2 s model",
            (
                Figure("", "seconds", "s", {"ours": Limit("≤", 3), "fast": Limit("≤", 1.1)}),
                none_failed,
            ),
            ("1000", "0.2"),
        ),
        Work(
            "runs",
            f"200 async runs of a {ideal} s model",
            (Figure("", "seconds", "s", _ours("≤", 1.1 * ideal)), none_failed),
            ("200", str(ideal)),
            rounds=2,
        ),
        Work("poll", "`run`, not held, with a stream: time beyond the model's own", over(20), rounds=3),
        Work(
            "poll-plain",
            "`run`, not held, without a stream: time beyond the model's own",
            (*over(60), *requests),
            rounds=3,
        ),
        Work(
            "poll-varied",
            "the same, where the runs take 0.75 to 1.3 times as long as the model's example",
            (*over(None), *(figure._replace(limits={}) for figure in requests)),
            rounds=2,
        ),
        Work(
            "wait",
            "`run`, held (`Prefer: wait`): time beyond the model's own",
            (Figure("0.05 s", "over_ms 0.05", "ms", _ours("≤", 1.1, "httpx")),),
        ),
        Work(
            "sse",
            "SSE, 50,000 events",
            (
                Figure("CPU each", "cpu_us", "µs", _ours("≤", 1.1, "httpx")),
                all_right,
            ),
        ),
        Work(
            "asse",
            "SSE, 50,000 events, async",
            (
                Figure("CPU each", "cpu_us", "µs", {"fast": Limit("≤", 0.35, "httpx")}),
                all_right,
            ),
        ),
        Work(
            "list",
            f"list {models:,} models",
            (
                Figure(
                    "CPU a page of 100",
                    "page_cpu_ms",
                    "ms",
                    {"ours": Limit("≤", 1.05, "httpx"), "fast": Limit("≤", 0.8, "httpx")},
                ),
                Figure("memory", "rss_mb", "MB"),
            ),
            (str(models),),
            rounds=3,
        ),
        Work(
            "parse",
            "parse a prediction, read every field (raw httpx: `json.loads`)",
            (Figure("", "per_item_us", "µs", _ours("≤", 2.2, "httpx")),),
        ),
        Work(
            "parse-bare",
            "parse a prediction, read none",
            (Figure("", "per_item_us", "µs"),),
            columns=("ours", "fast"),
        ),
        Work(
            "save",
            "256 MB to disk",
            (Figure("", "mb_per_s", "MB/s", _ours("≥", 1, "httpx")), ten_mb),
            (folder,),
        ),
        Work(
            "asave",
            "256 MB to disk, async",
            (Figure("", "mb_per_s", "MB/s", _ours("≥", 1, "httpx")), ten_mb),
            (folder,),
        ),
        Work(
            "read",
            "256 MB into memory, `read()`",
            (Figure("", "mb_per_s", "MB/s"), Figure("memory", "rss_mb", "MB", _ours("≤", 266))),
        ),
        Work(
            "upload",
            "50 MB file as an input",
            (
                Figure("", "ms", "ms", _ours("≤", 1.1, "httpx")),
                Figure("memory", "rss_mb", "MB", _ours("≤", 5)),
            ),
            (f"{folder}/input.bin",),
        ),
        *(
            Work(
                "grow_list",
                f"growth: {count:,} listed models, time each",
                (Figure("", "per_item_us", "µs"), Figure("memory in all", "rss_mb", "MB")),
                (str(count),),
                GROWING,
                2,
            )
            for count in (100, 1_000, 10_000, *(() if quick else (100_000,)))
        ),
        *(
            Work(
                "grow_runs",
                f"growth: {count:,} concurrent runs of a 0.2 s model, time each beyond it",
                (Figure("", "per_item_ms", "ms"), Figure("memory each", "per_item_kb", "kB"), none_failed),
                (str(count),),
                GROWING,
                2,
            )
            for count in (10, 100, 1_000, *(() if quick else (5_000,)))
        ),
    ]
