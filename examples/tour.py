"""A tour of the client: text, images, files, lists, cancel, errors, and a typed low-level call.

python examples/tour.py --emulator     with the local emulator: no token, no internet, no cost
python examples/tour.py                with Replicate: requires REPLICATE_API_TOKEN, costs a few cents
"""

from __future__ import annotations

import argparse
import contextlib
import tempfile
from collections.abc import Generator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from replicate_api.api.models import models_versions_list
from replicate_ext import PredictionCanceledError, Replicate, ReplicateError


@dataclass(frozen=True)
class Models:
    """The models of the tour, each with its input."""

    text: tuple[str, dict[str, Any]]
    image: tuple[str, dict[str, Any]]
    edit: tuple[str, dict[str, Any]]
    slow: tuple[str, dict[str, Any]]
    failing: tuple[str, dict[str, Any]]
    with_versions: tuple[str, str]


EMULATOR_MODELS = Models(
    text=("acme/hello", {"text": "Ada"}),
    image=("acme/painter", {"prompt": "a lighthouse at dawn", "width": 320, "height": 240, "seed": 7}),
    edit=("acme/filter", {"effect": "invert"}),
    slow=("acme/sleeper", {"seconds": 600}),
    failing=("acme/broken", {"message": "CUDA out of memory (code: E1001)"}),
    with_versions=("acme", "poet"),
)
REPLICATE_MODELS = Models(
    text=("replicate/hello-world", {"text": "Ada"}),
    image=("black-forest-labs/flux-schnell", {"prompt": "a lighthouse at dawn"}),
    edit=("nightmareai/real-esrgan", {"scale": 2}),
    slow=("black-forest-labs/flux-dev", {"prompt": "a lighthouse at dawn", "num_inference_steps": 50}),
    failing=("replicate/hello-world", {"text": 5}),
    with_versions=("replicate", "hello-world"),
)


def tour(client: Replicate, models: Models, folder: Path) -> None:
    """Run each step, and print its result."""
    print("1. Run a text model")
    print(f"   {models.text[0]} returned: {client.run(*models.text)}")

    print("2. Generate an image and save it")
    [image] = client.run(*models.image)
    path: Path = image.save(folder)
    print(f"   {models.image[0]} created {path} ({path.stat().st_size} bytes)")

    print("3. Upload the image and edit it with another model")
    with path.open("rb") as file:
        uploaded = client.files.create(content=file)
    edited = client.run(models.edit[0], {**models.edit[1], "image": uploaded.urls.get})
    edited_path = edited.save(folder / "edited.png")
    print(f"   {models.edit[0]} created {edited_path} from the upload {uploaded.id}")

    print("4. List the newest predictions")
    for prediction in islice(client.predictions.list(), 3):
        print(f"   {prediction.id}  {prediction.status:<10}  {prediction.model}")

    print("5. Cancel a slow prediction")
    owner, name = models.slow[0].split("/")
    slow = client.models.predictions.create(owner, name, input=models.slow[1])
    client.predictions.cancel(slow.id)
    try:
        client.wait(slow)
    except PredictionCanceledError as error:
        print(f"   {type(error).__name__}: {_indent(error)}")

    print("6. Handle the error of a failed prediction")
    try:
        client.run(*models.failing, check=False)  # the input is wrong on purpose
    except ReplicateError as error:
        print(f"   {type(error).__name__}: {_indent(error)}")

    print("7. Make a typed low-level call")
    page = models_versions_list.sync(*models.with_versions, client=client.api)
    versions = page.results or []
    print(f"   {'/'.join(models.with_versions)} has {len(versions)} versions; the newest is {versions[0].id}")


def _indent(error: Exception) -> str:
    return str(error).replace("\n", "\n      ")


@contextlib.contextmanager
def connect(use_emulator: bool) -> Generator[tuple[Replicate, Models]]:
    """Yield a client of the emulator or of Replicate, and the models to use with it."""
    if not use_emulator:
        with Replicate() as client:
            yield client, REPLICATE_MODELS
        return
    from replicate_ext.emulator import Emulator

    with Emulator() as api, Replicate(api.token, base_url=api.url) as client:
        print(f"The emulator is listening on {api.url}\n")
        yield client, EMULATOR_MODELS


def main() -> None:
    """Run the tour."""
    parser = argparse.ArgumentParser(description="A tour of replicate-ext.")
    parser.add_argument("--emulator", action="store_true", help="use the local emulator instead of Replicate")
    arguments = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="replicate-tour-"))
    with connect(arguments.emulator) as (client, models):
        tour(client, models, folder)
    print(f"\nDone. The images are in {folder}")


if __name__ == "__main__":
    main()
