"""The content of a URL, whole or in part, in memory or on disk: a cut is taken up again where it happened, or raised.

A content is continued only when it is surely the same one: the host says so (`If-Range`), or its size has not changed.
"""

from __future__ import annotations

import io
import mimetypes
import os
import re
from base64 import b64decode
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, suppress
from pathlib import Path
from typing import BinaryIO
from urllib.parse import unquote, unquote_to_bytes, urlsplit

import httpx

from .. import errors
from .._backends.sync import Ahead, BlockingWire, Wire, finish
from .._send import fetch

RESUMES = 5
"""How often a download may be cut without any progress in between."""

RESUME_DELAY = 0.5
"""Seconds before a download that was cut is taken up again."""

BATCH = 1024 * 1024
"""Bytes that whoever awaits writes at once: that is done in a thread, and going there takes longer than writing."""

EXPIRED = (
    "Replicate deletes the files of a prediction one hour after its end (those made through the API); save them in "
    "time, or run the model again"
)


class Download:
    """One pass over the content of an http(s) or data URL."""

    def __init__(self, wire: Wire, url: str) -> None:
        self._wire, self._url = wire, url
        self._response: httpx.Response | None = None
        self._at = 0
        self._tag: str | None = None
        self._size: int | None = None
        self.content_type: str | None = None
        """Known once it is open."""

    async def open(self) -> None:
        """Ask for the content.

        Raises:
            APIStatusError: The host answered with an error, such as 404 after the file's time.
            ConnectionFailed: No connection came about.
        """
        if is_data(self._url):
            self.content_type = data_type(self._url)
            return
        self._response = response = await _fetch(self._wire, self._url, {})
        self.content_type = _content_type(response)
        tag = response.headers.get("etag")
        self._tag = tag if tag and not tag.startswith("W/") else response.headers.get("last-modified")
        length = response.headers.get("content-length", "")
        self._size = int(length) if length.isdigit() and "content-encoding" not in response.headers else None

    async def chunks(self) -> AsyncGenerator[bytes, None]:
        """Yield the content as it arrives.

        Raises:
            ConnectionFailed: It was cut, and could not be taken up again.
        """
        if self._response is None:
            yield decoded(self._url)
            return
        left, response = RESUMES, self._response
        while True:
            before = self._at
            try:
                async with aclosing(self._wire.body(response)) as chunks:
                    async for chunk in chunks:
                        self._at += len(chunk)
                        yield chunk
            except errors.ConnectionFailed as cut:
                left = RESUMES if self._at > before else left - 1
                if not left:
                    raise
                await self._wire.sleep(RESUME_DELAY)
                response = await self._rest(cut)
            else:
                return

    async def _rest(self, cut: errors.ConnectionFailed) -> httpx.Response:
        """Ask for what is missing after a cut; where it cannot be had for sure, the cut is the error."""
        if not self._at:
            return await _fetch(self._wire, self._url, {})
        condition = {"If-Range": self._tag} if self._tag else {}
        response = await _fetch(self._wire, self._url, {"Range": f"bytes={self._at}-", **condition})
        start, total = _content_range(response)
        if response.status_code == 206 and start == self._at and (self._tag or (total and total == self._size)):
            return response
        await self._wire.close(response)
        raise cut


async def part(wire: Wire, url: str, start: int, stop: int) -> bytes:
    """Return the bytes of a URL from `start` up to, and without, `stop`; fewer, or none, where the content ends."""
    if start >= stop:
        return b""
    if is_data(url):
        return decoded(url)[start:stop]
    response = await _range(wire, url, start, stop)
    if response is None:
        return b""
    skip = start if response.status_code == 200 else 0  # a host without ranges sends it all
    found = bytearray()
    async with aclosing(wire.body(response)) as chunks:
        async for chunk in chunks:
            skipped = min(skip, len(chunk))
            skip -= skipped
            found += chunk[skipped:]
            if len(found) >= stop - start:
                break
    return bytes(found[: stop - start])


class RangedFile(io.RawIOBase):
    """A file on a host, of which only what is read is fetched; for `io.BufferedReader`."""

    def __init__(self, wire: BlockingWire, url: str) -> None:
        self._wire, self._url = wire, url
        self._at = 0
        self._size: int | None = None
        self.name = url

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at}.get(whence)
        self._at = max(0, offset + (self._end() if base is None else base))
        return self._at

    def tell(self) -> int:
        return self._at

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # pyright: ignore[reportIncompatibleMethodOverride]
        found = finish(part(self._wire, self._url, self._at, self._at + len(buffer)))
        buffer[: len(found)] = found
        self._at += len(found)
        return len(found)

    def _end(self) -> int:
        if self._size is None:
            self._size = finish(size(self._wire, self._url))
        return self._size


async def size(wire: Wire, url: str) -> int:
    """Return how many bytes a URL has."""
    if is_data(url):
        return len(decoded(url))
    response = await _range(wire, url, 0, 1)
    if response is None:
        return 0
    _, total = _content_range(response)
    if total is None:
        total = 0
        async with aclosing(wire.body(response)) as chunks:
            async for chunk in chunks:
                total += len(chunk)
    else:
        await wire.close(response)
    return total


async def saved(wire: Wire, url: str, target: Path, in_folder: bool) -> Path:
    """Download a URL to a file, which appears only when it is complete, and return its path."""
    download = Download(wire, url)
    part = _Part(target / file_name(url) if in_folder else target)
    try:
        await wire.offload(part.open)
        await download.open()
        if in_folder and not part.target.suffix:
            part.target = part.target.with_suffix(mimetypes.guess_extension(download.content_type or "") or "")
        async with aclosing(download.chunks()) as chunks:
            await _written(wire, part, chunks)
        return await wire.offload(part.settle, not in_folder)
    finally:
        part.discard()


async def _written(wire: Wire, part: _Part, chunks: AsyncIterator[bytes]) -> None:
    """Write a content as it arrives; whoever awaits writes a batch in a thread while the next one arrives."""
    if wire.blocks:
        async for chunk in chunks:
            part.write([chunk])
        return
    batch, size = list[bytes](), 0
    writing: Ahead[None] | None = None
    try:
        async for chunk in chunks:
            batch.append(chunk)
            size += len(chunk)
            if size >= BATCH:
                if writing:
                    await writing.result()
                writing = wire.ahead(wire.offload(part.write, batch))
                batch, size = [], 0
    except BaseException:
        if writing:
            with suppress(Exception):  # the thread has the file: it cannot be closed before
                await writing.result()
        raise
    if writing:
        await writing.result()
    await wire.offload(part.write, batch)


class _Part:
    """A file on its way to its name."""

    def __init__(self, target: Path) -> None:
        self.target = target
        self._path = target.with_name(f".{target.name}.{os.urandom(4).hex()}.part")
        self._file: BinaryIO | None = None

    def open(self) -> None:
        self.target.parent.mkdir(parents=True, exist_ok=True)
        self._file = self._path.open("xb")

    def write(self, chunks: list[bytes]) -> None:
        assert self._file is not None
        self._file.write(b"".join(chunks))

    def settle(self, may_replace: bool) -> Path:
        """Give it its name, or, where another file has that and may not be replaced, one with a number."""
        assert self._file is not None
        self._file.close()
        if may_replace:
            os.replace(self._path, self.target)
            return self.target
        number, free = 1, self.target
        while not self._took(free):
            number += 1
            free = self.target.with_stem(f"{self.target.stem}-{number}")
        return free

    def _took(self, free: Path) -> bool:
        try:
            os.link(self._path, free)  # unlike a replacement this fails where there is a file
        except FileExistsError:
            return False
        except OSError:  # no hard links on this file system
            if free.exists():
                return False
            os.replace(self._path, free)
        return True

    def discard(self) -> None:
        """Remove what is not there under its name."""
        if self._file is not None:
            self._file.close()
            self._path.unlink(missing_ok=True)


def file_name(url: str) -> str:
    """Return a name for the content of a URL: its last part, without what a file system might take amiss."""
    if is_data(url):
        return f"output{mimetypes.guess_extension(data_type(url) or '') or ''}"
    last = unquote(urlsplit(url).path).rpartition("/")[2]
    return re.sub(r"[^\w.-]", "_", last).lstrip(".") or "output"


def is_data(url: str) -> bool:
    """Whether a URL holds its content itself."""
    return url[:5].lower() == "data:"


def data_type(url: str) -> str | None:
    """Return the MIME type that a data URI says."""
    return re.split("[;,]", url[5:], maxsplit=1)[0].lower() or None


def decoded(url: str) -> bytes:
    """Return what a data URI holds; ResponseError where it cannot be decoded."""
    head, _, content = url.partition(",")
    raw = unquote_to_bytes(content)
    try:
        return b64decode(raw, validate=True) if head.lower().endswith(";base64") else raw
    except ValueError as error:
        raise errors.ResponseError(f"the model made a data URI that cannot be decoded: {error}") from error


async def _fetch(wire: Wire, url: str, headers: dict[str, str]) -> httpx.Response:
    try:
        return await fetch(wire, url, {"Accept-Encoding": "identity", **headers})
    except (errors.NotFound, errors.PermissionDenied) as gone:
        gone.advise(EXPIRED)
        raise


async def _range(wire: Wire, url: str, start: int, stop: int) -> httpx.Response | None:
    """Ask for some bytes of a URL; None where the content ends before them."""
    try:
        return await _fetch(wire, url, {"Range": f"bytes={start}-{stop - 1}"})
    except errors.APIStatusError as error:
        if error.status == 416:
            return None
        raise


def _content_range(response: httpx.Response) -> tuple[int | None, int | None]:
    match = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", response.headers.get("content-range", ""))
    if match is None:
        return None, None
    return int(match[1]), int(match[2]) if match[2] != "*" else None


def _content_type(response: httpx.Response) -> str | None:
    return response.headers.get("content-type", "").partition(";")[0].strip() or None
