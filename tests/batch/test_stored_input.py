"""Inputs in the journal: what a later process sends is what this one would have sent."""

import hashlib
import io
import json
import os
import threading
from collections.abc import Callable
from enum import Enum
from pathlib import Path
from typing import Any

import numpy
import pytest
from PIL import Image

from conftest import Harness
from replicate_api.types import Upload
from replicate_ext import FileInput
from replicate_ext._batch.stored_input import dump_input, load_input
from replicate_ext._files import disk
from replicate_ext._files.inputs import prepare_input
from replicate_ext._files.local_file import MAX_INLINE_SIZE, MAX_UPLOAD_SIZE
from sent_inputs import LARGE, PNG, multipart_contents, run_with_input

WAV = b"RIFF\0\0\0\0WAVE"
SHA256_OF_PNG = hashlib.sha256(PNG).hexdigest()


def dump(input: dict[str, Any], folder: Path) -> str:
    return dump_input(prepare_input(input), folder)


def files(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


# Values without files.


@pytest.mark.parametrize(
    "input",
    [
        {},
        {"prompt": 'a "red" fox,\n☃ 😀 \0', "seed": 1, "scale": 1.0, "tiny": 1e-300, "flag": True, "nothing": None},
        {"tags": ["a", [], {}], "nested": {"a": {"b": [{"c": None}]}}, "big": 2**70},
        {"image": "https://example.com/a.png", "other": "data:image/png;base64,AAAA"},
    ],
)
def test_json_values_stay_the_same(tmp_path: Path, input: dict[str, Any]) -> None:
    loaded = load_input(dump(input, tmp_path), tmp_path)
    assert json.dumps(loaded, sort_keys=True) == json.dumps(input, sort_keys=True)  # which tells 1 from 1.0 and True
    assert files(tmp_path) == []


class Size(Enum):
    LARGE = "large"


def test_values_are_stored_as_they_are_sent(tmp_path: Path) -> None:
    text = dump({"size": Size.LARGE, "numbers": numpy.array([1, 2]), "pair": (1, 2)}, tmp_path)
    assert load_input(text, tmp_path) == {"size": "large", "numbers": [1, 2], "pair": [1, 2]}


@pytest.mark.parametrize(
    "input",
    [
        {"a": {"$file": {"path": "a.png"}}},
        {"a": {"$file": "a.png", "$$file": 1, "$$$file": 2, "file": 3, "$": 4, "$files": 5, "a$file": 6}},
        {"$file": {"path": "a.png"}},
        {"a": [{"$file": [{"$file": None}]}], "b": "$file", "c": '"$file":'},
    ],
)
def test_dicts_that_look_like_a_stored_file_stay_the_same(tmp_path: Path, input: dict[str, Any]) -> None:
    path = tmp_path / "b.png"
    path.write_bytes(PNG)
    assert load_input(dump(input, tmp_path), tmp_path) == input
    assert load_input(dump({**input, "image": path}, tmp_path), tmp_path) == {**input, "image": path}


@pytest.mark.parametrize("image", [PNG, "https://example.com/a.png"])
def test_equal_inputs_give_equal_text(tmp_path: Path, image: Any) -> None:
    one = {"prompt": "a", "nested": {"b": 1, "a": 2}, "image": image}
    other = {"image": image, "nested": {"a": 2, "b": 1}, "prompt": "a"}
    assert dump(one, tmp_path) == dump(other, tmp_path)
    assert dump(one, tmp_path) != dump({**one, "prompt": "b"}, tmp_path)


# Files.


def pipe(content: bytes) -> io.BufferedReader:
    reader, writer = os.pipe()
    threading.Thread(target=lambda: (os.write(writer, content), os.close(writer)), daemon=True).start()
    return open(reader, "rb")  # the tests close it


def photo(mode: str = "RGB") -> Image.Image:
    return Image.new(mode, (4, 3), 7)


SOURCES: dict[str, Callable[[Path], Any]] = {
    "path": lambda path: path,
    "path with options": lambda path: FileInput(path, name="scan.tiff", media_type="image/x-own", inline=True),
    "path to upload": lambda path: FileInput(path, inline=False),
    "path with a name to upload": lambda path: FileInput(path, name="scan.tiff", inline=False),
    "bytes": lambda path: PNG,
    "bytes without a type": lambda path: b"text",
    "bytes whose type a name would change": lambda path: WAV,
    "bytes to upload": lambda path: FileInput(PNG, inline=False),
    "bytes with a name to upload": lambda path: FileInput(PNG, name="scan", inline=False),
    "bytes with a type to upload": lambda path: FileInput(b"text", media_type="audio/wav", inline=False),
    "large bytes": lambda path: LARGE,
    "large bytes inline": lambda path: FileInput(LARGE, inline=True),
    "empty bytes": lambda path: FileInput(b"", name="empty.txt"),
    "bytearray": lambda path: bytearray(PNG),
    "memoryview": lambda path: memoryview(PNG),
    "file in memory": lambda path: io.BytesIO(PNG),
    "open file": lambda path: path.open("rb"),
    "open file to upload": lambda path: FileInput(path.open("rb"), inline=False),
    "large file in memory to upload": lambda path: io.BytesIO(LARGE),
    "pipe": lambda path: pipe(PNG),
    "PIL image": lambda path: photo(),
    "PIL image of a file": lambda path: Image.open(io.BytesIO(encode(photo(), "GIF"))),
    "PIL image to upload": lambda path: FileInput(photo("L"), inline=False),
    "array": lambda path: numpy.arange(24, dtype=numpy.uint8).reshape(2, 4, 3),
    "Upload": lambda path: Upload(PNG, "scan.png", "image/png"),
    "Upload with its defaults": lambda path: Upload(PNG),
}


def encode(image: Image.Image, format: str) -> bytes:
    file = io.BytesIO()
    image.save(file, format)
    return file.getvalue()


def requests(harness: Harness, input: dict[str, Any]) -> list[Any]:
    """Run a model with an input, and return the contents of all requests."""
    harness.server.requests.clear()
    run_with_input(harness, input)
    return [
        multipart_contents(request) if request.url.path == "/v1/files" else json.loads(request.content)
        for request in harness.server.requests
    ]


@pytest.mark.parametrize("source", SOURCES.values(), ids=SOURCES)
@pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning")
def test_a_loaded_file_is_sent_like_the_original(harness: Harness, tmp_path: Path, source: Any) -> None:
    path = tmp_path / "photo"  # without a suffix, so that it is recognized by its content
    path.write_bytes(PNG)
    text = dump(twice(source(path)), tmp_path)
    expected = requests(harness, twice(source(path)))
    assert requests(harness, load_input(text, tmp_path)) == expected


def twice(file: Any) -> dict[str, Any]:
    return {"image": file, "images": [file]}


def test_a_file_on_disk_is_stored_by_its_absolute_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "photo.png").write_bytes(PNG)
    monkeypatch.chdir(tmp_path)
    input = {"image": Path("photo.png"), "mask": FileInput(Path("photo.png"), media_type="image/x-own", inline=False)}
    text = dump(input, tmp_path / "batch")
    monkeypatch.chdir("/")
    assert json.loads(text) == {
        "image": {"$file": {"path": f"{tmp_path}/photo.png"}},
        "mask": {"$file": {"path": f"{tmp_path}/photo.png", "media_type": "image/x-own", "inline": False}},
    }
    loaded = load_input(text, tmp_path / "batch")
    assert loaded["image"] == tmp_path / "photo.png"
    assert files(tmp_path) == ["photo.png"]
    assert prepare_input(loaded).files


def test_a_path_that_is_no_utf_8_stays_the_same(tmp_path: Path) -> None:
    path = tmp_path / os.fsdecode(b"photo-\xe4.png")
    path.write_bytes(PNG)
    text = dump({"image": path}, tmp_path)
    text.encode()
    assert load_input(text, tmp_path) == {"image": path}


@pytest.mark.parametrize(
    ("source", "name"),
    [
        (PNG, f"{SHA256_OF_PNG}.png"),
        (io.BytesIO(PNG), f"{SHA256_OF_PNG}.png"),
        (FileInput(PNG, name="scan.tiff"), f"{SHA256_OF_PNG}.tiff"),
        (b"text", f"{hashlib.sha256(b'text').hexdigest()}.bin"),
    ],
)
def test_a_file_in_memory_is_written_under_its_hash(tmp_path: Path, source: Any, name: str) -> None:
    text = dump({"image": source}, tmp_path)
    assert json.loads(text)["image"]["$file"]["path"] == f"inputs/{name}"
    assert files(tmp_path) == [f"inputs/{name}"]
    assert (tmp_path / "inputs" / name).read_bytes() == (b"text" if source == b"text" else PNG)


def test_a_file_in_memory_is_written_once(tmp_path: Path) -> None:
    dump({"image": PNG, "images": [bytearray(PNG), PNG]}, tmp_path)
    [name] = files(tmp_path)
    written = (tmp_path / name).stat()
    dump({"image": io.BytesIO(PNG)}, tmp_path)
    assert files(tmp_path) == [name]
    assert (tmp_path / name).stat() == written


def test_the_folder_of_a_batch_may_move(tmp_path: Path) -> None:
    text = dump({"image": FileInput(PNG, name="scan.png")}, tmp_path / "batch")
    (tmp_path / "batch").rename(tmp_path / "moved")
    image = load_input(text, tmp_path / "moved")["image"]
    assert (image.source.read_bytes(), image.name) == (PNG, "scan.png")


def test_a_file_is_complete_on_the_disk_before_it_has_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    flushed: list[tuple[str, list[str]]] = []
    fsync = os.fsync

    def record(descriptor: int) -> None:
        fsync(descriptor)
        flushed.append((Path(os.readlink(f"/proc/self/fd/{descriptor}")).suffix, files(tmp_path)))

    monkeypatch.setattr(disk.os, "fsync", record)
    dump({"image": PNG}, tmp_path)
    [(suffix, before), (_, after)] = flushed
    assert suffix == ".part"
    assert [Path(name).suffix for name in before] == [".part"]
    assert after == [f"inputs/{SHA256_OF_PNG}.png"]


def test_nothing_remains_of_a_file_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(disk.os, "fsync", fail)
    with pytest.raises(OSError, match="No space left on device"):
        dump({"image": PNG}, tmp_path)
    assert files(tmp_path) == []


class HugeFile(io.BytesIO):
    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        return MAX_UPLOAD_SIZE + 1 if whence == os.SEEK_END else super().seek(offset, whence)


class ShrinkingFile(io.BytesIO):
    """A file that ends before the size that it had."""

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        return MAX_INLINE_SIZE * 2 if whence == os.SEEK_END else super().seek(offset, whence)


class LockedFile(io.BytesIO):
    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        raise OSError(5, "Input/output error")


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (HugeFile(PNG), r"input\.images\[0\] has 100,000,001 bytes; Replicate accepts files of up to 100,000,000"),
        (ShrinkingFile(LARGE), r"input\.images\[0\] cannot be sent: its size changed from 524,288 bytes"),
        (LockedFile(PNG), r"input\.images\[0\] cannot be sent: Input/output error"),
        (Image.new("F", (2, 2)), r"input\.images\[0\] cannot be sent: it has the mode F"),
    ],
)
def test_a_file_that_cannot_be_sent_is_named(tmp_path: Path, source: Any, message: str) -> None:
    with pytest.raises((ValueError, OSError), match=message):
        dump({"images": [source]}, tmp_path)
    assert files(tmp_path) == []


def test_a_name_that_is_too_long_for_an_upload_is_left_out(tmp_path: Path) -> None:
    file = io.BytesIO(PNG)
    file.name = "ä" * 200
    image = load_input(dump({"image": file}, tmp_path), tmp_path)["image"]
    assert (image.name, image.media_type) == (None, "image/png")


@pytest.mark.parametrize("image", [PNG, "photo.png"])
def test_a_stored_file_that_is_missing_is_named_when_the_input_is_prepared(tmp_path: Path, image: Any) -> None:
    path = tmp_path / "photo.png"
    path.write_bytes(PNG)
    text = dump({"image": path if isinstance(image, str) else image}, tmp_path)
    for name in files(tmp_path):
        (tmp_path / name).unlink()
    with pytest.raises(FileNotFoundError, match=r"input\.image does not exist: .*\.png"):
        prepare_input(load_input(text, tmp_path))
