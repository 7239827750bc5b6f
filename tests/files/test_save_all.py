"""`client.save`: names of several files, nested outputs, Ctrl-C."""

import signal
import sys
import threading
import time
from pathlib import Path

import httpx
import pytest

from conftest import Harness, folder_contents, json_response, prediction
from replicate_ext._backends.base import MAX_CONCURRENT_TRANSFERS
from sent_inputs import LARGE


def url(name: str) -> str:
    return f"https://replicate.delivery/abc/{name}"


def save(harness: Harness, folder: Path, output: object) -> list[str]:
    """Save an output whose responses arrive in reverse order, and return the file names."""
    harness.server.respond_with(lambda request: httpx.Response(200, content=str(request.url).encode()))
    return [path.name for path in harness.call(harness.client.save(harness.wrap(output), folder))]


@pytest.mark.parametrize(
    ("output", "names"),
    [
        (url("out.png"), ["out.png"]),
        ([url("out-0.png")], ["out-0.png"]),
        ({"image": [url("out-0.png")]}, ["out-0.png"]),
        ([url("out.png"), "text"], ["out.png"]),
        ([url("out.png")] * 3, ["out-0.png", "out-1.png", "out-2.png"]),
        ([url("out-7.webp"), url("out-3.webp")], ["out-0.webp", "out-1.webp"]),
        ([url("cat.png"), url("2024.png")], ["cat-0.png", "2024-1.png"]),
        ({"image": [url("a.png"), url("b.png")]}, ["image-0.png", "image-1.png"]),
        ({"image": [url("a.png")], "mask": url("b.webp"), "seed": 7}, ["image.png", "mask.webp"]),
        (
            [{"image": url("a.png"), "mask": url("b.png")}] * 2,
            ["image-0.png", "mask-0.png", "image-1.png", "mask-1.png"],
        ),
        (
            {"a": {"b": url("x.png")}, "c": [[url("x.png")] * 2] * 2},
            ["a-b.png", "c-0-0.png", "c-0-1.png", "c-1-0.png", "c-1-1.png"],
        ),
        ({"a-b": url("x.png"), "a": {"b": url("y.png")}}, ["a-b.png", "a-b-2.png"]),
        ({"../v1.0": url("x.png"), "": url("y.png")}, ["_v1.0.png", "y.png"]),
        ({"a": "data:image/webp;base64,AA==", "b": url("x")}, ["a.webp", "b"]),
    ],
)
def test_several_files_are_named_by_their_place_in_the_output(
    harness: Harness, tmp_path: Path, output: object, names: list[str]
) -> None:
    assert save(harness, tmp_path, output) == names
    assert len(folder_contents(tmp_path)) == len(names)


def test_existing_files_are_kept(harness: Harness, tmp_path: Path) -> None:
    (tmp_path / "image-0.png").write_bytes(b"old")
    assert save(harness, tmp_path, {"image": [url("a.png"), url("b.png")]}) == ["image-0-2.png", "image-1.png"]
    assert (tmp_path / "image-0.png").read_bytes() == b"old"


def test_content_type_gives_the_suffix(harness: Harness, tmp_path: Path) -> None:
    harness.server.respond_with(httpx.Response(200, content=b"x", headers={"content-type": "image/webp"}))
    paths = harness.call(harness.client.save(harness.wrap({"v1.0": url("a"), "b": url("b")}), tmp_path))
    assert [path.name for path in paths] == ["v1.0.webp", "b.webp"]


def test_output_nested_900_deep_is_wrapped_and_saved(harness: Harness, tmp_path: Path) -> None:
    output: object = url("out.png")
    for _ in range(450):
        output = {"a": [output]}
    wrapped = harness.wrap(output)
    assert save(harness, tmp_path, output) == ["out.png"]
    for _ in range(450):
        wrapped = wrapped["a"][0]
    assert hasattr(wrapped, "save")


def test_run_returns_an_output_nested_900_deep(harness: Harness) -> None:
    body = json_response(prediction(output="OUTPUT"), 201).content.replace(b'"OUTPUT"', b"[" * 900 + b"]" * 900)
    harness.server.respond_with(httpx.Response(201, content=body))
    output = harness.call(harness.client.run("acme/hello"))
    for _ in range(899):
        [output] = output
    assert output == []


@pytest.mark.skipif(sys.platform == "win32", reason="raise_signal does not interrupt a wait")
@pytest.mark.parametrize("direction", ["download", "upload"])
def test_ctrl_c_stops_transfers_within_a_second(server, clock, tmp_path: Path, direction: str) -> None:
    release, started = threading.Event(), threading.Semaphore(0)

    def stall(request: httpx.Request) -> httpx.Response:
        started.release()
        release.wait(10)
        raise httpx.ReadError("reset")

    class StalledBody(httpx.SyncByteStream):
        def __iter__(self):
            yield b"the beginning"
            stall(httpx.Request("GET", url("")))

    def respond(request: httpx.Request) -> httpx.Response:
        return stall(request) if direction == "upload" else httpx.Response(200, stream=StalledBody())

    def interrupt() -> None:
        for _ in range(MAX_CONCURRENT_TRANSFERS):
            started.acquire()
        signal.raise_signal(signal.SIGINT)

    def transfer(harness: Harness) -> None:
        if direction == "upload":
            harness.client.run("acme/filter", {"files": [LARGE + bytes([number]) for number in range(20)]})
        else:
            harness.client.save(harness.wrap([url(f"{number}.png") for number in range(20)]), tmp_path)

    interrupter = threading.Thread(target=interrupt)
    interrupter.start()
    before = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        transfer(Harness(server, clock, is_async=False, transport=httpx.MockTransport(respond), max_retries=0))
    assert time.monotonic() - before < 1
    assert list(tmp_path.iterdir()) == []
    release.set()
    interrupter.join()
    for thread in threading.enumerate():
        if "(work)" in thread.name:
            thread.join(5)
    assert list(tmp_path.iterdir()) == []
