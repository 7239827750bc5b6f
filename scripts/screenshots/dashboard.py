"""The emulator's dashboard after a few predictions."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from PIL import Image

from replicate_ext import ModelError, Replicate
from replicate_ext.emulator import Emulator

from .chromium import photograph

WIDTH = 1040


def run_models(client: Replicate) -> None:
    """Run predictions that fail, are canceled, write and paint; the last one is the first on the page."""
    with suppress(ModelError):
        client.run("acme/broken", {"message": "CUDA out of memory"})
    slow = client.submit("acme/sleeper", {"seconds": 600})
    client.predictions.cancel(slow.id)
    client.run("acme/poet", {"prompt": "the sea"})
    client.run("acme/painter", {"prompt": "a lighthouse", "width": 216, "height": 144, "num_outputs": 4, "seed": 1})


def take(chromium: Path, folder: Path) -> tuple[Image.Image, str]:
    """Return a picture of the dashboard and its HTML."""
    with Emulator() as api, Replicate(api.token, base_url=api.url) as client:
        run_models(client)
        return photograph(chromium, api.url.removesuffix("/v1"), WIDTH)
