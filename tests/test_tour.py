"""The example examples/tour.py, run as `make demo` does."""

import re
import subprocess
import sys
from pathlib import Path

TOUR = Path(__file__).parents[1] / "examples/tour.py"


def test_tour_runs_on_the_emulator() -> None:
    completed = subprocess.run(
        [sys.executable, str(TOUR), "--emulator"], capture_output=True, text=True, timeout=60, check=False
    )
    assert completed.returncode == 0, completed.stderr
    assert completed.stderr == ""
    for text in (
        "returned: Hello, Ada",
        "PredictionCanceledError",
        "ModelError: ",
        "CUDA out of memory (code: E1001)",
        "has 2 versions",
    ):
        assert text in completed.stdout
    images = re.findall(r"(/\S+\.png)", completed.stdout)
    assert len(images) == 2
    for image in images:
        content = Path(image).read_bytes()
        assert content.startswith(b"\x89PNG")
        Path(image).unlink()
    Path(images[0]).parent.rmdir()
