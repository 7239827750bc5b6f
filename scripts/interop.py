"""Run the official clients, unmodified, on the emulator, and print what works: client by feature.

python scripts/interop.py [FOLDER]     the clients are installed into FOLDER (default: .interop), from the package index
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from replicate_ext.emulator import Emulator

SCRIPTS = Path(__file__).parent / "interop"
PYTHON_CLIENTS = {"replicate 1.0.7": ("v1", "replicate==1.0.7"), "replicate 2.0.0b4": ("v2", "replicate==2.0.0b4")}
JAVASCRIPT = "replicate 1.4.0 (JS)"

KNOWN: dict[tuple[str, str], str] = {
    ("replicate 2.0.0b4", "webhooks"): "it cannot validate deliveries; fetching the secret works",
}
"""Differences that are the official client's own faults."""


def commands(folder: Path) -> Iterator[tuple[str, list[str], Path]]:
    """Install the clients, and yield for each its name, what runs its script, and where."""
    for name, (short, requirement) in PYTHON_CLIENTS.items():
        home = folder / short
        python = home / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
        if not python.exists():
            subprocess.run([sys.executable, "-m", "venv", str(home)], check=True)
            pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", requirement]
            subprocess.run(pip, check=True)
        yield name, [str(python), str(SCRIPTS / f"{short}.py")], home
    npm = shutil.which("npm")
    if npm is None:
        print("there is no Node here: the JavaScript client is left out")
        return
    home = folder / "js"
    if not (home / "node_modules/replicate").exists():
        home.mkdir(parents=True, exist_ok=True)
        subprocess.run([npm, "install", "--silent", "--prefix", str(home), "replicate@1.4.0"], check=True)
    yield JAVASCRIPT, ["node", str(SCRIPTS / "js.mjs")], home


def outcomes(name: str, command: list[str], home: Path) -> dict[str, str]:
    """Return what came of each feature."""
    with Emulator(https=True) as api:
        # Each client has its own idea of a base URL: that of 1.0.7 has no /v1.
        base = api.url.removesuffix("/v1") if name == "replicate 1.0.7" else api.url
        environment = {
            **os.environ,
            "REPLICATE_API_TOKEN": api.token,
            "REPLICATE_BASE_URL": base,
            "REPLICATE_POLL_INTERVAL": "0.02",
            "SSL_CERT_FILE": str(api.ca_file),
            "NODE_EXTRA_CA_CERTS": str(api.ca_file),
        }
        done = subprocess.run(
            command, cwd=home, env=environment, capture_output=True, text=True, timeout=120, check=False
        )
    if done.returncode:
        print(done.stderr[-2000:], file=sys.stderr)
    rows = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    return {row["feature"]: row["outcome"] for row in rows} or {"run": f"exit {done.returncode}"}


def main() -> int:
    """Print the table; the exit code is 1 where something fails that is not known."""
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else ".interop").resolve()
    found = {name: outcomes(name, command, home) for name, command, home in commands(folder)}
    features = list(dict.fromkeys(feature for rows in found.values() for feature in rows))
    print(f"| feature | {' | '.join(found)} |\n|---|{'---|' * len(found)}")
    notes: list[str] = []
    unknown = 0
    for feature in features:
        cells = []
        for name, rows in found.items():
            outcome = rows.get(feature, "did not run")
            known = KNOWN.get((name, feature))
            if outcome == "ok":
                cells.append("yes")
            else:
                unknown += known is None
                notes.append(f"{name}, {feature}: {known or outcome}")
                cells.append(f"{'known' if known else 'NO'} [{len(notes)}]")
        print(f"| {feature} | {' | '.join(cells)} |")
    print("".join(f"\n[{number}] {note}" for number, note in enumerate(notes, 1)))
    return 1 if unknown else 0


if __name__ == "__main__":
    raise SystemExit(main())
