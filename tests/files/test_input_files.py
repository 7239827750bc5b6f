"""Files of an input: names and media types, files that cannot be read, pipes, files that change."""

import asyncio
import gzip
import io
import os
import tempfile
import threading
from pathlib import Path

import pytest
from starlette.datastructures import UploadFile

from conftest import Harness
from replicate_ext import AsyncReplicate, FileInput, Replicate, WaitTimeoutError
from replicate_ext._files import local_file
from replicate_ext.emulator import Emulator
from sent_inputs import (
    LARGE,
    PNG,
    data_uri,
    multipart_contents,
    multipart_files,
    parse_data_uri,
    run_with_input,
    upload_or_create,
)

JPEG = b"\xff\xd8\xff\xe0" + b"\0" * 12
HEIC = b"\0\0\0\x18ftypheic" + b"\0" * 8
TEXT = b"plain text, as it is"


@pytest.mark.parametrize(
    ("file_name", "content", "sent_as", "media_type"),
    [
        ("photo", JPEG, "photo.jpg", "image/jpeg"),
        ("IMG.1", PNG, "IMG.1.png", "image/png"),
        ("photo.png", JPEG, "photo.png", "image/png"),
        ("notes", TEXT, "notes", "application/octet-stream"),
        ("data.tar.gz", gzip.compress(TEXT, mtime=0), "data.tar.gz.gz", "application/gzip"),
        ("scan.webp", b"", "scan.webp", "image/webp"),
        (None, PNG, "upload.png", "image/png"),
        (None, HEIC, "upload.heic", "image/heic"),
        (None, b"RIFF\0\0\0\0WAVE", "upload.wav", "audio/wav"),
        (None, TEXT, "upload", "application/octet-stream"),
    ],
)
def test_name_and_media_type_of_an_upload(
    harness: Harness, tmp_path: Path, file_name, content: bytes, sent_as: str, media_type: str
) -> None:
    content = content.ljust(len(LARGE), b"\0")
    file: object = content
    if file_name:
        file = tmp_path / file_name
        file.write_bytes(content)
    run_with_input(harness, {"file": file})
    assert multipart_files(harness.server.requests[0]) == [(sent_as, media_type, len(content))]


def test_path_without_suffix_is_recognized_by_its_content(harness: Harness, tmp_path: Path) -> None:
    path = tmp_path / "photo"
    path.write_bytes(JPEG)
    assert run_with_input(harness, {"image": path}) == {"image": data_uri("image/jpeg", JPEG)}


def test_file_name_that_is_no_utf8_is_sent_with_replacement_characters(harness: Harness, tmp_path: Path) -> None:
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff.bin"))
    path.write_bytes(LARGE)
    run_with_input(harness, {"file": path})
    assert multipart_files(harness.server.requests[0])[0][0] == "?.bin"


def closed_file() -> io.BytesIO:
    file = io.BytesIO(PNG)
    file.close()
    return file


class AsyncFile:
    async def read(self, size: int = -1) -> bytes:
        return b""


class LateAsyncFile:
    """Its read is a plain function that returns a coroutine, as some wrappers have it."""

    def read(self, size: int = -1):
        return AsyncFile().read(size)


class BrokenFile(io.BytesIO):
    def read(self, size: int | None = -1) -> bytes:
        if size:
            raise EOFError("Compressed file ended early")
        return b""


def loop_of_links(folder: Path) -> Path:
    (folder / "a").symlink_to(folder / "b")
    (folder / "b").symlink_to(folder / "a")
    return folder / "a"


def named_pipe(folder: Path) -> Path:
    os.mkfifo(folder / "pipe")
    return folder / "pipe"


@pytest.mark.parametrize(
    ("make_file", "message"),
    [
        (lambda folder: UploadFile(io.BytesIO(PNG)), r"input\.x is a UploadFile, whose read\(\) is async"),
        (lambda folder: AsyncFile(), r"input\.x is a AsyncFile, whose read\(\) is async; pass .*await"),
        (lambda folder: LateAsyncFile(), r"input\.x is a LateAsyncFile, .* no bytes but a coroutine"),
        (lambda folder: closed_file(), r"input\.x is a closed file"),
        (lambda folder: (folder / "out").open("wb"), r"input\.x is a file that is not open for reading"),
        *[
            (lambda folder, make=make: make(mode="w+"), r"input\.x is a file opened in text mode")
            for make in (tempfile.TemporaryFile, tempfile.NamedTemporaryFile, tempfile.SpooledTemporaryFile)
        ],
        (lambda folder: BrokenFile(PNG), r"input\.x cannot be sent: Compressed file ended early"),
        (lambda folder: gzip.GzipFile(fileobj=io.BytesIO(b"no gzip")), r"input\.x cannot be sent: Not a gzipped file"),
        (loop_of_links, r"input\.x cannot be opened: Too many levels"),
        (named_pipe, r"input\.x is a device or a named pipe"),
        (lambda folder: Path("/dev/zero"), r"input\.x is a device or a named pipe"),
        (lambda folder: Path("a\0b"), r"input\.x is no valid path"),
        (lambda folder: Path("\ud800"), r"input\.x is no valid path"),
    ],
)
def test_file_that_cannot_be_sent_is_rejected_by_name(
    harness: Harness, tmp_path: Path, make_file, message: str
) -> None:
    file = make_file(tmp_path)
    with pytest.raises((TypeError, ValueError, OSError), match=message):
        harness.call(harness.client.run("acme/filter", {"first": LARGE, "x": file}))
    if hasattr(file, "close") and not isinstance(file, UploadFile):
        file.close()
    assert harness.server.requests == []


def test_file_without_read_permission_is_named(harness: Harness, tmp_path: Path, monkeypatch) -> None:
    path = tmp_path / "cat.png"
    path.write_bytes(PNG)

    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(PermissionError, match=r"input\.x cannot be sent: Permission denied"):
        harness.call(harness.client.run("acme/filter", {"first": LARGE, "x": path}))
    assert harness.server.requests == []


def test_path_like_objects_and_binary_names_are_files(harness: Harness, tmp_path: Path) -> None:
    (tmp_path / "cat.png").write_bytes(PNG)
    [entry] = os.scandir(tmp_path)
    assert run_with_input(harness, {"image": entry}) == {"image": data_uri("image/png", PNG)}
    with open(os.fsencode(tmp_path / "cat.png"), "rb") as file:
        run_with_input(harness, {"image": FileInput(file, inline=False)})
    assert multipart_files(harness.server.requests[1])[0][0] == "cat.png"


def test_decompressed_content_of_a_gzip_file_is_sent(harness: Harness, tmp_path: Path) -> None:
    path, content = tmp_path / "numbers.bin.gz", os.urandom(100) * 10_000
    path.write_bytes(gzip.compress(content))
    with gzip.open(path) as file:
        run_with_input(harness, {"data": file})
    [(_, _, sent)] = multipart_contents(harness.server.requests[0])
    assert sent == content


def test_file_that_is_removed_before_its_upload_is_named(harness: Harness, tmp_path: Path, monkeypatch) -> None:
    path = tmp_path / "log.bin"
    path.write_bytes(LARGE)
    upload = local_file.LocalFile.upload

    async def remove_and_upload(file, session, transfers) -> None:
        path.unlink()
        await upload(file, session, transfers)

    monkeypatch.setattr(local_file.LocalFile, "upload", remove_and_upload)
    with pytest.raises(FileNotFoundError, match=r"input\.log cannot be sent: No such file"):
        harness.call(harness.client.run("acme/filter", {"log": path}))
    assert harness.server.requests == []


@pytest.mark.parametrize("change", [b"", LARGE, LARGE * 3])
def test_upload_of_a_changing_file_creates_no_prediction(
    client_kind: str, emulator: Emulator, tmp_path: Path, monkeypatch, change: bytes
) -> None:
    path = tmp_path / "log.bin"
    path.write_bytes(LARGE * 2)
    upload = local_file.LocalFile.upload

    async def change_and_upload(file, session, transfers) -> None:
        path.write_bytes(change)
        await upload(file, session, transfers)

    async def run_async() -> None:
        async with AsyncReplicate(emulator.token, base_url=emulator.url) as client:
            await client.run("acme/filter", {"image": path})

    monkeypatch.setattr(local_file.LocalFile, "upload", change_and_upload)
    with Replicate(emulator.token, base_url=emulator.url) as client:
        with pytest.raises(ValueError, match=r"input\.image .* its size changed from 524,290 bytes"):
            client.run("acme/filter", {"image": path}) if client_kind == "sync" else asyncio.run(run_async())
        assert list(client.predictions.list()) == []
        assert list(client.files.list()) == []


class GrowingFile(io.BytesIO):
    """A small file to which somebody appends while it is measured."""

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        position = super().seek(offset, whence)
        if whence == os.SEEK_END and position < len(LARGE):
            self.write(LARGE * 4)
        return position


def test_small_file_that_grows_is_not_sent_inline(harness: Harness) -> None:
    harness.server.respond_with(lambda request: upload_or_create(harness, request))
    with pytest.raises(ValueError, match=r"input\.log .* its size changed from 3 bytes"):
        harness.call(harness.client.run("acme/filter", {"log": GrowingFile(b"abc")}))
    assert harness.server.requests == []


def test_device_that_never_ends_is_rejected_at_the_limit(harness: Harness, monkeypatch) -> None:
    monkeypatch.setattr(local_file, "MAX_UPLOAD_SIZE", 1_000_000)
    with open("/dev/zero", "rb") as zeros, pytest.raises(ValueError, match=r"input\.x has 1,\d+,\d+ bytes or more"):
        harness.call(harness.client.run("acme/filter", {"x": zeros}))
    assert harness.server.requests == []


def test_pipe_is_read_off_the_event_loop_until_the_deadline(harness: Harness) -> None:
    read_end, write_end = os.pipe()
    harness.client._session.deadline = harness.clock.time + 5
    harness.client._session.backend.monotonic = iter(
        [harness.clock.time + 1] * 3 + [harness.clock.time + 6] * 3
    ).__next__
    with os.fdopen(read_end, "rb") as pipe:
        with pytest.raises(WaitTimeoutError, match=r"input\.x is a pipe that did not end"):
            harness.call(harness.client.run("acme/filter", {"x": pipe}))
        os.close(write_end)
    assert harness.server.requests == []


def test_canceled_task_does_not_wait_for_a_pipe(server, clock) -> None:
    harness = Harness(server, clock, is_async=True)
    read_end, write_end = os.pipe()

    async def main() -> None:
        task = asyncio.ensure_future(harness.client.run("acme/filter", {"x": pipe}))
        await asyncio.sleep(0.02)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    with os.fdopen(read_end, "rb") as pipe:
        asyncio.run(main())
        os.close(write_end)
    assert server.requests == []


class ThreadRecorder(io.BytesIO):
    """Records which threads read it."""

    def __init__(self, content: bytes, *, seekable: bool) -> None:
        super().__init__(content)
        self.threads: set[int] = set()
        self._is_seekable = seekable

    def seekable(self) -> bool:
        return self._is_seekable

    def read(self, size: int | None = -1) -> bytes:
        if size:
            self.threads.add(threading.get_ident())
        return super().read(size)


@pytest.mark.parametrize("seekable", [True, False])
def test_async_client_reads_files_in_threads(server, clock, seekable: bool) -> None:
    harness = Harness(server, clock, is_async=True)
    file = ThreadRecorder(b"x" * 1000, seekable=seekable)
    uri = run_with_input(harness, {"x": file})["x"]
    assert parse_data_uri(uri)[1] == b"x" * 1000
    assert file.threads
    assert threading.get_ident() not in file.threads
