"""Files in, on both clients; and what cannot be sent is told before anything is."""

import base64
import io
import os
import re
import threading
from collections import OrderedDict
from pathlib import Path

import pytest

from conftest import Harness, prediction, replied
from replicate_ext import InvalidRequest, Upload
from replicate_ext._files.inputs import INLINE, LARGEST, prepare
from replicate_ext._files.outputs import FileOutput

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 8
BIG = b"x" * (INLINE + 1)


def sent(both: Harness, input: object) -> dict:
    """Return the input as the server got it."""
    both.server.will(lambda request: uploads(both, request))
    both.do(both.client.run("acme/filter", input))
    return both.server.body()["input"]


def uploads(both: Harness, request):
    if request.url.path == "/v1/files":
        number = both.server.asked.count("POST /files")
        return replied({"id": f"f{number}", "urls": {"get": f"https://api.replicate.com/v1/files/f{number}"}}, 201)
    return replied(prediction(output="x"), 201)


def parts(request) -> list[tuple[str, str, int]]:
    """Return name, type and size of the files in an upload."""
    boundary = request.headers["Content-Type"].partition("boundary=")[2].encode()
    found = []
    for part in request.content.split(b"--" + boundary)[1:-1]:
        head, _, body = part.partition(b"\r\n\r\n")
        name, mime = re.search(rb'filename="(.*?)"', head), re.search(rb"Content-Type: (.*)", head)
        found.append((name[1].decode(), mime[1].decode().strip(), len(body) - 2))
    return found


def data_uri(mime: str, content: bytes) -> str:
    return f"data:{mime};base64,{base64.b64encode(content).decode()}"


def test_json_values_pass_in_containers_of_their_own(both: Harness) -> None:
    given = OrderedDict(a=1, b=[1.5, None, True], c=("x",), d={"e": {"f": []}})
    prepared = prepare(given).tree
    assert sent(both, given) == {"a": 1, "b": [1.5, None, True], "c": ["x"], "d": {"e": {"f": []}}}
    prepared["d"]["e"]["f"].append(1)
    assert given["d"] == {"e": {"f": []}}


@pytest.mark.parametrize(
    ("make", "mime"),
    [
        (lambda path: path, "image/png"),
        (lambda path: path.read_bytes(), "image/png"),
        (lambda path: bytearray(path.read_bytes()), "image/png"),
        (lambda path: io.BytesIO(path.read_bytes()), "image/png"),
        (lambda path: Upload(path.read_bytes(), "other.gif"), "image/gif"),
    ],
)
def test_a_small_file_goes_inline_with_its_type(both: Harness, tmp_path: Path, make, mime: str) -> None:
    path = tmp_path / "cat.png"
    path.write_bytes(PNG)
    assert sent(both, {"image": make(path)}) == {"image": data_uri(mime, PNG)}
    assert both.server.asked == ["POST /models/acme/filter/predictions"]


def test_a_small_open_file_goes_inline_wherever_it_stands(both: Harness, tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_bytes(b"hello")
    with path.open("rb") as file:
        file.read(3)
        assert sent(both, {"text": file})["text"] == data_uri("text/plain", b"hello")
        assert not file.closed


def test_a_larger_file_is_uploaded_with_name_and_type(both: Harness, tmp_path: Path) -> None:
    path = tmp_path / "film.mp4"
    path.write_bytes(BIG)
    assert sent(both, {"video": path}) == {"video": "https://api.replicate.com/v1/files/f1"}
    assert both.server.asked == ["POST /files", "POST /models/acme/filter/predictions"]
    assert parts(both.server.requests[0]) == [("film.mp4", "video/mp4", len(BIG))]


def test_a_pipe_is_read_once_and_sent_whole_on_every_attempt(both: Harness) -> None:
    reading, writing = os.pipe()

    def write() -> None:
        with os.fdopen(writing, "wb") as pipe:
            pipe.write(BIG)

    threading.Thread(target=write).start()
    limited = [replied({}, 429)]

    def respond(request):
        return limited.pop() if limited else uploads(both, request)

    both.server.will(respond)
    with os.fdopen(reading, "rb") as pipe:
        both.do(both.client.run("acme/filter", {"data": pipe}))
    assert [parts(request)[0][2] for request in both.server.requests[:2]] == [len(BIG)] * 2


def test_files_are_found_anywhere_and_each_is_sent_once(both: Harness, tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(BIG)
    blob = BIG + b"y"
    got = sent(both, {"one": path, "deep": [{"two": Path(str(path))}, (blob, blob)], "text": str(path)})
    assert both.server.asked.count("POST /files") == 2
    assert got["one"] == got["deep"][0]["two"]
    assert got["deep"][1][0] == got["deep"][1][1] != got["one"]
    assert got["text"] == str(path)


def test_a_file_of_another_run_goes_in_as_its_url(both: Harness) -> None:
    url = "https://replicate.delivery/y.png"
    assert sent(both, {"image": FileOutput(url, both.client._wire)}) == {"image": url}


def test_a_pil_image_goes_in_as_a_picture(both: Harness) -> None:
    image = pytest.importorskip("PIL.Image").new("RGB", (2, 2), "red")
    got = sent(both, {"image": image})["image"]
    assert got.startswith("data:image/png;base64,")
    assert base64.b64decode(got.partition(",")[2]).startswith(b"\x89PNG")


def test_numpy_goes_in_as_numbers(both: Harness) -> None:
    numpy = pytest.importorskip("numpy")
    assert sent(both, {"a": numpy.array([[1, 2]]), "b": numpy.float32(0.5)}) == {"a": [[1, 2]], "b": 0.5}


def test_an_upload_that_fails_buys_nothing(both: Harness) -> None:
    both.server.will(replied({"detail": "no"}, 422))
    with pytest.raises(InvalidRequest):
        both.do(both.client.run("acme/filter", {"a": BIG, "b": BIG + b"y"}))
    assert not any("predictions" in asked for asked in both.server.asked)


class Huge(io.RawIOBase):
    """A file that would be too large."""

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = 0) -> int:
        return LARGEST + 1 if whence == os.SEEK_END else 0

    def read(self, size: int = -1) -> bytes:
        return b""


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda folder: {"image": folder / "nowhere.png"}, r"input\.image is not there"),
        (lambda folder: {"images": [b"x", folder]}, r"input\.images\[1\] is a folder"),
        (lambda folder: {"film": Huge()}, r"input\.film has 100,000,001 bytes"),
        (lambda folder: {"text": io.StringIO("x")}, r"input\.text is a file opened as text"),
        (lambda folder: {"list": [1, {"deep": {1, 2}}]}, r"input\.list\[1\]\.deep is a set"),
        (lambda folder: {"x": float("inf")}, r"input\.x is inf"),
        (lambda folder: [("a", 1)], "input must be a dict"),
        (lambda folder: "prompt", "input must be a dict"),
    ],
)
def test_what_cannot_be_sent_is_told_before_anything_is(both: Harness, tmp_path: Path, make, words: str) -> None:
    given = make(tmp_path)
    if isinstance(given, dict):
        given = {"first": BIG} | given
    with pytest.raises((TypeError, ValueError, OSError), match=words):
        both.do(both.client.run("acme/filter", given))
    assert both.server.requests == []


def test_a_file_goes_into_a_stream_too(both: Harness) -> None:
    both.server.will(lambda request: uploads(both, request))
    both.server.answers = [lambda request: replied(prediction(output="x"), 201)]
    both.collect(both.client.stream("acme/filter", {"image": PNG}))
    assert both.server.body(0)["input"] == {"image": data_uri("image/png", PNG)}


@pytest.mark.parametrize(
    ("path", "arguments", "fields"),
    [
        ("predictions", [], {"version": "acme/filter"}),
        ("models.predictions", ["acme", "filter"], {}),
        ("deployments.predictions", ["acme", "app"], {}),
        ("trainings", ["acme", "filter", "v"], {"destination": "acme/mine"}),
    ],
)
def test_whatever_takes_an_input_takes_files(both: Harness, path: str, arguments: list, fields: dict) -> None:
    both.server.will(lambda request: uploads(both, request))
    method = both.client
    for part in [*path.split("."), "create"]:
        method = getattr(method, part)
    both.do(method(*arguments, input={"small": PNG, "big": BIG}, **fields))
    given = both.server.body()["input"]
    assert given == {"small": data_uri("image/png", PNG), "big": "https://api.replicate.com/v1/files/f1"}
    requests = len(both.server.requests)
    with pytest.raises((TypeError, ValueError), match="webhook must be a string"):
        both.do(method(*arguments, input={"big": BIG}, webhook=5, **fields))
    with pytest.raises(ValueError, match=r"input\.image is a folder"):
        both.do(method(*arguments, input={"image": Path()}, **fields))
    assert len(both.server.requests) == requests
