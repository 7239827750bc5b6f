"""A headless Chromium that reaches this machine only."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

from PIL import Image, ImageChops

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
OPTIONS = (
    "--headless",
    "--no-sandbox",  # which root cannot use
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--proxy-server=127.0.0.1:9",  # where nothing listens; for loopback, Chromium uses no proxy
)
VIRTUAL_TIME = "--virtual-time-budget=5000"
"""Milliseconds that pass for a page, which do not have to be waited for."""

SCALE = 2
"""Pixels of a picture for each CSS pixel, so that it is sharp on every screen."""

MAX_HEIGHT = 2000
"""CSS pixels of the window; the picture ends where the page does."""

MARGIN = 16
"""CSS pixels below the end of the page."""


def find_chromium() -> Path | None:
    """Return the path of Chromium, or None if it is not installed."""
    return next((Path(path) for path in map(shutil.which, NAMES) if path), None)


def photograph(chromium: Path, url: str, width: int) -> tuple[Image.Image, str]:
    """Return a picture of a page, `width` CSS pixels wide and as high as its content, and its HTML after scripts."""
    with TemporaryDirectory(prefix="chromium-") as folder:
        path = Path(folder) / "picture.png"
        command = [
            str(chromium),
            *OPTIONS,
            VIRTUAL_TIME,
            "--hide-scrollbars",
            f"--force-device-scale-factor={SCALE}",
            f"--window-size={width},{MAX_HEIGHT}",
            f"--user-data-dir={folder}/profile",
            f"--screenshot={path}",
            "--dump-dom",
            url,
        ]
        process = subprocess.run(command, capture_output=True, check=True, timeout=60)
        with Image.open(path) as picture:
            return _crop(picture.convert("RGB")), process.stdout.decode()


def _crop(picture: Image.Image) -> Image.Image:
    """Cut off what lies below the content: there, all pixels are as in the lower left corner."""
    background = Image.new("RGB", picture.size, picture.getpixel((0, picture.height - 1)))
    box = ImageChops.difference(picture, background).getbbox()
    if box is None:
        raise ValueError("the page is empty")
    return picture.crop((0, 0, picture.width, min(picture.height, box[3] + MARGIN * SCALE)))
