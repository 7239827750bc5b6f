"""PIL images and arrays as files: an image that was not modified goes as the file it was opened from, else lossless."""

from __future__ import annotations

import io
import sys
import threading
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import IO, Any

_CONVERTED_MODES = {
    "CMYK": "RGB",
    "HSV": "RGB",
    "LAB": "RGB",
    "RGBX": "RGB",
    "YCbCr": "RGB",
    "La": "LA",
    "PA": "RGBA",
    "RGBa": "RGBA",
    "I;16L": "I;16",
}
"""Modes that PNG does not have, and the mode with the same colors that it has.

https://pillow.readthedocs.io/en/stable/handbook/concepts.html#modes
"""

_lock = threading.Lock()
"""Reading an image changes it (it loads lazily, and `seek` moves), and one image may be in several concurrent calls."""


def is_image(value: Any) -> bool:
    """Whether a value is a PIL image, or a numpy array with the type and shape of one."""
    pil = sys.modules.get("PIL.Image")  # if it was not imported, the value cannot be an image
    return (pil is not None and isinstance(value, pil.Image)) or is_image_array(value)


def is_image_array(value: Any) -> bool:
    """Whether a value is a numpy array of bytes with the axes height, width and, if any, 1, 3 or 4 channels."""
    numpy = sys.modules.get("numpy")
    if numpy is None or not isinstance(value, numpy.ndarray) or value.dtype != numpy.uint8:
        return False
    return bool(value.size > 0 and (value.ndim == 2 or (value.ndim == 3 and value.shape[2] in (1, 3, 4))))


def has_pillow() -> bool:
    """Whether arrays can be encoded."""
    return find_spec("PIL") is not None


def write_image(image: Any, file: IO[bytes]) -> str:
    """Write an image to a file, and return a file name for it.

    Raises:
        ValueError: The image has a mode that no lossless format represents.
    """
    from PIL import Image

    if not isinstance(image, Image.Image):
        image = Image.fromarray(image[:, :, 0] if image.ndim == 3 and image.shape[2] == 1 else image)
    with _lock:
        name, content = _original_file(image)
        if content is not None and _shows_same(image, content):
            file.write(content)
            return name
        exif = image.getexif().tobytes() if image.getexif() else None
        if content is None and getattr(image, "n_frames", 1) > 1:
            return _write_animation(image, file, exif)
        still = image.copy()  # `save` stores its options in the image
    if still.mode in _CONVERTED_MODES:
        still = still.convert(_CONVERTED_MODES[still.mode])
    try:
        still.save(file, "PNG", exif=exif)
    except OSError as error:
        raise ValueError(f"it has the mode {still.mode}: use image.convert('RGB') or image.convert('L')") from error
    return "image.png"


def _original_file(image: Any) -> tuple[str, bytes | None]:
    """Return name and content of the file that an image was opened from; no content if it is out of reach."""
    path = getattr(image, "filename", "")
    with suppress(Exception):  # the file was moved, or closed
        if path:
            return Path(path).name, Path(path).read_bytes()
        file = image.fp or image._fp
        position = file.tell()
        file.seek(0)
        try:
            return f"image.{image.format.lower()}", file.read()
        finally:
            file.seek(position)
    return "", None


def _shows_same(image: Any, content: bytes) -> bool:
    """Whether a file contains exactly the pixels and the EXIF data of an image that was opened from it."""
    from PIL import Image

    image.load()
    with suppress(Exception), Image.open(io.BytesIO(content)) as original:  # the file was replaced by another
        if original.tell() != image.tell():
            original.seek(image.tell())
        original.load()
        return (
            (original.mode, original.size, original.getpalette()) == (image.mode, image.size, image.getpalette())
            and dict(original.getexif()) == dict(image.getexif())
            and original.tobytes() == image.tobytes()
        )
    return False


def _write_animation(image: Any, file: IO[bytes], exif: bytes | None) -> str:
    position, frames = image.tell(), []
    for number in range(image.n_frames):
        image.seek(number)
        frames.append(image.copy())
    image.seek(position)
    first, *others = frames
    durations = [frame.info.get("duration", 0) for frame in frames]
    loop = image.info.get("loop", 0)
    options = {"save_all": True, "append_images": others, "duration": durations, "loop": loop, "lossless": True}
    first.save(file, "WEBP", exif=exif or b"", **options)
    return "image.webp"
