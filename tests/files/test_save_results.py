"""`client.save`: the results that it accepts, however they were obtained, and its errors."""

import asyncio
from pathlib import Path
from typing import Any

import httpx
import pytest

import replicate_ext
from conftest import BASE_URL, TOKEN, AccountServer, Harness, folder_contents, json_response, prediction, wrap_output
from replicate_ext import AsyncReplicate, FileOutput, Model, Prediction, Replicate, Training, webhooks
from replicate_ext.emulator import Emulator

URL = "https://replicate.delivery/abc/out-0.png"
MASK = "https://replicate.delivery/abc/mask.webp"
SECRET = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"


def job(output: object, status: str = "succeeded", **fields: Any) -> Prediction:
    return Prediction.from_dict(prediction(status, output=output, **fields))


def training(output: object, status: str = "succeeded") -> Training:
    return Training.from_dict(prediction(status, output=output))


RESULTS: dict[str, tuple[object, list[str]]] = {
    "URL": (URL, ["out-0.png"]),
    "data URI": ("data:text/plain,hello", ["output.txt"]),
    "output with URLs": ({"image": [URL], "mask": MASK, "seed": 7}, ["image.png", "mask.webp"]),
    "prediction": (job([URL]), ["out-0.png"]),
    "prediction with files": (job({"image": [URL, URL], "mask": MASK}), ["image-0.png", "image-1.png", "mask.webp"]),
    "predictions": ([job([URL]), job("text"), job(URL)], ["out-0.png", "out-2.png"]),
    "predictions by name": ({"cat": job(URL), "dog": job([URL, URL])}, ["cat.png", "dog-0.png", "dog-1.png"]),
    "failed prediction with files": (job([URL], "failed", error="CUDA out of memory"), ["out-0.png"]),
    "training": (training({"version": "acme/mine:abc", "weights": "https://x.example/w.tar"}), ["w.tar"]),
    "mixture": ((job(URL), MASK, [{"text": "see " + URL}]), ["out-0.png", "mask-1.webp"]),
}


@pytest.mark.parametrize(("result", "names"), RESULTS.values(), ids=RESULTS)
def test_save_accepts_predictions_outputs_and_urls(
    harness: Harness, tmp_path: Path, result: object, names: list[str]
) -> None:
    harness.server.respond_with(lambda request: httpx.Response(200, content=str(request.url).encode()))
    paths = harness.call(harness.client.save(result, tmp_path))
    assert [path.name for path in paths] == names
    assert sorted(folder_contents(tmp_path)) == sorted(names)


def test_save_accepts_files_of_both_clients(harness: Harness, tmp_path: Path) -> None:
    harness.server.respond_with(httpx.Response(200, content=b"PNG"))
    files = [Harness(harness.server, harness.clock, is_async=is_async).wrap(URL) for is_async in (False, True)]
    assert [path.name for path in harness.call(harness.client.save(files, tmp_path))] == ["out-0.png", "out-1.png"]


@pytest.mark.parametrize("origin", ["wait", "get", "list", "create"])
def test_save_accepts_the_prediction_of_every_operation(harness: Harness, tmp_path: Path, origin: str) -> None:
    client, body = harness.client, prediction(output=[URL])
    image = httpx.Response(200, content=b"PNG")
    if origin == "list":
        harness.server.respond_with(json_response({"results": [body], "next": None, "previous": None}), image)
        result: object = harness.collect(client.predictions.list())
    else:
        harness.server.respond_with(json_response(body), image)
        calls = {"wait": client.wait, "get": client.predictions.get}
        call = calls.get(origin) or (lambda _: client.predictions.create(version="acme/painter", input={}))
        result = harness.call(call(body["id"]))
    [path] = harness.call(client.save(result, tmp_path))
    assert (path.name, path.read_bytes()) == ("out-0.png", b"PNG")


def test_save_accepts_the_prediction_of_a_webhook(harness: Harness, tmp_path: Path) -> None:
    body = json_response(prediction(output=URL)).content
    harness.server.respond_with(httpx.Response(200, content=b"PNG"))
    result = webhooks.verify(body, webhooks.sign(body, SECRET), SECRET)
    assert [path.name for path in harness.call(harness.client.save(result, tmp_path))] == ["out-0.png"]


def test_save_accepts_the_prediction_of_a_stream(emulator_client: Replicate, tmp_path: Path) -> None:
    stream = emulator_client.stream("acme/painter", {"prompt": "a lighthouse", "width": 16, "height": 16})
    assert [event.event for event in stream] == ["output"]
    [path] = emulator_client.save(stream.prediction, tmp_path)
    assert path.read_bytes().startswith(b"\x89PNG")
    assert emulator_client.save(stream.prediction.output, tmp_path / "output")[0].read_bytes() == path.read_bytes()


def test_module_level_save_accepts_a_prediction(emulator: Emulator, tmp_path: Path) -> None:
    made = replicate_ext.predictions.create(version="acme/painter", input={"prompt": "x", "width": 16, "height": 16})
    [path] = replicate_ext.save(replicate_ext.wait(made), tmp_path)
    assert path.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("result", "message"),
    [
        (job("Hello, Ada!"), r"no file to save in prediction x0fmf\w+ \(succeeded\)"),
        (job(None, "failed", error="CUDA out of memory"), r"no file to save in prediction x0fmf\w+ \(failed\)"),
        (training(None), r"no file to save in training x0fmf\w+ \(succeeded\)"),
        ("x0fmfzfcf5rma0cq65c825tcbm", r"'x0fmf\w+': save takes .* client\.predictions\.get\(id\)"),
        (f"see {URL}", "no file to save in 'see https"),
        (["Hello", ", Ada!"], r"no file to save in \['Hello', ', Ada!'\]"),
        ([], r"no file to save in \[\]"),
        ({"seed": 7}, "no file to save in {'seed': 7}"),
        (None, "no file to save in None"),
        (7, "no file to save in 7"),
        ((url for url in [URL]), "no file to save in <generator"),
        (Model.from_dict({"name": "painter", "cover_image_url": URL}), r"no file to save in <?Model"),
        (job([URL], "processing"), r"x0fmf\w+ \(processing\) is not finished; call client\.wait"),
        (job(None, "starting"), r"x0fmf\w+ \(starting\) is not finished; call client\.wait"),
        ([job(URL), job(None, "processing")], r"x0fmf\w+ \(processing\) is not finished"),
        (training({}, "processing"), r"training x0fmf\w+ \(processing\) is not finished"),
        (job(None, data_removed=True), r"data of prediction x0fmf\w+ \(succeeded\) was removed; Replicate deletes"),
        ({"a": job(URL), "b": job(None, data_removed=True)}, r"data of prediction x0fmf\w+ \(succeeded\) was removed"),
    ],
)
def test_save_raises_where_no_file_can_be_saved(harness: Harness, tmp_path: Path, result: object, message: str) -> None:
    with pytest.raises(ValueError, match=message) as caught:
        harness.call(harness.client.save(result, tmp_path / "folder"))
    assert len(str(caught.value)) < 400
    assert harness.server.requests == []
    assert list(tmp_path.iterdir()) == []


def test_save_of_a_url_sends_the_token_only_to_the_api(harness: Harness, tmp_path: Path) -> None:
    harness.server.respond_with(httpx.Response(200, content=b"PNG"))
    harness.call(harness.client.save([URL, f"{BASE_URL}/files/f"], tmp_path))
    sent = {request.url.host: "Authorization" in request.headers for request in harness.server.requests}
    assert sent == {"replicate.delivery": False, "api.replicate.com": True}


def test_saving_an_expired_file_raises_with_advice(harness: Harness, tmp_path: Path) -> None:
    harness.server.respond_with(httpx.Response(404))
    with pytest.raises(replicate_ext.NotFoundError, match="one hour"):
        harness.call(harness.client.save(job(URL), tmp_path))


def test_file_output_of_a_prediction_is_saved_like_its_url(harness: Harness, tmp_path: Path) -> None:
    harness.server.respond_with(httpx.Response(200, content=b"PNG"))
    wrapped = harness.wrap([URL, MASK])
    assert isinstance(wrapped[0], FileOutput) is (not harness.is_async)
    for number, result in enumerate([wrapped, [URL, MASK], job([URL, MASK])]):
        paths = harness.call(harness.client.save(result, tmp_path / str(number)))
        assert [path.name for path in paths] == ["out-0.png", "mask-1.webp"]


@pytest.mark.usefixtures("async_backend")
def test_files_are_saved_and_iterated_over_both_async_transports(account_server: AccountServer, tmp_path: Path) -> None:
    url = f"{account_server.url}/out.json"

    async def download() -> tuple[bytes, bytes]:
        async with AsyncReplicate(TOKEN, base_url=f"{account_server.url}/v1") as client:
            chunks = [chunk async for chunk in wrap_output(client, url).aiter_bytes()]
            [path] = await client.save(job([url]), tmp_path)
            return b"".join(chunks), path.read_bytes()

    content, saved = asyncio.run(download())
    assert content == saved
    assert content.startswith(b"{")
