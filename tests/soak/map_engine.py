"""The function that the map soak runs on Dask workers, and the cluster whose workers are killed."""

from __future__ import annotations

import hashlib
import os
import random
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from replicate_ext import Item


def mark(folder: Path, item: Item) -> str:
    """Write a file with the hash of an item's files, and return the hash."""
    time.sleep(0.05 + item.index % 8 * 0.05)
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in item.paths)).hexdigest()
    partial = folder / f"{item.index}.{os.getpid()}.{threading.get_ident()}"
    partial.write_text(digest)
    partial.rename(folder / f"{item.index}")
    return digest


@contextmanager
def failing_cluster(interval: float, log: Path) -> Iterator[Any]:
    """Return the client of a local cluster of processes, one of which is killed every `interval` seconds."""
    import distributed

    options: dict[str, Any] = {
        "n_workers": 2,
        "threads_per_worker": 2,
        "processes": True,
        "dashboard_address": "127.0.0.1:0",
    }
    with distributed.LocalCluster(**options) as cluster, distributed.Client(cluster) as client:
        stopped = threading.Event()

        def kill_workers() -> None:
            while not stopped.wait(interval):
                pids = [*client.run(os.getpid, on_error="ignore").values()]
                os.kill(random.choice(pids), signal.SIGKILL)
                with log.open("a") as file:
                    file.write("killed\n")

        thread = threading.Thread(target=kill_workers)
        thread.start()
        try:
            yield client
        finally:
            stopped.set()
            thread.join()
