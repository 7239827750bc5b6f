"""The progress of downloads: bytes that have arrived, and the total once it is known."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from conftest import ByteStream, Harness, serve_ranges

URL = "https://replicate.delivery/abc/out-0.png"


def serve(harness: Harness, *pieces: bytes, size: int | None = None) -> None:
    headers = {} if size is None else {"content-length": str(size)}
    harness.server.responses = [lambda request: httpx.Response(200, stream=ByteStream(*pieces), headers=headers)]


def test_save_reports_the_bytes_of_a_file(harness: Harness, tmp_path: Path) -> None:
    serve(harness, b"aaaa", b"bbb", b"c", size=8)
    seen: list[tuple[int, int | None]] = []
    path = harness.call(harness.wrap(URL).save(tmp_path / "a.png", progress=lambda *state: seen.append(state)))
    assert path.read_bytes() == b"aaaabbbc"
    assert seen == [(0, 8), (4, 8), (7, 8), (8, 8)]


def test_the_total_is_none_if_the_host_does_not_declare_it(harness: Harness, tmp_path: Path) -> None:
    serve(harness, b"aaaa", b"bbb")
    seen: list[tuple[int, int | None]] = []
    harness.call(harness.wrap(URL).save(tmp_path / "a.png", progress=lambda *state: seen.append(state)))
    assert seen == [(0, None), (4, None), (7, None)]


def test_a_resumed_download_counts_no_byte_twice(harness: Harness, tmp_path: Path) -> None:
    harness.server.responses = [serve_ranges(b"0123456789", [4, 3], etag='"a"')]
    seen: list[tuple[int, int | None]] = []
    harness.call(harness.wrap(URL).save(tmp_path / "a.png", progress=lambda *state: seen.append(state)))
    assert seen == [(0, 10), (4, 10), (7, 10), (10, 10)]


def test_save_of_many_files_reports_their_sum(harness: Harness, tmp_path: Path) -> None:
    serve(harness, b"aaaa", b"bbb", size=7)
    seen: list[tuple[int, int | None]] = []
    output = harness.wrap([URL, URL.replace("0", "1"), "data:image/png;base64,AAAA"])
    harness.call(harness.client.save(output, tmp_path, progress=lambda *state: seen.append(state)))
    assert len(list(tmp_path.iterdir())) == 3
    assert seen[-1] == (17, 17)
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    assert {total for _, total in seen} <= {None, 17}, "there is no total of some of the files"


def test_a_callback_that_raises_ends_the_download_and_leaves_no_file(harness: Harness, tmp_path: Path) -> None:
    serve(harness, b"aaaa", b"bbb", size=7)

    def stop(done: int, total: int | None) -> None:
        if done:
            raise RuntimeError("stop")

    for save in (harness.wrap(URL).save, lambda *args, **kw: harness.client.save(harness.wrap([URL]), *args, **kw)):
        with pytest.raises(RuntimeError, match="stop"):
            harness.call(save(tmp_path, progress=stop))
    assert list(tmp_path.iterdir()) == []


async def async_callback(done: int, total: int | None) -> None: ...


@pytest.mark.parametrize("progress", [1, "x", async_callback])
def test_progress_that_cannot_be_called_is_rejected(harness: Harness, tmp_path: Path, progress: Any) -> None:
    with pytest.raises(TypeError, match="progress must be a function that takes two numbers of bytes"):
        harness.call(harness.wrap(URL).save(tmp_path, progress=progress))
    assert harness.server.requests == []


def test_true_shows_a_bar(harness: Harness, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("tqdm")
    serve(harness, b"a" * 1500, b"b" * 500, size=2000)
    harness.call(harness.client.save(harness.wrap([URL]), tmp_path, progress=True))
    shown = capsys.readouterr().err
    assert "100%" in shown
    assert "2.00k/2.00k" in shown
    assert shown.endswith("\n")


def test_true_prints_lines_without_tqdm(
    harness: Harness, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "tqdm", None)
    serve(harness, b"a" * 1500, b"b" * 500, size=2000)
    harness.call(harness.wrap(URL).save(tmp_path, progress=True))
    assert capsys.readouterr().err.splitlines() == ["1,500 of 2,000 bytes (75%)", "2,000 of 2,000 bytes (100%)"]
