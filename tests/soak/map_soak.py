"""Run batches whose processes are killed, and compare them with the predictions of the server: `make soak-map`."""

from __future__ import annotations

import argparse
import json
import random
import signal
import sys
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from map_inputs import make_rows
from map_judge import Figures, Judge, list_predictions
from map_processes import Server, Worker, open_intents

KILLED = -signal.SIGKILL
"""The status of a process that was killed."""

MAX_PROBLEMS = 30
"""Problems of a soak that are printed."""

FIGURES = [
    "inputs",
    "kills",
    "worker kills",
    "foreign",
    "predictions",
    "succeeded",
    "failed",
    "twice",
    "never",
    "files",
    "wrong files",
    "wrong entries",
    "uncertain",
    "lost creates",
    "adopted",
    "retried",
    "acknowledged",
    "requests",
    "throttled",
]


@dataclass
class Plan:
    """One soak; the batch and the kills depend on the seed alone."""

    inputs: int = 10_000
    kills: int = 24
    seed: int = 0
    chaos: float = 0.05
    """Probability that a request fails."""
    scale: float = 10.0
    """How many times the rate limits are the real ones."""
    settle: float = 2.0
    """Seconds before lost creates are searched for."""
    max_seconds: float = 2.0
    """The longest prediction."""
    concurrency: int = 100
    minutes: float = 20.0
    """Time after which the soak has failed."""
    is_calm: bool = False
    """Whether a worker starts only when the server has processed the requests of the one before."""
    dask: float | None = None
    """Seconds after which a worker of the engine is killed, again and again; None for no engine."""
    worker: str = "map_worker.py"


@dataclass
class Kill:
    """A moment at which the process of the batch is killed."""

    purchases: int | None
    """How many predictions there are by then; None for soon after its start."""
    delay: float
    """Seconds after that moment."""
    outage: str | None = None
    """What the server is at that moment: `paused` or `disconnected`."""


def schedule(plan: Plan, random_: random.Random) -> list[Kill]:
    """Return the kills of a plan: a third of them soon after another one, half of the others during an outage."""
    moments = sorted(random_.uniform(0.0, 0.95) * plan.inputs for _ in range(plan.kills - plan.kills // 3))
    repeated = set(random_.sample(range(len(moments)), plan.kills // 3))
    kills = []
    for number, moment in enumerate(moments):
        outage = [None, "paused", None, "disconnected"][number % 4]
        kills.append(Kill(int(moment), random_.uniform(0, 0.2), outage))
        if number in repeated:
            kills.append(Kill(None, random_.uniform(0.2, 0.8 + plan.settle)))
    return kills


class Soak:
    """Plays a plan in a folder.

    Args:
        plan: The plan.
        root: A folder for the batch, and for what its processes write.
        server: The server.
    """

    def __init__(self, plan: Plan, root: Path, server: Server) -> None:
        self.plan, self._root, self._server = plan, root, server
        self._folder, self._markers, self._log = root / "batch", root / "markers", root / "killed.log"
        self._markers.mkdir()
        self._random = random.Random(plan.seed)
        self._started = time.monotonic()
        self._deadline = self._started + 60 * plan.minutes
        self._lost: set[int] = set()
        self._foreign: set[str] = set()
        self.problems: list[str] = []
        self.figures = Figures()
        self.seconds = self.cpu = 0.0

    def play(self) -> None:
        """Start processes and kill them, let the last one finish, and judge."""
        for kill in schedule(self.plan, self._random):
            with self._start() as worker:
                self._kill(worker, kill)
            self.cpu += worker.cpu
            if worker.status != KILLED:
                break
            self.figures["kills"] += 1
            self._lost |= open_intents(self._folder)
        else:
            with self._start() as worker:
                worker.wait(self._deadline)
            self.cpu += worker.cpu
        self.seconds = time.monotonic() - self._started
        self._judge(self._read_report(worker))

    def _start(self) -> Worker:
        """Start a process on any of the clients; it continues what there is in any of the two ways."""
        plan, server = self.plan, self._server
        if plan.is_calm:
            server.settle(self._deadline)
        options: dict[str, object] = {
            "--client": self._random.choice(["sync", "async"]),
            "--rows": plan.inputs,
            "--seed": plan.seed,
            "--max-seconds": plan.max_seconds,
            "--concurrency": plan.concurrency,
            "--settle": plan.settle,
            "--scale": plan.scale,
        }
        if plan.dask is not None:
            options |= {"--dask": plan.dask, "--markers": self._markers, "--log": self._log}
        arguments = [part for option in options.items() for part in option]
        # Before the first create, rows may be missing: then only `map` can continue.
        if self._purchases and self._random.random() < 0.75:
            arguments.append("--resume")
        return Worker(plan.worker, self._root / "worker", self._folder, server.url, server.token, *arguments)

    @property
    def _purchases(self) -> int:
        """How many predictions of the batch there are."""
        return int(self._server.ask("progress")["predictions"]) - len(self._foreign)

    def _kill(self, worker: Worker, kill: Kill) -> None:
        while kill.purchases is not None and self._purchases < kill.purchases and worker.is_running():
            if time.monotonic() > self._deadline:
                return
            time.sleep(0.02)
        self._foreign.add(self._server.ask("interfere"))
        worker.wait(time.monotonic() + kill.delay)
        if kill.outage is None:
            worker.kill()
        else:
            with getattr(self._server, kill.outage)():
                worker.wait(time.monotonic() + self._random.uniform(0.1, 0.3 * self.plan.settle))
                worker.kill()
                time.sleep(self._random.uniform(0, 0.2 * self.plan.settle))

    def _read_report(self, worker: Worker) -> dict[str, Any] | None:
        """Return the report of the last process; None if it has not ended as it should."""
        output, errors = worker.read()
        if worker.status == KILLED:
            self.problems.append(f"the batch has not ended after {self.plan.minutes:g} minutes: {errors[-2000:]}")
        elif worker.status:
            self.problems.append(f"the process has ended with status {worker.status}: {errors[-2000:]}")
        elif self.figures["kills"] < self.plan.kills:
            self.problems.append(f"the batch has ended after {self.figures['kills']} kills")
        else:
            report: dict[str, Any] = json.loads(output)
            return report
        return None

    def _judge(self, report: dict[str, Any] | None) -> None:
        requests = self._server.ask("requests")
        self._server.ask("calm")
        rows = make_rows(self.plan.inputs, self.plan.seed, self.plan.max_seconds)
        predictions = list_predictions(self._server.url, self._server.token)
        judge = Judge(rows, predictions, self._folder, self._foreign)
        if report is not None:
            judge.check_report(report)
        if self.plan.dask is not None:
            judge.check_markers(self._markers)
            self.figures["worker kills"] = len(self._log.read_text().splitlines()) if self._log.exists() else 0
        self.problems += judge.problems
        self.figures += judge.figures
        self.figures["lost creates"], self.figures["adopted"] = len(self._lost), judge.adopted(self._lost)
        self.figures["throttled"] = requests.pop("throttled")
        self.figures["requests"] = sum(requests.values())


def play(plan: Plan) -> Soak:
    """Play a plan in a temporary folder, on a server of its own."""
    options = {"--chaos": plan.chaos, "--seed": plan.seed, "--scale": plan.scale}
    arguments = [part for option in options.items() for part in option]
    with tempfile.TemporaryDirectory() as root, Server(*arguments) as server:
        soak = Soak(plan, Path(root), server)
        soak.play()
        return soak


def print_table(soaks: dict[str, Soak]) -> None:
    """Print the figures of some soaks side by side."""
    print(f"{'':22}", *(f"{name:>12}" for name in soaks))
    for figure in FIGURES:
        print(f"{figure:22}", *(f"{soak.figures[figure]:12}" for soak in soaks.values()))
    ratios = {
        "requests per input": [soak.figures["requests"] / soak.plan.inputs for soak in soaks.values()],
        "seconds": [soak.seconds for soak in soaks.values()],
        "CPU ms per input": [1000 * soak.cpu / soak.plan.inputs for soak in soaks.values()],
    }
    for name, values in ratios.items():
        print(f"{name:22}", *(f"{value:12.2f}" for value in values))


def main() -> int:
    parser = argparse.ArgumentParser(prog="make soak-map", description=__doc__)
    defaults = Plan()
    for name in ("inputs", "kills", "seed"):
        parser.add_argument(f"--{name}", type=int, default=getattr(defaults, name))
    for name in ("chaos", "scale", "settle", "minutes"):
        parser.add_argument(f"--{name}", type=float, default=getattr(defaults, name))
    parser.add_argument("--worker", default=defaults.worker, help="the program that runs a batch")
    parser.add_argument("--only", choices=["map", "dask"], help="run one of the two soaks")
    values = vars(parser.parse_args())
    only = values.pop("only")
    plan = Plan(**values)
    plans = {"map": plan, "dask": replace(plan, inputs=plan.inputs // 10, kills=2, dask=10.0)}
    soaks: dict[str, Soak] = {}
    for name in [only] if only else plans:
        soaks[name] = play(plans[name])
        for problem in soaks[name].problems[:MAX_PROBLEMS]:
            print(f"{name}: {problem}", flush=True)
    print_table(soaks)
    return 1 if any(soak.problems for soak in soaks.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
