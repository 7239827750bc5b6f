"""The tour, as `make demo` runs it."""

import re
import subprocess
import sys
from pathlib import Path

TOUR = Path(__file__).parents[1] / "examples/tour.py"


def test_the_tour_runs_on_the_emulator_from_beginning_to_end() -> None:
    done = subprocess.run(
        [sys.executable, str(TOUR), "--emulator"], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    for words in (
        "says: Hello, Ada",
        "PredictionCanceled",
        "ModelError: ",
        "CUDA out of memory (code: E1001)",
        "has 2 versions",
    ):
        assert words in done.stdout
    pictures = re.findall(r"(/\S+\.png)", done.stdout)
    assert len(pictures) == 2
    for picture in pictures:
        content = Path(picture).read_bytes()
        assert content.startswith(b"\x89PNG")
        Path(picture).unlink()
    Path(pictures[0]).parent.rmdir()
