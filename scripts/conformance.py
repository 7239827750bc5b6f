"""Use schemathesis to search for responses of the emulator that openapi.json does not allow.

python scripts/conformance.py [FOLDER]     schemathesis is installed in FOLDER (default: .interop)

Two of its checks are disabled since the OpenAPI document lacks what they need: it declares almost no error responses
(`status_code_conformance`) and not which names and ids exist (`positive_data_acceptance`).
"""

from __future__ import annotations

import copy
import json
import os
import subprocess
import sys
from pathlib import Path

from codegen import overlay
from codegen.generate import OVERLAY
from replicate_ext.emulator import Emulator, spec
from replicate_ext.emulator.operations import HANDLERS

REQUIREMENT = "schemathesis==4.32.5"
DISABLED_CHECKS = "status_code_conformance,positive_data_acceptance"


def main() -> int:
    """Run schemathesis; return its exit code."""
    environment = Path(sys.argv[1] if len(sys.argv) > 1 else ".interop").resolve() / "schemathesis"
    scripts = environment / ("Scripts" if os.name == "nt" else "bin")
    if not (scripts / "schemathesis").exists():
        subprocess.run([sys.executable, "-m", "venv", str(environment)], check=True)
        pip = [str(scripts / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", REQUIREMENT]
        subprocess.run(pip, check=True)
    # Check against the corrected document, which our client is generated from (`logs` may be null, for example).
    document = copy.deepcopy(spec.document())
    overlay.apply(overlay.load(OVERLAY), document)
    with Emulator() as api:
        corrected = environment / "openapi.json"
        corrected.write_text(json.dumps(document), encoding="utf-8")
        target = [str(corrected), "--url", api.url, "--header", f"Authorization: Bearer {api.token}"]
        # Operations that the emulator does not implement: it responds 501 to them.
        others = [f"--exclude-operation-id={one.id}" for one in spec.operations() if one.id not in HANDLERS]
        limits = ["--phases=examples,coverage,fuzzing,stateful", "--max-examples=30", "--generation-deterministic"]
        command = [str(scripts / "schemathesis"), "run", *target, *others, *limits, "--exclude-checks", DISABLED_CHECKS]
        return subprocess.run(command, cwd=environment, check=False).returncode


if __name__ == "__main__":
    raise SystemExit(main())
