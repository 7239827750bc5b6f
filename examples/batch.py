"""A batch that is killed in the middle and continued: each row is bought once.

python examples/batch.py    on an emulator of its own: no token, no internet, no cost
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

from replicate_ext import Batch, Replicate
from replicate_ext.emulator import Emulator

ROWS = [{"prompt": f"lighthouse {number}", "width": 32, "height": 32} for number in range(60)]


def work(folder: str) -> None:
    """Map the rows. The same call begins a batch, and continues it after whatever has ended the process before."""
    with Replicate() as client:  # configured by the environment
        for item in client.map("acme/painter", ROWS, folder, concurrency=8):
            print(item.index, item.paths or item.error, flush=True)


def main() -> None:
    """Start a worker, kill it, start it again, and count what was bought."""
    folder = tempfile.mkdtemp(prefix="replicate-batch-")
    command = [sys.executable, __file__, folder]
    with Emulator() as api, Replicate(api.token, base_url=api.url) as client:
        environment = os.environ | {"REPLICATE_API_TOKEN": api.token, "REPLICATE_BASE_URL": api.url}
        with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as worker:
            assert worker.stdout is not None
            finished = [worker.stdout.readline() for _ in range(20)]
            worker.kill()  # SIGKILL: the worker cannot clean anything up
        status = Batch.open(folder, client).status()
        print(f"The worker was killed after {len(finished)} rows, with {status.in_flight} purchases in flight.")
        print("Starting it again; what may have been bought is searched for, which takes some 10 seconds.")
        subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, check=True)

        print(Batch.open(folder, client).report())
        purchases = Counter(prediction.input["prompt"] for prediction in client.predictions.list())
        files = sum(path.stat().st_size > 0 for path in Path(folder).glob("outputs/*/*.png"))
        print(f"{len(purchases)} rows, {purchases.total()} predictions, {files} pictures.")
        assert (len(purchases), purchases.total(), files) == (len(ROWS), len(ROWS), len(ROWS))


if __name__ == "__main__":
    work(sys.argv[1]) if len(sys.argv) > 1 else main()
