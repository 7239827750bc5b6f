"""Measure this client beside its peers, in the same run, and write the tables.

python scripts/bench.py [--works a,b] [--rounds N] [--quick] [--output docs/performance.md] [--json FILE]

Each measurement is a process of its own, on one core; the server has another. In every round each client comes once, in
rotated order, and is compared to raw httpx of the same round. Environments are made in `.bench/`, from the package
index; ours is a wheel of the working tree, built anew each time.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

from bench import environments, tables
from bench.environments import ENVIRONMENT, Client
from bench.plot import plot
from bench.works import FLOOR, TITLES, UPLOAD, Work, works

ROOT = Path(__file__).parents[1]
SERVER = Path(__file__).parent / "bench" / "server.py"
BEGIN, END = "<!-- bench: begin -->", "<!-- bench: end -->"

LONGEST = 300
"""Seconds that one measurement may take."""

PROCESSES = 5
"""How many processes `import` and `first` measure in each round."""


class Addresses(NamedTuple):
    """Where the server is, and the folder with its authorities."""

    plain: str
    secure: str
    folder: Path

    @property
    def trust(self) -> dict[str, str]:
        """What in the environment makes clients trust it."""
        own, all_of_them = self.folder / "authority.pem", self.folder / "authorities.pem"
        return {"SSL_CERT_FILE": str(all_of_them), "NODE_EXTRA_CA_CERTS": str(own)}


def main() -> int:
    """Run what the command line asks for; the exit code is 1 where a target is missed."""
    options = _options()
    cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else [0]
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    clients, server, versions = environments.make(ROOT / ".bench", ROOT)
    results: dict[str, dict[str, list[dict[str, Any]]]] = {}
    with tempfile.TemporaryDirectory(prefix="bench-") as folder, serving(server, cores[0], Path(folder)) as addresses:
        Path(folder, "input.bin").write_bytes(os.urandom(UPLOAD))
        known = works(options.quick, folder)
        chosen = [work for work in known if not options.works or work.name in options.works]
        if len(cores) > 1:
            os.sched_setaffinity(0, {cores[1]})
        for work in chosen:
            results[work.key] = measure(work, clients, addresses, min(work.rounds, options.rounds))
    machine = f"{len(cores)} cores, {_cpu()}, Python {platform.python_version()}; {versions}"
    targets = tables.targets(chosen, results)
    if options.json:
        Path(options.json).write_text(
            json.dumps({"machine": machine, "targets": targets, "results": results}, indent=1)
        )
    if options.output:
        write(Path(options.output), chosen, results, machine, options.rounds)
    print(tables.overall(chosen, results))
    return 1 if any(target["met"] is False for target in targets) else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--works", type=lambda text: text.split(","), help="only these, by name: get,aget,…")
    parser.add_argument("--rounds", type=int, help="how often each client comes (default: 5)")
    parser.add_argument("--quick", action="store_true", help="one round, less of what takes long: a smoke test")
    parser.add_argument("--output", help="the file that keeps the tables (default: of a whole run docs/performance.md)")
    parser.add_argument("--json", help="a file for all results")
    options = parser.parse_args()
    if not (options.output or options.works or options.rounds or options.quick):
        options.output = ROOT / "docs/performance.md"
    options.rounds = options.rounds or (1 if options.quick else 5)
    names = {work.name for work in works(options.quick, "")}
    if unknown := {*(options.works or ())} - names:
        parser.error(f"no such works: {', '.join(sorted(unknown))}; there are {', '.join(sorted(names))}")
    return options


@contextlib.contextmanager
def serving(python: Path, core: int, folder: Path) -> Iterator[Addresses]:
    """Run the server on a core of its own, and yield its addresses."""
    with subprocess.Popen(
        [str(python), str(SERVER), str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=ENVIRONMENT,
    ) as server:
        assert server.stdin
        assert server.stdout
        if hasattr(os, "sched_setaffinity"):
            os.sched_setaffinity(server.pid, {core})
        try:
            line = server.stdout.readline().split()
            if not line:
                raise SystemExit("the server did not start")
            yield Addresses(line[0], line[1], folder)
        finally:
            server.stdin.close()


def measure(
    work: Work, clients: dict[str, Client], addresses: Addresses, rounds: int
) -> dict[str, list[dict[str, Any]]]:
    """Return what came of each round, by client; one that cannot do it says why under `unable`."""
    columns = [name for name in work.columns if name in clients]
    columns += [FLOOR] if work.name == "import" else []
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in columns}
    for number in range(rounds):
        turn = number % len(columns)
        for name in columns[turn:] + columns[:turn]:
            result = _once(work, clients[name], addresses)
            found[name].append(result)
            (addresses.folder / "output.bin").unlink(missing_ok=True)  # or the next one would pay for replacing it
            shown = result.get("unable") or tables.number(result[work.figures[0].metric])
            print(f"{work.key}, round {number + 1}, {TITLES.get(name, name)}: {shown}", file=sys.stderr)
    return found


def _once(work: Work, client: Client, addresses: Addresses) -> dict[str, Any]:
    """Measure one client once."""
    try:
        if work.name == "import":
            return _import(client)
        if work.name in ("first", "first-tls"):
            base = addresses.secure if work.name == "first-tls" else addresses.plain
            return {"ms": 1e3 * median(_first(client, base, addresses.trust) for _ in range(PROCESSES))}
        command = [*client.worker, work.name, addresses.plain, *work.args]
        result: dict[str, Any] = json.loads(_run(command, client.home).splitlines()[-1])
        return result
    except subprocess.TimeoutExpired:
        return {"unable": f"it takes longer than {LONGEST} seconds"}
    except (subprocess.CalledProcessError, ValueError, IndexError) as failed:
        errors = str(getattr(failed, "stderr", "") or failed).strip().splitlines() or [type(failed).__name__]
        return {"unable": next((line for line in reversed(errors) if "Error" in line), errors[-1])[:200]}


def _run(command: list[str], home: Path) -> str:
    done = subprocess.run(
        command, cwd=home, env=ENVIRONMENT, capture_output=True, text=True, timeout=LONGEST, check=True
    )
    return done.stdout


def _import(client: Client) -> dict[str, Any]:
    """Measure whole processes that do nothing but import."""
    counted: dict[str, Any] = json.loads(_run(client.counting, client.home)) if client.counting else {}
    times = []
    for _ in range(PROCESSES):
        began = time.perf_counter()
        _run(client.importing, client.home)
        times.append(time.perf_counter() - began)
    return {"ms": 1e3 * median(times)} | counted


def _first(client: Client, base: str, trust: dict[str, str]) -> float:
    """Return the seconds from the start of a process to its first answer of the API."""
    began = time.perf_counter()
    with subprocess.Popen(
        [*client.first, base],
        cwd=client.home,
        env=ENVIRONMENT | trust,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout
        assert process.stderr
        watch = threading.Timer(LONGEST, process.kill)
        watch.start()
        line = process.stdout.readline()
        seconds = time.perf_counter() - began
        if line != b"acme\n":
            raise ValueError(process.stderr.read().decode() or f"it printed {line!r}")
    watch.cancel()
    return seconds


def write(output: Path, chosen: list[Work], results: tables.Results, machine: str, rounds: int) -> None:
    """Replace what stands between the markers, and the plot beside it."""
    output.parent.mkdir(parents=True, exist_ok=True)
    text = output.read_text() if output.exists() else f"{BEGIN}\n{END}\n"
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise SystemExit(f"{output.name} must contain {BEGIN} and {END}")
    parts = [
        f"{machine}.",
        f"Medians of {rounds} rounds, fewer where each takes long; in brackets the ratio to raw httpx of the same "
        "round. Memory is what a process has at its peak beyond what it had before.",
        tables.overall(chosen, results),
    ]
    drawn = plot(chosen, results)
    if drawn:
        picture = output.with_name("performance.svg")
        picture.write_text(drawn)
        parts.append(f"![How time and memory grow with the number of items]({picture.name})")
    parts.append(tables.details(chosen, results))
    output.write_text(f"{before}{BEGIN}\n\n" + "\n\n".join(parts) + f"\n\n{END}{after}")


def _cpu() -> str:
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


if __name__ == "__main__":
    raise SystemExit(main())
