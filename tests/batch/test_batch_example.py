"""The example examples/batch.py: a worker that is killed in the middle buys no row twice."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

EXAMPLE = Path(__file__).parents[2] / "examples/batch.py"
SHORTER_SETTLE_TIME = "from replicate_ext._batch import reconcile\n\nreconcile.SETTLE_TIME = 0.5\n"


def test_each_row_is_bought_once_although_the_worker_is_killed(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(SHORTER_SETTLE_TIME, encoding="utf-8")
    environment = os.environ | {"PYTHONPATH": str(tmp_path), "TMPDIR": str(tmp_path)}
    process = subprocess.run(
        [sys.executable, str(EXAMPLE)], capture_output=True, text=True, env=environment, timeout=60
    )
    assert process.returncode == 0, process.stderr
    assert process.stderr == ""
    match = re.match(r"The worker was killed after 20 rows, with (\d+) purchases in flight\.", process.stdout)
    assert match
    assert 0 < int(match[1]) <= 8
    assert "rows          60: 60 done\n" in process.stdout
    assert process.stdout.endswith("60 rows, 60 predictions, 60 pictures.\n")
