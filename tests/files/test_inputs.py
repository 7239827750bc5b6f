"""Files in an input: data URIs, uploads, and what is rejected before any request."""

import base64
import io
import os
import threading
from collections import OrderedDict
from pathlib import Path

import pytest

from conftest import Harness, json_response, prediction
from replicate_ext import InvalidRequestError, Upload
from replicate_ext._files.inputs import prepare_input
from replicate_ext._files.local_file import MAX_UPLOAD_SIZE
from replicate_ext._files.outputs import FileOutput
from sent_inputs import LARGE, PNG, data_uri, multipart_files, run_with_input, upload_or_create


def test_json_values_are_copied(harness: Harness) -> None:
    original = OrderedDict(a=1, b=[1.5, None, True], c=("x",), d={"e": {"f": []}})
    prepared = prepare_input(original).values
    assert run_with_input(harness, original) == {"a": 1, "b": [1.5, None, True], "c": ["x"], "d": {"e": {"f": []}}}
    prepared["d"]["e"]["f"].append(1)
    assert original["d"] == {"e": {"f": []}}


@pytest.mark.parametrize(
    ("make_file", "media_type"),
    [
        (lambda path: path, "image/png"),
        (lambda path: path.read_bytes(), "image/png"),
        (lambda path: bytearray(path.read_bytes()), "image/png"),
        (lambda path: io.BytesIO(path.read_bytes()), "image/png"),
        (lambda path: Upload(path.read_bytes(), "other.gif"), "image/gif"),
    ],
)
def test_small_file_becomes_a_data_uri_with_its_media_type(
    harness: Harness, tmp_path: Path, make_file, media_type: str
) -> None:
    path = tmp_path / "cat.png"
    path.write_bytes(PNG)
    assert run_with_input(harness, {"image": make_file(path)}) == {"image": data_uri(media_type, PNG)}
    assert harness.server.requested == ["POST /models/acme/filter/predictions"]


def test_small_open_file_is_read_from_its_start(harness: Harness, tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_bytes(b"hello")
    with path.open("rb") as file:
        file.read(3)
        assert run_with_input(harness, {"text": file})["text"] == data_uri("text/plain", b"hello")
        assert not file.closed


def test_large_file_is_uploaded_with_name_and_media_type(harness: Harness, tmp_path: Path) -> None:
    path = tmp_path / "film.mp4"
    path.write_bytes(LARGE)
    assert run_with_input(harness, {"video": path}) == {"video": "https://api.replicate.com/v1/files/f1"}
    assert harness.server.requested == ["POST /files", "POST /models/acme/filter/predictions"]
    assert multipart_files(harness.server.requests[0]) == [("film.mp4", "video/mp4", len(LARGE))]


def test_pipe_is_read_once_and_sent_whole_on_each_retry(harness: Harness) -> None:
    read_end, write_end = os.pipe()

    def write() -> None:
        with os.fdopen(write_end, "wb") as pipe:
            pipe.write(LARGE)

    threading.Thread(target=write).start()
    failures = [json_response({}, 429)]

    def respond(request):
        return failures.pop() if failures else upload_or_create(harness, request)

    harness.server.respond_with(respond)
    with os.fdopen(read_end, "rb") as pipe:
        harness.call(harness.client.run("acme/filter", {"data": pipe}))
    assert [multipart_files(request)[0][2] for request in harness.server.requests[:2]] == [len(LARGE)] * 2


def test_nested_files_are_found_and_each_is_uploaded_once(harness: Harness, tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(LARGE)
    blob = LARGE + b"y"
    received = run_with_input(
        harness, {"one": path, "deep": [{"two": Path(str(path))}, (blob, blob)], "text": str(path)}
    )
    assert harness.server.requested.count("POST /files") == 2
    assert received["one"] == received["deep"][0]["two"]
    assert received["deep"][1][0] == received["deep"][1][1] != received["one"]
    assert received["text"] == str(path)


def test_file_output_becomes_its_url(harness: Harness) -> None:
    url = "https://replicate.delivery/y.png"
    assert run_with_input(harness, {"image": FileOutput(url, harness.client._session)}) == {"image": url}


def test_pil_image_becomes_a_png_data_uri(harness: Harness) -> None:
    image = pytest.importorskip("PIL.Image").new("RGB", (2, 2), "red")
    uri = run_with_input(harness, {"image": image})["image"]
    assert uri.startswith("data:image/png;base64,")
    assert base64.b64decode(uri.partition(",")[2]).startswith(b"\x89PNG")


def test_numpy_values_become_json_numbers(harness: Harness) -> None:
    numpy = pytest.importorskip("numpy")
    assert run_with_input(harness, {"a": numpy.array([[1, 2]]), "b": numpy.float32(0.5)}) == {"a": [[1, 2]], "b": 0.5}


def test_failed_upload_creates_no_prediction(harness: Harness) -> None:
    harness.server.respond_with(json_response({"detail": "no"}, 422))
    with pytest.raises(InvalidRequestError):
        harness.call(harness.client.run("acme/filter", {"a": LARGE, "b": LARGE + b"y"}))
    assert not any("predictions" in request for request in harness.server.requested)


class HugeFile(io.RawIOBase):
    """A file that claims to be larger than the maximum."""

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = 0) -> int:
        return MAX_UPLOAD_SIZE + 1 if whence == os.SEEK_END else 0

    def read(self, size: int = -1) -> bytes:
        return b""


@pytest.mark.parametrize(
    ("make_input", "message"),
    [
        (lambda folder: {"image": folder / "nowhere.png"}, r"input\.image does not exist"),
        (lambda folder: {"images": [b"x", folder]}, r"input\.images\[1\] is a folder"),
        (lambda folder: {"film": HugeFile()}, r"input\.film has 100,000,001 bytes"),
        (lambda folder: {"text": io.StringIO("x")}, r"input\.text is a file opened in text mode"),
        (lambda folder: {"list": [1, {"deep": {1, 2}}]}, r"input\.list\[1\]\.deep is a set"),
        (lambda folder: {"x": float("inf")}, r"input\.x is inf"),
        (lambda folder: [("a", 1)], "input must be a dict"),
        (lambda folder: "prompt", "input must be a dict"),
    ],
)
def test_invalid_input_is_rejected_before_any_request(
    harness: Harness, tmp_path: Path, make_input, message: str
) -> None:
    input = make_input(tmp_path)
    if isinstance(input, dict):
        input = {"first": LARGE} | input
    with pytest.raises((TypeError, ValueError, OSError), match=message):
        harness.call(harness.client.run("acme/filter", input))
    assert harness.server.requests == []


def test_stream_accepts_files(harness: Harness) -> None:
    harness.server.respond_with(json_response(prediction(output="x"), 201))
    harness.collect(harness.client.stream("acme/filter", {"image": PNG}))
    assert harness.server.request_json(0)["input"] == {"image": data_uri("image/png", PNG)}


@pytest.mark.parametrize(
    ("path", "arguments", "fields"),
    [
        ("predictions", [], {"version": "acme/filter"}),
        ("models.predictions", ["acme", "filter"], {}),
        ("deployments.predictions", ["acme", "app"], {}),
        ("trainings", ["acme", "filter", "v"], {"destination": "acme/mine"}),
    ],
)
def test_every_create_method_accepts_files(harness: Harness, path: str, arguments: list, fields: dict) -> None:
    harness.server.respond_with(lambda request: upload_or_create(harness, request))
    method = harness.client
    for part in [*path.split("."), "create"]:
        method = getattr(method, part)
    harness.call(method(*arguments, input={"small": PNG, "big": LARGE}, **fields))
    input = harness.server.request_json()["input"]
    assert input == {"small": data_uri("image/png", PNG), "big": "https://api.replicate.com/v1/files/f1"}
    requests = len(harness.server.requests)
    with pytest.raises((TypeError, ValueError), match="webhook must be a string"):
        harness.call(method(*arguments, input={"big": LARGE}, webhook=5, **fields))
    with pytest.raises(ValueError, match=r"input\.image is a folder"):
        harness.call(method(*arguments, input={"image": Path()}, **fields))
    assert len(harness.server.requests) == requests
