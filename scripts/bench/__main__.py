"""Benchmark this client and its peers in the same run, and write the tables.

PYTHONPATH=scripts python -m bench [--works a,b] [--rounds N] [--quick] [--output docs/performance.md] [--json FILE]

Each measurement is a separate process on one core; the server has another core. Each round measures every client once,
in rotated order, and compares it with raw httpx of the same round. The environments are created in `.bench/` from the
package index. Our client is installed from a wheel of the working tree, which is built for every run.
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

from . import tables
from .environments import ENVIRONMENT, Client, create_environments
from .plot import plot
from .workloads import BASELINE, TITLES, UPLOAD_SIZE, Workload, workloads

ROOT = Path(__file__).parents[2]
SERVER = Path(__file__).parent / "server.py"
BEGIN, END = "<!-- bench: begin -->", "<!-- bench: end -->"

MEASUREMENT_TIMEOUT = 300
"""Seconds."""

PROCESSES_PER_ROUND = 5
"""How many processes `import` and `first` start in each round; the median counts."""


class Server(NamedTuple):
    """The URLs of the server, without and with TLS, and the folder with its CA certificates."""

    url: str
    tls_url: str
    folder: Path

    @property
    def ca_variables(self) -> dict[str, str]:
        """The environment variables that make clients trust the server."""
        return {
            "SSL_CERT_FILE": str(self.folder / "ca-bundle.pem"),
            "NODE_EXTRA_CA_CERTS": str(self.folder / "ca.pem"),
        }


def main() -> int:
    """Run the command line; return 1 if a target is missed."""
    options = _options()
    cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else [0]
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    clients, server_python, versions = create_environments(ROOT / ".bench", ROOT)
    results: dict[str, dict[str, list[dict[str, Any]]]] = {}
    with (
        tempfile.TemporaryDirectory(prefix="bench-") as folder,
        run_server(server_python, cores[0], Path(folder)) as server,
    ):
        Path(folder, "input.bin").write_bytes(os.urandom(UPLOAD_SIZE))
        known = workloads(options.quick, folder)
        chosen = [workload for workload in known if not options.works or workload.name in options.works]
        if len(cores) > 1:
            os.sched_setaffinity(0, {cores[1]})
        for workload in chosen:
            results[workload.key] = measure(workload, clients, server, min(workload.max_rounds, options.rounds))
    machine = f"{len(cores)} cores, {_cpu()}, Python {platform.python_version()}; {versions}"
    targets = tables.check_targets(chosen, results)
    if options.json:
        Path(options.json).write_text(
            json.dumps({"machine": machine, "targets": targets, "results": results}, indent=1)
        )
    if options.output:
        write_tables(Path(options.output), chosen, results, machine, options.rounds)
    print(tables.summary(chosen, results))
    return 1 if any(target["met"] is False for target in targets) else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--works", type=lambda text: text.split(","), help="the workloads to run, by name: get,aget,… (default: all)"
    )
    parser.add_argument("--rounds", type=int, help="how often each client is measured (default: 5, with --quick 1)")
    parser.add_argument("--quick", action="store_true", help="a smoke test: one round and smaller workloads")
    parser.add_argument("--output", help="the file to write the tables to (default of a full run: docs/performance.md)")
    parser.add_argument("--json", help="the file to write all results to")
    options = parser.parse_args()
    if not (options.output or options.works or options.rounds or options.quick):
        options.output = ROOT / "docs/performance.md"
    options.rounds = options.rounds or (1 if options.quick else 5)
    names = {workload.name for workload in workloads(options.quick, "")}
    if unknown := {*(options.works or ())} - names:
        parser.error(f"unknown workloads: {', '.join(sorted(unknown))}; known are {', '.join(sorted(names))}")
    return options


@contextlib.contextmanager
def run_server(python: Path, core: int, folder: Path) -> Iterator[Server]:
    """Run the server on a separate core."""
    with subprocess.Popen(
        [str(python), str(SERVER), str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=ENVIRONMENT,
    ) as process:
        assert process.stdin
        assert process.stdout
        if hasattr(os, "sched_setaffinity"):
            os.sched_setaffinity(process.pid, {core})
        try:
            urls = process.stdout.readline().split()
            if not urls:
                raise SystemExit("the server did not start")
            yield Server(urls[0], urls[1], folder)
        finally:
            process.stdin.close()


def measure(
    workload: Workload, clients: dict[str, Client], server: Server, rounds: int
) -> dict[str, list[dict[str, Any]]]:
    """Return the results of each round, by client. A round that failed has the reason under `error`."""
    names = [name for name in workload.clients if name in clients]
    names += [BASELINE] if workload.name == "import" else []
    results: dict[str, list[dict[str, Any]]] = {name: [] for name in names}
    for number in range(rounds):
        first = number % len(names)
        for name in names[first:] + names[:first]:
            result = _measure_once(workload, clients[name], server)
            results[name].append(result)
            (server.folder / "output.bin").unlink(missing_ok=True)  # overwriting it would slow down the next client
            shown = result.get("error") or tables.format_number(result[workload.figures[0].metric])
            print(f"{workload.key}, round {number + 1}, {TITLES.get(name, name)}: {shown}", file=sys.stderr)
    return results


def _measure_once(workload: Workload, client: Client, server: Server) -> dict[str, Any]:
    """Run a workload once on one client."""
    try:
        if workload.name == "import":
            return _measure_import(client)
        if workload.name in ("first", "first-tls"):
            base_url = server.tls_url if workload.name == "first-tls" else server.url
            times = [_measure_first_call(client, base_url, server.ca_variables) for _ in range(PROCESSES_PER_ROUND)]
            return {"ms": 1e3 * median(times)}
        command = [*client.worker, workload.name, server.url, *workload.args]
        result: dict[str, Any] = json.loads(_run(command, client.folder).splitlines()[-1])
        return result
    except subprocess.TimeoutExpired:
        return {"error": f"timed out after {MEASUREMENT_TIMEOUT} seconds"}
    except (subprocess.CalledProcessError, ValueError, IndexError) as error:
        lines = str(getattr(error, "stderr", "") or error).strip().splitlines() or [type(error).__name__]
        return {"error": next((line for line in reversed(lines) if "Error" in line), lines[-1])[:200]}


def _run(command: list[str], folder: Path) -> str:
    done = subprocess.run(
        command, cwd=folder, env=ENVIRONMENT, capture_output=True, text=True, timeout=MEASUREMENT_TIMEOUT, check=True
    )
    return done.stdout


def _measure_import(client: Client) -> dict[str, Any]:
    """Measure processes that only import the client."""
    modules: dict[str, Any] = json.loads(_run(client.count_modules, client.folder)) if client.count_modules else {}
    times = []
    for _ in range(PROCESSES_PER_ROUND):
        started = time.perf_counter()
        _run(client.import_client, client.folder)
        times.append(time.perf_counter() - started)
    return {"ms": 1e3 * median(times)} | modules


def _measure_first_call(client: Client, base_url: str, variables: dict[str, str]) -> float:
    """Return the seconds from the start of a process to its first response."""
    started = time.perf_counter()
    with subprocess.Popen(
        [*client.first_call, base_url],
        cwd=client.folder,
        env=ENVIRONMENT | variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout
        assert process.stderr
        timer = threading.Timer(MEASUREMENT_TIMEOUT, process.kill)
        timer.start()
        line = process.stdout.readline()
        seconds = time.perf_counter() - started
        if line != b"acme\n":
            raise ValueError(process.stderr.read().decode() or f"it printed {line!r}")
    timer.cancel()
    return seconds


def write_tables(output: Path, chosen: list[Workload], results: tables.Results, machine: str, rounds: int) -> None:
    """Replace the text between the markers, and the plot."""
    output.parent.mkdir(parents=True, exist_ok=True)
    text = output.read_text() if output.exists() else f"{BEGIN}\n{END}\n"
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise SystemExit(f"{output.name} must contain {BEGIN} and {END}")
    parts = [
        f"{machine}.",
        f"Medians of {rounds} rounds, fewer for slow workloads; in parentheses the ratio to raw httpx in the same "
        "round. Memory is the peak of a process minus its memory before the workload.",
        tables.summary(chosen, results),
    ]
    svg = plot(chosen, results)
    if svg:
        picture = output.with_name("performance.svg")
        picture.write_text(svg)
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
