"""Take the pictures of README and docs: the dashboard, a notebook and a terminal, in a headless Chromium.

PYTHONPATH=scripts python -m screenshots [FOLDER]     default: docs/images
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from PIL import Image

from . import dashboard, notebook, terminal
from .chromium import NAMES, find_chromium

FOLDER = Path(__file__).parents[2] / "docs/images"
TAKERS = {"dashboard": dashboard.take, "notebook": notebook.take, "terminal": terminal.take}
MAX_SIZE = 250_000
"""Bytes of a picture, since every clone of the repository and every visitor of the site loads it."""


def save(picture: Image.Image, path: Path) -> None:
    """Save a picture as a PNG with a palette, which is a third of the size."""
    picture.quantize(256, dither=Image.Dither.NONE).save(path, optimize=True)
    if (size := path.stat().st_size) > MAX_SIZE:
        raise ValueError(f"{path} has {size:,} bytes, more than {MAX_SIZE:,}")


def main() -> None:
    """Take all pictures, or exit with one line if there is no Chromium."""
    parser = argparse.ArgumentParser(prog="screenshots", description="Take the pictures of the documentation.")
    parser.add_argument("folder", nargs="?", type=Path, default=FOLDER)
    folder: Path = parser.parse_args().folder
    chromium = find_chromium()
    if chromium is None:
        sys.exit(f"No Chromium is installed: none of {', '.join(NAMES)} is on the PATH")
    folder.mkdir(parents=True, exist_ok=True)
    for name, take in TAKERS.items():
        with TemporaryDirectory(prefix="screenshots-") as workplace:
            picture, _ = take(chromium, Path(workplace))
        path = folder / f"{name}.png"
        save(picture, path)
        print(f"{path}: {picture.width} x {picture.height} pixels, {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
