"""The emulator of the map soak, in a process of its own.

Each line on stdin is the name of a command, and gets a line of JSON on stdout.

It ends when stdin is closed, so that it never outlives the process that has started it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from map_inputs import REF, expected_files, fails
from replicate_ext.emulator import Emulator, RecordedRequest, sleep
from replicate_ext.emulator.rate_limit import TokenBucket


class RequestCounter(list[RecordedRequest]):
    """A journal of requests that counts them by operation."""

    def __init__(self) -> None:
        super().__init__()
        self.counts: Counter[str] = Counter()

    def append(self, request: RecordedRequest) -> None:
        self.counts[request.operation or "file"] += 1
        super().append(request)


class Server:
    """The commands of the soak."""

    def __init__(self, api: Emulator, folder: Path, scale: float) -> None:
        self._api, self._service = api, api._running_service
        self._service.journal = self._requests = RequestCounter()
        self._throttled = 0
        scale_limit(self._service.create_limit, 60, scale)
        scale_limit(self._service.default_limit, 300, scale)
        self._count_refusals(self._service.create_limit)
        self._count_refusals(self._service.default_limit)
        self._define_model(folder)

    def _define_model(self, folder: Path) -> None:
        @self._api.model(REF)
        async def pictures(prompt: str, seconds: float, num_outputs: int, image: Path | None = None) -> list[Path]:
            """Make one or two files of an input."""
            input: dict[str, Any] = {"prompt": prompt, "seconds": seconds, "num_outputs": num_outputs}
            if image is not None:
                input["image"] = image.read_bytes()
            await sleep(seconds)
            if fails(input):
                raise ValueError("this input fails")
            name = self._service.state.new_path("x").name
            paths = [folder / f"{name}-{number}.webp" for number in range(num_outputs)]
            for path, content in zip(paths, expected_files(input), strict=True):
                path.write_bytes(content)
            return paths

    def _count_refusals(self, bucket: TokenBucket) -> None:
        take = bucket.take

        def counting_take() -> int | None:
            hint = take()
            self._throttled += hint is not None
            return hint

        bucket.take = counting_take  # type: ignore[method-assign]

    def interfere(self) -> str:
        """Do what another program of the account does: use up the rate limit, and buy a prediction; return its id."""
        self._service.create_limit._tokens = 0.0
        model = self._service.state.models[REF]
        assert model.latest_version is not None
        input = {"prompt": "of another program", "seconds": 1.0, "num_outputs": 1}
        arguments = model, model.latest_version, input, self._api.url.removesuffix("/v1"), None

        async def start() -> str:
            return self._service.runner.start(*arguments).job.id

        assert self._api.clock.loop is not None
        return asyncio.run_coroutine_threadsafe(start(), self._api.clock.loop).result()

    def progress(self) -> dict[str, int]:
        """Return how many predictions exist, and how many requests are open."""
        return {
            "predictions": len(self._service.state.jobs),
            "open": self._api.connections + len(self._api._server.server_state.tasks),
        }

    def requests(self) -> dict[str, int]:
        """Return how many requests there were, by operation, and how many beyond the rate limits."""
        return {**self._requests.counts, "throttled": self._throttled}

    def disconnect(self) -> None:
        """Drop the connection of every request, before it is processed."""
        self._api.faults.drop_connection(times=sys.maxsize)

    def reconnect(self) -> None:
        self._api.faults.clear()

    def calm(self) -> None:
        """End all faults and rate limits, so that the judge gets every page."""
        self._api.faults.clear()
        self._api.faults._chaos = 0
        self._service.enforce_rate_limits = False


def scale_limit(bucket: TokenBucket, capacity: int, scale: float) -> None:
    """Multiply the rate of a limit, and let its bucket be full after a few seconds: a soak is not to take hours."""
    bucket.capacity, bucket.rate = capacity, bucket.rate * scale


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--chaos", type=float, default=0.05)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--scale", type=float, default=10.0, help="how many times the rate limits are the real ones")
    arguments = parser.parse_args()
    api = Emulator(enforce_rate_limits=True, chaos=arguments.chaos, seed=arguments.seed)
    with api, TemporaryDirectory() as folder:
        server = Server(api, Path(folder), arguments.scale)
        print(json.dumps({"url": api.url, "token": api.token}), flush=True)
        for line in sys.stdin:
            result: Any = getattr(server, line.strip())()
            print(json.dumps(result), flush=True)


if __name__ == "__main__":
    main()
