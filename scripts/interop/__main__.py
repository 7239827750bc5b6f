"""Run Replicate's official clients, unmodified, against the emulator, and print a table of clients and features.

PYTHONPATH=scripts python -m interop [FOLDER]     the clients are installed in FOLDER (default: .interop)
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from replicate_ext.emulator import Emulator

HERE = Path(__file__).parent
PYTHON_CLIENTS = {"replicate 1.0.7": ("v1", "replicate==1.0.7"), "replicate 2.0.0b4": ("v2", "replicate==2.0.0b4")}
JAVASCRIPT_CLIENT = "replicate 1.4.0 (JS)"

KNOWN_FAILURES: dict[tuple[str, str], str] = {
    ("replicate 2.0.0b4", "webhooks"): "it cannot validate deliveries; fetching the secret works",
}
"""Features that an official client itself lacks or gets wrong, with the reason."""


class Client(NamedTuple):
    """An installed client and the command that runs its script."""

    name: str
    command: list[str]
    environment: Path


def install_clients(folder: Path) -> Iterator[Client]:
    """Install the clients that are missing, and yield each."""
    for name, (script, requirement) in PYTHON_CLIENTS.items():
        environment = folder / script
        python = environment / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
        if not python.exists():
            subprocess.run([sys.executable, "-m", "venv", str(environment)], check=True)
            pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", requirement]
            subprocess.run(pip, check=True)
        yield Client(name, [str(python), str(HERE / f"{script}.py")], environment)
    npm = shutil.which("npm")
    if npm is None:
        print("Node.js is not installed: the JavaScript client is skipped")
        return
    environment = folder / "js"
    if not (environment / "node_modules/replicate").exists():
        environment.mkdir(parents=True, exist_ok=True)
        subprocess.run([npm, "install", "--silent", "--prefix", str(environment), "replicate@1.4.0"], check=True)
    yield Client(JAVASCRIPT_CLIENT, ["node", str(HERE / "js.mjs")], environment)


def run_features(client: Client) -> dict[str, str]:
    """Run the script of a client against a new emulator; return the outcome of each feature."""
    with Emulator(https=True) as api:
        # The clients differ in what they call the base URL: that of 1.0.7 has no /v1.
        base_url = api.url.removesuffix("/v1") if client.name == "replicate 1.0.7" else api.url
        variables = {
            **{name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
            "REPLICATE_API_TOKEN": api.token,
            "REPLICATE_BASE_URL": base_url,
            "REPLICATE_POLL_INTERVAL": "0.02",
            "SSL_CERT_FILE": str(api.ca_file),
            "NODE_EXTRA_CA_CERTS": str(api.ca_file),
        }
        done = subprocess.run(
            client.command,
            cwd=client.environment,
            env=variables,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
    if done.returncode:
        print(done.stderr[-2000:], file=sys.stderr)
    rows = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    return {row["feature"]: row["outcome"] for row in rows} or {"run": f"exit code {done.returncode}"}


def main() -> int:
    """Print the table; return 1 if a feature fails that is not in `KNOWN_FAILURES`."""
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else ".interop").resolve()
    outcomes = {client.name: run_features(client) for client in install_clients(folder)}
    features = list(dict.fromkeys(feature for rows in outcomes.values() for feature in rows))
    print(f"| feature | {' | '.join(outcomes)} |\n|---|{'---|' * len(outcomes)}")
    notes: list[str] = []
    unknown = 0
    for feature in features:
        cells = []
        for name, rows in outcomes.items():
            outcome = rows.get(feature, "did not run")
            reason = KNOWN_FAILURES.get((name, feature))
            if outcome == "ok":
                cells.append("yes")
            else:
                unknown += reason is None
                notes.append(f"{name}, {feature}: {reason or outcome}")
                cells.append(f"{'known' if reason else 'NO'} [{len(notes)}]")
        print(f"| {feature} | {' | '.join(cells)} |")
    print("".join(f"\n[{number}] {note}" for number, note in enumerate(notes, 1)))
    return 1 if unknown else 0


if __name__ == "__main__":
    raise SystemExit(main())
