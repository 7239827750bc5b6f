"""What a process that was killed leaves behind: a copy of its folder as it was at that moment."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from fake_platform import MODEL, FakePlatform
from replicate_ext._batch.batch import Batch
from replicate_ext.errors import BatchStoppedError

Moment = Callable[[httpx.Request], bool]
"""Whether a request is the one at which the process is killed."""


class Killed(Exception):
    """Ends a driver abruptly: no error that it handles."""


def never(request: httpx.Request) -> bool:
    return False


def is_create(request: httpx.Request) -> bool:
    return request.method == "POST" and request.url.path.endswith("/predictions")


def is_poll(request: httpx.Request) -> bool:
    return request.method == "GET" and "/predictions" in request.url.path


def is_download(request: httpx.Request) -> bool:
    return request.url.host == "replicate.delivery"


def kill(
    platform: FakePlatform, rows: Any, folder: Path, *, before: Moment = never, after: Moment = never, **options: Any
) -> Path:
    """Run a batch and kill its process: see `kill_batch`."""
    return kill_batch(platform, platform.client().map(MODEL, rows, folder, **options), before=before, after=after)


def kill_batch(platform: FakePlatform, batch: Batch, *, before: Moment = never, after: Moment = never) -> Path:
    """Run a batch, kill its process, and return its folder as it was at that moment.

    Args:
        before: The process is killed when such a request would arrive at the platform.
        after: It is killed after such a request had its effect, and before its response arrives.
    """
    crashed = batch.folder.with_name(f"{batch.folder.name}-crashed")

    def kill_at(moment: Moment) -> Callable[[httpx.Request], None]:
        def hook(request: httpx.Request) -> None:
            if not crashed.exists() and moment(request):
                shutil.copytree(batch.folder, crashed)
            if crashed.exists():
                raise Killed

        return hook

    refuse, lose = platform.refuse, platform.lose
    platform.refuse, platform.lose = kill_at(before), kill_at(after)
    with pytest.raises(BatchStoppedError, match="Killed"):
        list(batch)
    platform.refuse, platform.lose = refuse, lose
    return crashed
