"""Saving to disk: targets, file names, atomic writes, cancellation."""

import asyncio
import errno
import gc
import os
import stat
import threading
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from conftest import ByteStream, Harness, folder_contents
from replicate_ext import APIStatusError
from replicate_ext._files.disk import AtomicFile, commit_together, file_name

URL = "https://replicate.delivery/abc/out-0.png"
CONTENT = bytes(range(256)) * 4


def test_save_to_a_file_or_into_a_folder(harness: Harness, tmp_path) -> None:
    harness.server.respond_with(httpx.Response(200, content=b"PNG"))
    file = harness.wrap(URL)
    assert harness.call(file.save(tmp_path)) == tmp_path / "out-0.png"
    assert harness.call(file.save(str(tmp_path / "mine.png"))) == tmp_path / "mine.png"
    assert harness.call(file.save(tmp_path / "mine.png")) == tmp_path / "mine.png"
    assert folder_contents(tmp_path) == {"out-0.png": b"PNG", "mine.png": b"PNG"}
    if os.name == "posix":
        (tmp_path / "plain").touch()
        modes = {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
        assert len(modes) == 1


def test_save_creates_the_folder_of_a_path_with_a_trailing_slash(harness: Harness, tmp_path) -> None:
    harness.server.respond_with(httpx.Response(200, content=b"PNG"))
    file = harness.wrap(URL)
    assert harness.call(file.save(f"{tmp_path}/a/b/")) == tmp_path / "a/b/out-0.png"


@pytest.mark.parametrize("has_links", [True, False])
def test_save_into_a_folder_replaces_no_file(harness: Harness, tmp_path, monkeypatch, has_links: bool) -> None:
    def fail(*_: object) -> None:
        raise OSError("no hard links on this file system")

    if not has_links:
        monkeypatch.setattr(os, "link", fail)
    harness.server.respond_with(*[httpx.Response(200, content=content) for content in (b"1", b"2", b"3")])
    names = [harness.call(harness.wrap(URL).save(tmp_path)).name for _ in range(3)]
    assert names == ["out-0.png", "out-0-2.png", "out-0-3.png"]
    assert folder_contents(tmp_path) == {"out-0.png": b"1", "out-0-2.png": b"2", "out-0-3.png": b"3"}


def test_unwritable_target_raises_before_any_request(harness: Harness, tmp_path: Path) -> None:
    (tmp_path / "taken").write_bytes(b"")
    with pytest.raises(OSError, match="taken"):
        harness.call(harness.wrap(URL).save(tmp_path / "taken" / "out.png"))
    assert harness.server.requests == []


@pytest.mark.parametrize(
    ("url", "content_type", "name"),
    [
        ("https://x.example/abc", "image/webp; q=1", "abc.webp"),
        ("https://x.example/abc.tar.gz", "image/png", "abc.tar.gz"),
        ("https://x.example/abc", "application/x-unknown", "abc"),
        ("https://x.example/", "image/png", "output.png"),
    ],
)
def test_file_name_gets_its_extension_from_the_content_type(
    harness: Harness, tmp_path, url, content_type, name
) -> None:
    harness.server.respond_with(httpx.Response(200, content=b"x", headers={"content-type": content_type}))
    assert harness.call(harness.wrap(url).save(tmp_path)).name == name


@pytest.mark.parametrize(
    ("url", "name"),
    [
        (URL, "out-0.png"),
        (f"{URL}?signature=x", "out-0.png"),
        ("https://x.example/a%20b.png", "a_b.png"),
        ("https://x.example/..%2F..%2Fetc%2Fpasswd", "passwd"),
        ("https://x.example/.hidden", "hidden"),
        ("https://x.example/a%5Cb", "a_b"),
        ("https://x.example/", "output"),
        ("data:image/png;base64,AA==", "output.png"),
        ("data:application/x-unknown,AA", "output"),
    ],
)
def test_file_name_is_safe(url: str, name: str) -> None:
    assert file_name(url) == name


def test_save_downloads_several_files_concurrently_in_order(harness: Harness, tmp_path) -> None:
    def respond(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, content=request.url.path.encode())

    harness.server.respond_with(respond)
    urls = [f"https://replicate.delivery/{number}/out.png" for number in range(20)]
    output = harness.wrap({"images": urls, "mask": "https://replicate.delivery/m/mask.png", "seed": 7})
    paths = harness.call(harness.client.save(output, tmp_path / "new"))
    assert [path.read_text() for path in paths] == [f"/{number}/out.png" for number in range(20)] + ["/m/mask.png"]
    assert len(set(paths)) == 21
    with pytest.raises(ValueError, match="no file to save in 'nothing'"):
        harness.call(harness.client.save("nothing", tmp_path))


def test_save_of_several_files_raises_if_one_fails(harness: Harness, tmp_path) -> None:
    harness.server.respond_with(httpx.Response(404))
    output = harness.wrap([f"https://replicate.delivery/{number}/out.png" for number in range(20)])
    with pytest.raises(APIStatusError):
        harness.call(harness.client.save(output, tmp_path))
    assert folder_contents(tmp_path) == {}
    gc.collect()


@pytest.fixture
def set_batch_size(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Return a function that sets how many bytes the async client collects before it writes."""
    return lambda size: monkeypatch.setattr("replicate_ext._files.disk.WRITE_BUFFER_SIZE", size)


def respond_in_small_chunks(request: httpx.Request) -> httpx.Response:
    chunks = [CONTENT[start : start + 7] for start in range(0, len(CONTENT), 7)]
    return httpx.Response(200, stream=ByteStream(*chunks))


@pytest.mark.parametrize("batch_size", [1, 50, 7 * 16, 10**6])
def test_batched_writes_are_complete(make_harness, tmp_path, set_batch_size, batch_size: int) -> None:
    set_batch_size(batch_size)
    harness = make_harness(transport=httpx.MockTransport(respond_in_small_chunks))
    harness.call(harness.wrap(URL).save(tmp_path / "out.png"))
    assert folder_contents(tmp_path) == {"out.png": CONTENT}


@pytest.mark.parametrize("successful", [0, 1, 2, 3])
def test_failed_write_is_raised_and_leaves_no_file(
    make_harness, tmp_path, monkeypatch, set_batch_size, successful: int
) -> None:
    writes: list[int] = []

    def write(file: AtomicFile, chunks: list[bytes]) -> None:
        writes.append(sum(map(len, chunks)))
        if len(writes) > successful:
            raise OSError(errno.ENOSPC, "No space left on device")

    set_batch_size(300)
    monkeypatch.setattr(AtomicFile, "write", write)
    harness = make_harness(transport=httpx.MockTransport(respond_in_small_chunks))
    with pytest.raises(OSError, match="No space left"):
        harness.call(harness.wrap(URL).save(tmp_path / "out.png"))
    assert len(writes) <= successful + 2
    assert folder_contents(tmp_path) == {}


def test_a_folder_that_is_not_writable_is_reported_with_the_name_of_the_file(
    make_harness, tmp_path, monkeypatch
) -> None:
    open = Path.open

    def refuse(path: Path, *arguments, **options):
        if path.suffix == ".part":
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return open(path, *arguments, **options)

    monkeypatch.setattr(Path, "open", refuse)
    harness = make_harness(transport=httpx.MockTransport(respond_in_small_chunks))
    with pytest.raises(PermissionError) as caught:
        harness.call(harness.wrap(URL).save(tmp_path / "out.png"))
    assert caught.value.filename == str(tmp_path / "out.png")


class StalledStream(httpx.AsyncByteStream):
    """A body that stalls after two bytes, and then sets an event."""

    def __init__(self, stalled: asyncio.Event) -> None:
        self.stalled = stalled

    async def __aiter__(self):
        yield b"x"
        yield b"y"
        self.stalled.set()
        await asyncio.Event().wait()


def test_canceled_save_leaves_no_file(server, clock, tmp_path) -> None:
    stalled = asyncio.Event()
    transport = httpx.MockTransport(lambda _: httpx.Response(200, stream=StalledStream(stalled)))
    harness = Harness(server, clock, is_async=True, transport=transport)

    async def main() -> None:
        task = asyncio.ensure_future(harness.wrap(URL).save(tmp_path))
        await stalled.wait()
        assert len(list(tmp_path.iterdir())) == 1
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    assert list(tmp_path.iterdir()) == []


def test_canceled_save_waits_for_the_writing_thread(server, clock, tmp_path, monkeypatch, set_batch_size) -> None:
    stalled, may_write = asyncio.Event(), threading.Event()
    order: list[str] = []
    transport = httpx.MockTransport(lambda _: httpx.Response(200, stream=StalledStream(stalled)))
    harness = Harness(server, clock, is_async=True, transport=transport)
    discard = AtomicFile.discard

    def write(file: AtomicFile, chunks: list[bytes]) -> None:
        may_write.wait(5)
        order.append("written")

    set_batch_size(2)
    monkeypatch.setattr(AtomicFile, "write", write)
    monkeypatch.setattr(AtomicFile, "discard", lambda file: (order.append("discarded"), discard(file)))

    async def main() -> None:
        task = asyncio.ensure_future(harness.wrap(URL).save(tmp_path))
        await stalled.wait()
        for _ in range(3):  # canceling again changes nothing
            task.cancel()
            await asyncio.sleep(0.001)
        may_write.set()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    assert order == ["written", "discarded"]
    assert list(tmp_path.iterdir()) == []


def test_files_that_are_committed_together_are_written_before_any_is_flushed(tmp_path, monkeypatch) -> None:
    """The file system then flushes its own journal once for all of them, and the folder is flushed once."""
    events = []
    write, fsync = AtomicFile.write, os.fsync
    monkeypatch.setattr(AtomicFile, "write", lambda file, chunks: (events.append("write"), write(file, chunks)))
    monkeypatch.setattr(os, "fsync", lambda descriptor: (events.append("flush"), fsync(descriptor)))
    files = [AtomicFile(tmp_path, name, ".txt", may_replace=True, is_durable=True) for name in "ab"]
    for file in files:
        file.hold([b"12", b"3"])
    assert commit_together(files) == [tmp_path / "a.txt", tmp_path / "b.txt"]
    assert folder_contents(tmp_path) == {"a.txt": b"123", "b.txt": b"123"}
    assert events == ["write", "write", *["flush"] * (3 if os.name == "posix" else 2)]


def test_file_that_cannot_be_committed_leaves_the_others(tmp_path) -> None:
    (tmp_path / "b.txt").mkdir()
    files = [AtomicFile(tmp_path, name, ".txt", may_replace=True) for name in "abc"]
    for file in files:
        file.hold([b"123"])
    first, failed, last = commit_together(files)
    assert (first, last) == (tmp_path / "a.txt", tmp_path / "c.txt")
    assert isinstance(failed, OSError)
    for file in files:
        file.discard()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.txt", "b.txt", "c.txt"]
