"""`FileInput`, and which files go inline."""

import os
from pathlib import Path

import pytest

from conftest import Harness
from replicate_ext import FileInput, Upload
from replicate_ext._files.local_file import MAX_INLINE_TOTAL
from sent_inputs import LARGE, PNG, data_uri, multipart_files, parse_data_uri, run_with_input, upload_or_create

KIB = 1024


def test_small_file_is_uploaded_under_a_given_name(harness: Harness) -> None:
    file = FileInput(PNG, name="scan of a page.dat", media_type="image/x-scan", inline=False)
    assert run_with_input(harness, {"image": file})["image"].endswith("/files/f1")
    assert multipart_files(harness.server.requests[0]) == [("scan of a page.dat", "image/x-scan", len(PNG))]


def test_large_file_goes_inline(harness: Harness, tmp_path: Path) -> None:
    path = tmp_path / "film.mp4"
    path.write_bytes(LARGE)
    with path.open("rb") as handle:
        input = {"a": FileInput(LARGE, inline=True), "b": FileInput(path, inline=True), "c": handle}
        received = run_with_input(harness, input | {"d": FileInput(handle, inline=True)})
    assert [received[name] for name in "abd"] == [
        data_uri("application/octet-stream", LARGE),
        *[data_uri("video/mp4", LARGE)] * 2,
    ]
    assert harness.server.requested.count("POST /files") == 1  # the file without instructions


def test_media_type_is_guessed_by_the_given_name(harness: Harness) -> None:
    assert run_with_input(harness, {"x": FileInput(b"x", name="notes.txt")})["x"] == data_uri("text/plain", b"x")
    with_parameters = FileInput(b"x", media_type="audio/pcm;rate=16000")
    assert run_with_input(harness, {"x": with_parameters})["x"] == data_uri("audio/pcm;rate=16000", b"x")


def test_upload_keeps_its_name_and_media_type(harness: Harness) -> None:
    run_with_input(harness, {"x": Upload(LARGE, "a.dat", "model/special")})
    assert multipart_files(harness.server.requests[0]) == [("a.dat", "model/special", len(LARGE))]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"name": ""}, "name must be a file name"),
        ({"name": "é" * 128}, "name must be a file name"),
        ({"name": 5}, "name must be a file name"),
        ({"media_type": "png"}, "media_type must be one such as 'image/png'"),
        ({"media_type": "image/png, x"}, "media_type must be one such as"),
        ({"media_type": "image/png\r\nX: y"}, "media_type must be one such as"),
        ({"inline": "yes"}, "inline must be True, False or None"),
    ],
)
def test_invalid_arguments_are_rejected(arguments: dict, message: str) -> None:
    with pytest.raises((TypeError, ValueError), match=message):
        FileInput(b"x", **arguments)


def test_source_that_is_no_file_is_rejected_by_name(harness: Harness) -> None:
    for source in ("cat.png", 5, None, FileInput(b"x")):
        with pytest.raises(TypeError, match=r"input\.x is a \w+, which is neither JSON nor a file"):
            harness.call(harness.client.run("acme/filter", {"x": FileInput(source)}))
    assert "b'" not in repr(FileInput(b"secret", name="x"))


def inline_size(input: list[str]) -> int:
    return sum(len(value) for value in input if value.startswith("data:"))


@pytest.mark.parametrize(("count", "size"), [(100, 200 * KIB), (300, 255 * KIB)])
def test_many_small_files_are_inline_up_to_a_limit(harness: Harness, count: int, size: int) -> None:
    files = [number.to_bytes(2, "big") + bytes(size) for number in range(count)]
    received = run_with_input(harness, {"files": files})["files"]
    uploads = harness.server.requested.count("POST /files")
    assert MAX_INLINE_TOTAL - size * 4 // 3 - 100 < inline_size(received) <= MAX_INLINE_TOTAL
    assert uploads + sum(value.startswith("data:") for value in received) == count
    assert len(harness.server.requests[-1].content) < MAX_INLINE_TOTAL + 100 * count


def test_largest_files_are_uploaded_first(harness: Harness) -> None:
    sizes = [250, 10, 200, 240, *[150] * 20]
    files = [os.urandom(size * KIB) for size in sizes]
    received = run_with_input(harness, {"files": files})["files"]
    uploaded = [size for size, value in zip(sizes, received, strict=True) if not value.startswith("data:")]
    assert uploaded[:3] == [250, 200, 240]
    assert set(uploaded[3:]) <= {150}
    for file, value in zip(files, received, strict=True):
        assert not value.startswith("data:") or parse_data_uri(value)[1] == file


def test_file_that_appears_often_counts_each_time(harness: Harness) -> None:
    file = os.urandom(200 * KIB)
    received = run_with_input(harness, {"files": [file] * 30, "other": PNG})
    assert len(set(received["files"])) == 1
    assert harness.server.requested.count("POST /files") == 1
    assert received["other"].startswith("data:")


def test_inline_files_above_the_limit_are_rejected(harness: Harness) -> None:
    harness.server.respond_with(lambda request: upload_or_create(harness, request))
    for files in (
        [FileInput(bytes(4_000_000), inline=True)],
        [FileInput(LARGE + bytes([n]), inline=True) for n in range(20)],
    ):
        with pytest.raises(ValueError, match=r"input\.files\[\d+\] is too large for inline=True"):
            harness.call(harness.client.run("acme/filter", {"first": LARGE, "files": files}))
    assert harness.server.requests == []


def test_inline_file_leaves_less_room_for_others(harness: Harness) -> None:
    big = FileInput(bytes(3_000_000), inline=True)
    received = run_with_input(harness, {"big": big, "files": [os.urandom(200 * KIB) for _ in range(3)]})
    assert received["big"].startswith("data:")
    assert harness.server.requested.count("POST /files") == 3
