"""Let schemathesis look for answers of the emulator that openapi.json does not allow.

python scripts/conformance.py [FOLDER]     schemathesis is installed into FOLDER (default: .interop), from the index

Two of its checks are left out, because the contract does not say what they would need: it declares next to no error
responses (`status_code_conformance`), and not which names and ids exist (`positive_data_acceptance`).
"""

from __future__ import annotations

import copy
import json
import os
import subprocess
import sys
from pathlib import Path

import overlay
from replicate_ext.emulator import Emulator, spec

REQUIREMENT = "schemathesis==4.32.5"
LEFT_OUT = "status_code_conformance,positive_data_acceptance"


def main() -> int:
    """Run it, and return its exit code."""
    home = Path(sys.argv[1] if len(sys.argv) > 1 else ".interop").resolve() / "schemathesis"
    scripts = home / ("Scripts" if os.name == "nt" else "bin")
    if not (scripts / "schemathesis").exists():
        subprocess.run([sys.executable, "-m", "venv", str(home)], check=True)
        pip = [str(scripts / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", REQUIREMENT]
        subprocess.run(pip, check=True)
    # The document with what is on record beyond it (`logs` may be null): the one that our client is generated from.
    document = copy.deepcopy(spec.document())
    overlay.apply(overlay.load(Path(__file__).parent / "overlay.yaml"), document)
    with Emulator() as api:
        served = home / "openapi.json"
        served.write_text(json.dumps(document), encoding="utf-8")
        token = ["--header", f"Authorization: Bearer {api.token}"]
        bounds = ["--phases=examples,coverage,fuzzing,stateful", "--max-examples=30", "--generation-deterministic"]
        where = [str(served), "--url", api.url]
        command = [str(scripts / "schemathesis"), "run", *where, *token, *bounds, "--exclude-checks", LEFT_OUT]
        return subprocess.run(command, cwd=home, check=False).returncode


if __name__ == "__main__":
    raise SystemExit(main())
