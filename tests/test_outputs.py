"""Files that a model made: promise 8, as far as reading and saving go."""

import copy
import json
import os
import pickle
import stat

import httpx
import pytest

from conftest import Harness
from replicate_ext import APIStatusError, ConnectionFailed
from replicate_ext.outputs import file_name, files

URL = "https://replicate.delivery/abc/out-0.png"


class Cut(httpx.SyncByteStream, httpx.AsyncByteStream):
    """A body that breaks off."""

    def __iter__(self):
        yield b"half"
        raise httpx.ReadError("reset")

    async def __aiter__(self):
        yield b"half"
        raise httpx.ReadError("reset")


@pytest.mark.parametrize(
    ("output", "is_file"),
    [
        (URL, True),
        ("http://127.0.0.1:1/outputs/x/y.png", True),
        ("data:image/png;base64,iVBORw==", True),
        ("data:text/plain,hello", True),
        (f"see {URL}", False),
        (f"{URL} is it", False),
        ("https://", False),
        ("ftp://x.example/y", False),
        ("data: the new oil, they say", False),
        ("", False),
        (7, False),
        (None, False),
    ],
)
def test_only_a_string_that_is_a_url_as_a_whole_is_a_file(both: Harness, output: object, is_file: bool) -> None:
    made = files(output, both.client._wire)
    assert hasattr(made, "save") is is_file
    assert made == output


def test_a_file_is_its_url(both: Harness) -> None:
    file = files(URL, both.client._wire)
    assert file.url == str(file) == URL
    assert f"{file}" == URL
    assert json.dumps({"image": file}) == f'{{"image": "{URL}"}}'
    assert URL in repr(file)
    assert "Output" in repr(file)
    assert len(repr(files("data:image/png;base64," + "A" * 9999, both.client._wire))) < 200
    for again in (pickle.loads(pickle.dumps(file)), copy.deepcopy(file)):
        assert type(again) is type(file)
        assert again == file


def test_read_and_chunks_give_the_content_each_time_anew(both: Harness) -> None:
    both.server.will(httpx.Response(200, content=b"PNG"))
    file = files(URL, both.client._wire)
    assert both.do(file.read()) == b"PNG"
    assert b"".join(both.collect(file)) == b"PNG"
    assert both.server.asked == ["GET /abc/out-0.png"] * 2


@pytest.mark.parametrize(
    ("uri", "content"),
    [
        ("data:text/plain;base64,aGVsbG8=", b"hello"),
        ("data:text/plain,hello%20you", b"hello you"),
        ("data:text/plain;charset=utf-8;base64,aGVsbG8=", b"hello"),
    ],
)
def test_a_data_uri_is_decoded_here(both: Harness, uri: str, content: bytes) -> None:
    assert both.do(files(uri, both.client._wire).read()) == content
    assert both.server.requests == []


def test_save_writes_to_a_file_or_into_a_folder(both: Harness, tmp_path) -> None:
    both.server.will(httpx.Response(200, content=b"PNG"))
    file = files(URL, both.client._wire)
    assert both.do(file.save(tmp_path)) == tmp_path / "out-0.png"
    assert both.do(file.save(str(tmp_path / "mine.png"))) == tmp_path / "mine.png"
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"out-0.png": b"PNG", "mine.png": b"PNG"}
    if os.name == "posix":
        (tmp_path / "plain").touch()
        modes = {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
        assert len(modes) == 1


def test_a_cut_download_raises_and_leaves_what_was_there(both: Harness, tmp_path) -> None:
    target = tmp_path / "out.png"
    target.write_bytes(b"old")
    both.server.will(lambda request: httpx.Response(200, stream=Cut()))
    file = files(URL, both.client._wire)
    with pytest.raises(ConnectionFailed, match="broke off"):
        both.do(file.save(target))
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"out.png": b"old"}
    with pytest.raises(ConnectionFailed):
        both.do(file.read())


def test_an_expired_file_is_an_error_with_its_status(both: Harness, tmp_path) -> None:
    both.server.will(httpx.Response(404, text="<html><title>Not here</title></html>"))
    with pytest.raises(APIStatusError, match="Not here"):
        both.do(files(URL, both.client._wire).save(tmp_path))
    assert list(tmp_path.iterdir()) == []


def test_a_download_is_retried_before_it_has_begun(both: Harness) -> None:
    both.server.will(httpx.Response(503), httpx.ReadTimeout("late"), httpx.Response(200, content=b"PNG"))
    assert both.do(files(URL, both.client._wire).read()) == b"PNG"


def test_redirects_have_an_end(both: Harness) -> None:
    both.server.will(httpx.Response(302, headers={"location": URL}))
    with pytest.raises(Exception, match="redirects"):
        both.do(files(URL, both.client._wire).read())
    assert len(both.server.requests) == 6


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
        ("data:application/x-nobody-knows,AA", "output"),
    ],
)
def test_names_are_safe(url: str, name: str) -> None:
    assert file_name(url) == name
