"""`FileInput`: a file for an input, and how it is sent."""

from __future__ import annotations

import inspect
import io
import os
import re
import stat
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from replicate_api.types import Upload

from .images import has_pillow, is_image, is_image_array

if TYPE_CHECKING:
    from PIL import Image

MAX_NAME_SIZE = 255
"""Bytes of a file name in UTF-8 (docs/api-facts.md, section 10.2)."""

DEFAULT_NAME = "upload"


class FileInput:
    """A file for an input, with instructions how to send it.

    A file without a `FileInput` around it is sent with the defaults.

    Args:
        source: A Path, bytes, a file opened with mode "rb", a PIL image, or an array of bytes with the shape of an
            image: (height, width), or (height, width, channels) with 1, 3 or 4 channels in the order red, green, blue,
            alpha. A PIL image goes as the file that it was opened from, or as a PNG if it was modified.
        name: The name under which it is uploaded; by default that of the source.
        media_type: Its media type, such as "audio/wav"; by default guessed by the name, else by the first bytes.
        inline: True to send it within the request, as a data URI; False to upload it. By default files of up to 256 KiB
            go inline, as long as the data URIs of a request have no more than 4 MiB in total.

    Raises:
        TypeError, ValueError: `name`, `media_type` or `inline` is invalid.

    Examples:
        >>> [image] = client.run("acme/painter", {"prompt": "a lighthouse", "width": 64})
        >>> scan = replicate.FileInput(image.save("scan"), name="scan.png", inline=False)
        >>> inverted = client.run("acme/filter", {"image": scan})
    """

    def __init__(
        self,
        source: os.PathLike[str] | bytes | bytearray | memoryview | IO[bytes] | Image.Image | Any,
        *,
        name: str | None = None,
        media_type: str | None = None,
        inline: bool | None = None,
    ) -> None:
        if name is not None and not (isinstance(name, str) and 0 < len(name.encode(errors="replace")) <= MAX_NAME_SIZE):
            raise ValueError(f"name must be a file name of 1 to {MAX_NAME_SIZE} bytes, not {name!r:.300}")
        if media_type is not None and not (isinstance(media_type, str) and _MEDIA_TYPE.fullmatch(media_type)):
            raise ValueError(f"media_type must be one such as 'image/png', not {media_type!r:.100}")
        if inline is not None and not isinstance(inline, bool):
            raise TypeError(f"inline must be True, False or None, not {inline!r:.100}")
        self.source, self.name, self.media_type, self.inline = source, name, media_type, inline

    def __repr__(self) -> str:
        options = f"name={self.name!r}, media_type={self.media_type!r}, inline={self.inline!r}"
        return f"FileInput({type(self.source).__name__}, {options})"


_MEDIA_TYPE = re.compile(r"[\w.+-]+/[\w.+-]+(;\s*[\w.-]+=[\w.+-]+)*", re.ASCII)
"""Without quoted parameters, which a data URI cannot contain: https://www.rfc-editor.org/rfc/rfc2397#section-3"""


def to_file_input(value: Any) -> FileInput:
    """Return the value of an input as a `FileInput`."""
    if isinstance(value, FileInput):
        return value
    if not isinstance(value, Upload):
        return FileInput(value)
    is_guess = value.mime_type == "application/octet-stream"
    name = None if value.file_name == DEFAULT_NAME else value.file_name
    return FileInput(value.payload, name=name, media_type=None if is_guess else value.mime_type)


def check_source(source: Any, path: str) -> object:
    """Check what can be checked without reading, and return a key that is equal for the same source.

    Raises:
        TypeError, ValueError, OSError: It is no file, or one that cannot be read; the message begins with `path`.
    """
    if isinstance(source, os.PathLike):
        return _check_path(Path(source), path)
    if hasattr(source, "read"):
        _check_handle(source, path)
    elif is_image_array(source):
        if not has_pillow():
            raise TypeError(f"{path} is an array with the shape of an image; install pillow, which encodes it")
    elif not isinstance(source, bytes | bytearray | memoryview) and not is_image(source):
        raise TypeError(
            f"{path} is a {type(source).__name__}, which is neither JSON nor a file; files are Path, bytes, files "
            "opened with mode 'rb', PIL images, and FileOutput"
        )
    return id(source)


def _check_path(source: Path, path: str) -> object:
    try:
        status = source.stat()
    except FileNotFoundError:
        raise FileNotFoundError(f"{path} does not exist: {source}") from None
    except OSError as error:  # a loop of symbolic links, say
        raise OSError(error.errno, f"{path} cannot be opened: {error.strerror}", str(source)) from None
    except ValueError as error:  # a null character
        raise ValueError(f"{path} is no valid path: {error}") from None
    if stat.S_ISDIR(status.st_mode):
        raise ValueError(f"{path} is a folder, not a file: {source}")
    if not stat.S_ISREG(status.st_mode):
        raise ValueError(f"{path} is a device or a named pipe, not a file: {source}; open it, and pass the open file")
    return os.path.realpath(source)


def _check_handle(source: Any, path: str) -> None:
    kind = type(source).__name__
    if inspect.iscoroutinefunction(source.read):
        raise TypeError(f"{path} is a {kind}, whose read() is async; pass its content, `await file.read()`")
    if getattr(source, "closed", False) is True:
        raise ValueError(f"{path} is a closed file")
    try:
        nothing = source.read(0)
    except io.UnsupportedOperation:
        raise ValueError(f"{path} is a file that is not open for reading; open it with mode 'rb'") from None
    except Exception as error:
        raise ValueError(f"{path} is a {kind} that cannot be read: {error}") from error
    if isinstance(nothing, str):
        raise TypeError(f"{path} is a file opened in text mode; open it with mode 'rb'")
    if inspect.iscoroutine(nothing):
        nothing.close()
    if not isinstance(nothing, bytes):
        raise TypeError(f"{path} is a {kind}, whose read() returns no bytes but a {type(nothing).__name__}")


def source_name(source: Any) -> str:
    """Return the file name of a source, or an empty string."""
    name = os.fspath(source) if isinstance(source, os.PathLike) else getattr(source, "name", None)
    name = os.path.basename(os.fsdecode(name)) if isinstance(name, str | bytes) else ""
    return name.encode(errors="replace").decode()  # names of the file system may have lone surrogates


def is_stream(source: Any) -> bool:
    """Whether an open file can be read only once, or has no size: a pipe, a socket, a device."""
    try:
        return not stat.S_ISREG(os.fstat(source.fileno()).st_mode)
    except (AttributeError, OSError, ValueError, TypeError, io.UnsupportedOperation):
        return not (hasattr(source, "seekable") and source.seekable())
