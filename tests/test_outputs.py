"""Files that a model made: promise 8, as far as reading and saving go."""

import asyncio
import base64
import copy
import errno
import gc
import io
import json
import os
import pickle
import re
import stat
import subprocess
import sys
import threading
from pathlib import Path

import httpx
import pytest
from PIL import Image

from conftest import Harness, prediction
from replicate_ext import APIStatusError, ConnectionFailed, ResponseError
from replicate_ext._files import download as downloads
from replicate_ext._files.download import file_name
from replicate_ext._files.outputs import files

URL = "https://replicate.delivery/abc/out-0.png"


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
        ("DATA:text/plain;BASE64,aGVsbG8%3D", b"hello"),
    ],
)
def test_a_data_uri_is_decoded_here(both: Harness, uri: str, content: bytes) -> None:
    assert both.do(files(uri, both.client._wire).read()) == content
    assert both.server.requests == []


def names(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def test_a_data_uri_that_is_none_is_one_of_our_errors(both: Harness) -> None:
    with pytest.raises(ResponseError, match="cannot be decoded"):
        both.do(files("data:image/png;base64,a", both.client._wire).read())


def test_save_writes_to_a_file_or_into_a_folder(both: Harness, tmp_path) -> None:
    both.server.will(httpx.Response(200, content=b"PNG"))
    file = files(URL, both.client._wire)
    assert both.do(file.save(tmp_path)) == tmp_path / "out-0.png"
    assert both.do(file.save(str(tmp_path / "mine.png"))) == tmp_path / "mine.png"
    assert both.do(file.save(tmp_path / "mine.png")) == tmp_path / "mine.png"
    assert names(tmp_path) == {"out-0.png": b"PNG", "mine.png": b"PNG"}
    if os.name == "posix":
        (tmp_path / "plain").touch()
        modes = {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
        assert len(modes) == 1


def test_a_path_with_a_slash_at_its_end_is_a_folder_that_is_made(both: Harness, tmp_path) -> None:
    both.server.will(httpx.Response(200, content=b"PNG"))
    file = files(URL, both.client._wire)
    assert both.do(file.save(f"{tmp_path}/a/b/")) == tmp_path / "a/b/out-0.png"


@pytest.mark.parametrize("links", [True, False])
def test_in_a_folder_no_other_file_is_replaced(both: Harness, tmp_path, monkeypatch, links: bool) -> None:
    if not links:
        monkeypatch.setattr(os, "link", lambda *_: (_ for _ in ()).throw(OSError("no links here")))
    both.server.will(*[httpx.Response(200, content=content) for content in (b"1", b"2", b"3")])
    saved = [both.do(files(URL, both.client._wire).save(tmp_path)).name for _ in range(3)]
    assert saved == ["out-0.png", "out-0-2.png", "out-0-3.png"]
    assert names(tmp_path) == {"out-0.png": b"1", "out-0-2.png": b"2", "out-0-3.png": b"3"}


@pytest.mark.parametrize(
    ("url", "content_type", "name"),
    [
        ("https://x.example/abc", "image/webp; q=1", "abc.webp"),
        ("https://x.example/abc.tar.gz", "image/png", "abc.tar.gz"),
        ("https://x.example/abc", "application/x-nobody-knows", "abc"),
        ("https://x.example/", "image/png", "output.png"),
    ],
)
def test_a_name_without_an_ending_gets_one_by_the_type(both: Harness, tmp_path, url, content_type, name) -> None:
    both.server.will(httpx.Response(200, content=b"x", headers={"content-type": content_type}))
    assert both.do(files(url, both.client._wire).save(tmp_path)).name == name


# A cut


def ranged(content: bytes, cuts: list[int], **headers: str):
    """Serve a content with ranges; each answer breaks off after so many bytes, until there are no cuts left."""

    def answer(request: httpx.Request) -> httpx.Response:
        match = re.fullmatch(r"bytes=(\d+)-(\d*)", request.headers.get("range", ""))
        start = int(match[1]) if match else 0
        stop = int(match[2]) + 1 if match and match[2] else len(content)
        rest = content[start:stop]
        if match and start >= len(content):
            return httpx.Response(416)
        more = {"content-length": str(len(rest)), **headers}
        if match:
            more["content-range"] = f"bytes {start}-{start + len(rest) - 1}/{len(content)}"
        return httpx.Response(206 if match else 200, stream=Body(rest, cuts.pop(0) if cuts else None), headers=more)

    return answer


class Body(httpx.SyncByteStream, httpx.AsyncByteStream):
    """A body that may break off."""

    def __init__(self, content: bytes, cut: int | None) -> None:
        self.content, self.cut = content, cut

    def __iter__(self):
        yield self.content[: self.cut]
        if self.cut is not None:
            raise httpx.ReadError("reset")

    async def __aiter__(self):
        for chunk in self:
            yield chunk


CONTENT = bytes(range(256)) * 4


@pytest.mark.parametrize("tag", [{"etag": '"abc"'}, {"last-modified": "Mon, 16 Mar 2026 10:11:12 GMT"}, {}])
def test_a_download_that_is_cut_goes_on_where_it_was(both: Harness, tmp_path, tag: dict[str, str]) -> None:
    both.server.will(ranged(CONTENT, [100, 0, 300, 1], **tag))
    assert both.do(files(URL, both.client._wire).save(tmp_path)).read_bytes() == CONTENT
    asked = [request.headers.get("range") for request in both.server.requests]
    assert asked == [None, "bytes=100-", "bytes=100-", "bytes=400-", "bytes=401-"]
    assert [request.headers.get("if-range") for request in both.server.requests[1:]] == [*tag.values(), None][:1] * 4
    assert names(tmp_path) == {"out-0.png": CONTENT}


@pytest.mark.parametrize(
    "second",
    [
        httpx.Response(200, content=CONTENT),  # it has changed, or the host knows no ranges
        httpx.Response(206, content=b"x", headers={"content-range": "bytes 7-7/1024"}),  # not what was asked for
        httpx.Response(206, content=b"x", headers={"content-range": "bytes 100-100/999"}),  # of another size
    ],
)
def test_a_cut_that_cannot_be_mended_for_sure_is_an_error(both: Harness, tmp_path, second: httpx.Response) -> None:
    both.server.will(ranged(CONTENT, [100]), second)
    (tmp_path / "out.png").write_bytes(b"old")
    with pytest.raises(ConnectionFailed, match="broke off"):
        both.do(files(URL, both.client._wire).save(tmp_path / "out.png"))
    assert names(tmp_path) == {"out.png": b"old"}


def test_a_download_that_gets_nowhere_ends(both: Harness, tmp_path) -> None:
    both.server.will(ranged(CONTENT, [0] * 99))
    with pytest.raises(ConnectionFailed, match="broke off"):
        both.do(files(URL, both.client._wire).save(tmp_path))
    assert len(both.server.requests) == 5
    assert names(tmp_path) == {}


@pytest.mark.parametrize("status", [403, 404])
def test_an_expired_file_is_an_error_that_explains(both: Harness, tmp_path, status: int) -> None:
    both.server.will(httpx.Response(status, text="<html><title>Not here</title></html>"))
    for use in (lambda file: file.save(tmp_path), lambda file: file.read(), lambda file: file.read(5)):
        with pytest.raises(APIStatusError, match=r"Not here: Replicate deletes the files .* one hour"):
            both.do(use(files(URL, both.client._wire)))
    assert names(tmp_path) == {}


def test_canceling_a_save_leaves_nothing(server, clock, tmp_path) -> None:
    begun = asyncio.Event()

    async def slow(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, stream=Endless(begun))

    harness = Harness("async", server, clock, transport=httpx.MockTransport(slow))

    async def main() -> None:
        task = asyncio.ensure_future(files(URL, harness.client._wire).save(tmp_path))
        await begun.wait()
        assert len(list(tmp_path.iterdir())) == 1
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    assert list(tmp_path.iterdir()) == []


class Chunks(httpx.SyncByteStream, httpx.AsyncByteStream):
    """CONTENT in small pieces."""

    def __iter__(self):
        return (CONTENT[at : at + 7] for at in range(0, len(CONTENT), 7))

    async def __aiter__(self):
        for chunk in self:
            yield chunk


@pytest.mark.parametrize("batch", [1, 50, 7 * 16, 10**6])
def test_what_is_written_in_batches_is_the_content(make, tmp_path, monkeypatch, batch: int) -> None:
    monkeypatch.setattr("replicate_ext._files.download.BATCH", batch)
    both = make(transport=httpx.MockTransport(lambda request: httpx.Response(200, stream=Chunks())))
    both.do(files(URL, both.client._wire).save(tmp_path / "out.png"))
    assert names(tmp_path) == {"out.png": CONTENT}


@pytest.mark.parametrize("good", [0, 1, 2, 3])
def test_a_write_that_fails_is_raised_and_leaves_nothing(make, tmp_path, monkeypatch, good: int) -> None:
    written: list[int] = []

    def write(part: downloads._Part, chunks: list[bytes]) -> None:
        written.append(1)
        if len(written) > good:
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("replicate_ext._files.download.BATCH", 300)
    monkeypatch.setattr(downloads._Part, "write", write)
    both = make(transport=httpx.MockTransport(lambda request: httpx.Response(200, stream=Chunks())))
    with pytest.raises(OSError, match="No space left"):
        both.do(files(URL, both.client._wire).save(tmp_path / "out.png"))
    assert len(written) <= good + 2
    assert names(tmp_path) == {}


def test_canceling_a_save_waits_for_the_thread_that_has_the_file(server, clock, tmp_path, monkeypatch) -> None:
    begun, go_on = asyncio.Event(), threading.Event()
    order: list[str] = []
    harness = Harness(
        "async", server, clock, transport=httpx.MockTransport(lambda _: httpx.Response(200, stream=Endless(begun)))
    )
    close = downloads._Part.discard

    def write(part: downloads._Part, chunks: list[bytes]) -> None:
        go_on.wait(5)
        order.append("written")

    monkeypatch.setattr("replicate_ext._files.download.BATCH", 2)
    monkeypatch.setattr(downloads._Part, "write", write)
    monkeypatch.setattr(downloads._Part, "discard", lambda part: (order.append("closed"), close(part)))

    async def main() -> None:
        task = asyncio.ensure_future(files(URL, harness.client._wire).save(tmp_path))
        await begun.wait()
        for _ in range(3):  # however often
            task.cancel()
            await asyncio.sleep(0.001)
        go_on.set()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    assert order == ["written", "closed"]
    assert list(tmp_path.iterdir()) == []


class Endless(httpx.AsyncByteStream):
    def __init__(self, begun: asyncio.Event) -> None:
        self.begun = begun

    async def __aiter__(self):
        yield b"x"
        yield b"y"
        self.begun.set()
        await asyncio.Event().wait()


# As a file


def test_read_with_a_size_goes_on_where_it_stopped(both: Harness) -> None:
    both.server.will(ranged(CONTENT, []))
    file = files(URL, both.client._wire)
    parts = [both.do(file.read(400)) for _ in range(5)]
    assert parts == [CONTENT[:400], CONTENT[400:800], CONTENT[800:], b"", CONTENT[:400]]
    assert both.do(file.read(0)) == b""
    both.server.answers = [httpx.Response(200, content=CONTENT)]  # a host without ranges
    file = files(URL, both.client._wire)
    assert [both.do(file.read(600)), both.do(file.read(600)), both.do(file.read(600))] == [
        CONTENT[:600],
        CONTENT[600:],
        b"",
    ]
    inline = files("data:text/plain,hello", both.client._wire)
    assert [both.do(inline.read(3)), both.do(inline.read(3)), both.do(inline.read(3))] == [b"hel", b"lo", b""]


@pytest.mark.parametrize("url", [URL, "data:image/png;base64," + base64.b64encode(CONTENT).decode()])
@pytest.mark.parametrize("has_ranges", [True, False])
def test_open_gives_a_file_that_can_seek(both: Harness, url: str, has_ranges: bool) -> None:
    both.server.will(ranged(CONTENT, []) if has_ranges else httpx.Response(200, content=CONTENT))
    opened = files(url, both.client._wire).open()
    with both.do(opened) if both.kind == "async" else opened as file:
        assert file.read(5) == CONTENT[:5]
        assert file.seek(-4, io.SEEK_END) == 1020
        assert file.read() == CONTENT[-4:]
        file.seek(100)
        file.seek(10, io.SEEK_CUR)
        assert (file.tell(), file.read(3)) == (110, CONTENT[110:113])
        assert file.seekable()
        assert file.readable()


def test_open_fetches_only_what_is_read(server, clock) -> None:
    harness = Harness("sync", server, clock)
    server.will(ranged(b"x" * 10_000_000, []))
    with files(URL, harness.client._wire).open() as file:
        file.seek(5_000_000)
        assert file.read(10) == b"x" * 10
    assert [request.headers["range"] for request in server.requests] == ["bytes=5000000-5262143"]


def test_a_picture_becomes_one(both: Harness) -> None:
    content = io.BytesIO()
    Image.new("RGB", (3, 2)).save(content, "PNG")
    both.server.will(httpx.Response(200, content=content.getvalue(), headers={"content-type": "image/png"}))
    file = files("https://replicate.delivery/abc/out", both.client._wire)
    assert file.content_type is None
    assert both.do(file.to_pil()).size == (3, 2)
    assert file.content_type == "image/png"
    assert files(URL, both.client._wire).content_type == "image/png"
    assert files("data:audio/wav;base64,AA==", both.client._wire).content_type == "audio/wav"


def test_nothing_imports_pillow_unless_asked() -> None:
    code = "import sys; from replicate_ext import FileOutput; print('PIL' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "False\n"


def test_notebooks_show_it(both: Harness) -> None:
    both.server.will(httpx.Response(200, content=b"PNG"))
    picture = files(URL + "?a=1&b=2", both.client._wire)
    assert picture._repr_html_() == f'<img src="{URL}?a=1&amp;b=2">'
    assert "<audio controls" in files("https://x.example/a.mp3", both.client._wire)._repr_html_()
    assert "<video controls" in files("https://x.example/a.mp4", both.client._wire)._repr_html_()
    assert files("https://x.example/a.bin", both.client._wire)._repr_html_() is None
    assert both.server.requests == []
    if both.kind == "sync":
        assert picture._repr_png_() == b"PNG"
        assert picture._repr_jpeg_() is None
        assert files("https://x.example/a.jpg", both.client._wire)._repr_jpeg_() == b"PNG"


def test_several_files_are_saved_at_once_in_order(both: Harness, tmp_path) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, content=request.url.path.encode())

    both.server.will(answer)
    urls = [f"https://replicate.delivery/{number}/out.png" for number in range(20)]
    output = files({"pictures": urls, "mask": "https://replicate.delivery/m/mask.png", "seed": 7}, both.client._wire)
    paths = both.do(both.client.save(output, tmp_path / "new"))
    assert [path.read_text() for path in paths] == [f"/{number}/out.png" for number in range(20)] + ["/m/mask.png"]
    assert len(set(paths)) == 21
    assert both.do(both.client.save("nothing", tmp_path)) == []


def test_of_several_files_a_failure_is_told(both: Harness, tmp_path) -> None:
    both.server.will(httpx.Response(404))
    output = files([f"https://replicate.delivery/{number}/out.png" for number in range(20)], both.client._wire)
    with pytest.raises(APIStatusError):
        both.do(both.client.save(output, tmp_path))
    assert names(tmp_path) == {}
    gc.collect()


# By schema


def schema(output: dict, **components: dict) -> dict:
    return {"components": {"schemas": {"Output": output, **components}}}


URI = {"type": "string", "format": "uri"}


@pytest.mark.parametrize(
    ("output", "known", "expected"),
    [
        (URL, schema(URI), True),
        (URL, schema({"type": "string"}), False),
        ([URL], schema({"type": "array", "items": URI}), [True]),
        ([URL], schema({"type": "array", "items": {"type": "string"}}), [False]),
        (
            {"a": URL, "b": URL, "c": URL},
            schema({"type": "object", "properties": {"a": URI, "b": {"type": "string"}}}),
            {"a": True, "b": False, "c": True},
        ),
        (
            [[URL]],
            schema({"$ref": "#/components/schemas/Rows"}, Rows={"items": {"items": {"$ref": "#/x/Url"}}}, Url=URI),
            [[True]],
        ),
        (URL, schema({"allOf": [{"$ref": "#/components/schemas/Text"}]}, Text={"type": "string"}), False),
        (URL, schema({"$ref": "#/components/schemas/Output"}), True),
        (URL, schema({}), True),
        (URL, {"components": []}, True),
        (URL, {"components": {"schemas": {"Output": "odd"}}}, True),
        ("not a url", schema(URI), False),
    ],
)
def test_where_the_schema_is_known_it_says_what_is_a_file(both: Harness, output, known, expected) -> None:
    def shape(value):
        if isinstance(value, list):
            return [shape(item) for item in value]
        if isinstance(value, dict):
            return {key: shape(item) for key, item in value.items()}
        return hasattr(value, "save")

    assert shape(files(output, both.client._wire, known)) == expected


def test_run_knows_the_schema_of_a_community_model_that_it_looked_up(both: Harness) -> None:
    version = {"id": "v" * 64, "openapi_schema": schema({"type": "string"})}
    both.server.will(
        httpx.Response(404, json={}),
        httpx.Response(200, json={"owner": "acme", "name": "linker", "latest_version": version}),
        httpx.Response(201, json=prediction(output=URL)),
    )
    assert type(both.do(both.client.run("acme/linker"))) is str


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


def test_a_download_is_retried_before_it_has_begun(both: Harness) -> None:
    both.server.will(httpx.Response(503), httpx.ReadTimeout("late"), httpx.Response(200, content=b"PNG"))
    assert both.do(files(URL, both.client._wire).read()) == b"PNG"


def test_a_target_that_cannot_be_written_is_told_before_anything_is_asked_for(both: Harness, tmp_path: Path) -> None:
    (tmp_path / "taken").write_bytes(b"")
    with pytest.raises(OSError, match="taken"):
        both.do(files(URL, both.client._wire).save(tmp_path / "taken" / "out.png"))
    assert both.server.requests == []


def test_a_redirect_to_no_address_is_ours_to_name(both: Harness) -> None:
    both.server.will(httpx.Response(302, headers={"location": "http://oops:port/?s3cret"}))
    with pytest.raises(ResponseError, match="redirect to no address") as caught:
        both.do(files(URL, both.client._wire).read())
    assert "s3cret" not in str(caught.value)


def test_redirects_have_an_end(both: Harness) -> None:
    both.server.will(httpx.Response(302, headers={"location": URL}))
    with pytest.raises(ResponseError, match="redirects"):
        both.do(files(URL, both.client._wire).read())
    assert len(both.server.requests) == 6
