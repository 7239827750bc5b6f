"""The built-in models really compute."""

from __future__ import annotations

import io

import pytest
from emulator_fixtures import create_prediction, module_fixtures, wait_until
from PIL import Image

from replicate_ext import ModelError, PredictionCanceledError

api, http, client = module_fixtures()


def test_painter_is_deterministic_for_prompt_and_seed(client) -> None:
    def paint(prompt: str, seed: int) -> bytes:
        [file] = client.run("acme/painter", {"prompt": prompt, "seed": seed, "width": 64, "height": 48})
        return bytes(file.read())

    picture = paint("a lighthouse", 7)
    assert Image.open(io.BytesIO(picture)).size == (64, 48)
    assert Image.open(io.BytesIO(picture)).format == "PNG"
    assert paint("a lighthouse", 7) == picture
    assert paint("a lighthouse", 8) != picture
    assert paint("a donkey", 7) != picture


def test_filter_reads_uploads_outputs_and_data_uris(client, tmp_path) -> None:
    source = Image.new("RGB", (400, 300), (10, 20, 30))
    path = tmp_path / "dark.png"
    source.save(path)
    uploaded = client.files.create(content=path.read_bytes(), filename="dark.png")
    for image in (path, uploaded.urls.get):
        changed = client.run("acme/filter", {"image": image})
        assert Image.open(io.BytesIO(changed.read())).getpixel((5, 5)) == (245, 235, 225)
    again = client.run("acme/filter", {"image": changed, "effect": "invert"})
    assert Image.open(io.BytesIO(again.read())).getpixel((5, 5)) == (10, 20, 30)
    with pytest.raises(ModelError, match="there is no file at"):
        client.run("acme/filter", {"image": f"{uploaded.urls.get}x"})


def test_broken_fails_with_its_message_and_logs(client) -> None:
    with pytest.raises(ModelError, match=r"CUDA out of memory \(code: E1001\)") as caught:
        client.run("acme/broken", {"message": "CUDA out of memory (code: E1001)"})
    assert caught.value.prediction.status == "failed"
    assert "loading weights" in str(caught.value)


def test_sleeper_is_canceled_immediately_and_logs_its_progress(api, http, client) -> None:
    id = create_prediction(http, "acme/sleeper", None, seconds=600).json()["id"]
    wait_until(lambda: http.get(f"predictions/{id}").json()["status"] == "processing")
    api.clock.advance(61)
    wait_until(lambda: http.get(f"predictions/{id}").json()["logs"])
    canceled = http.post(f"predictions/{id}/cancel").json()
    assert (canceled["status"], canceled["output"], canceled["logs"]) == ("canceled", None, None)
    assert canceled["completed_at"] >= canceled["started_at"] >= canceled["created_at"]
    with pytest.raises(PredictionCanceledError) as caught:
        client.wait(id)
    assert caught.value.prediction.logs == " 10%|#         | 1/10\n"
    assert http.post(f"predictions/{id}/cancel").json()["status"] == "canceled"
