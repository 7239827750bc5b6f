"""A tour of the client: text, pictures, files, lists, canceling, errors, and one typed low-level call.

python examples/tour.py --emulator     on the local emulator: no token, no internet, no cost
python examples/tour.py                on Replicate, with REPLICATE_API_TOKEN set: costs a few cents
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
    """Which models play the parts: (reference, input)."""

    text: tuple[str, dict[str, Any]]
    picture: tuple[str, dict[str, Any]]
    change: tuple[str, dict[str, Any]]
    slow: tuple[str, dict[str, Any]]
    failing: tuple[str, dict[str, Any]]
    with_versions: tuple[str, str]


ON_EMULATOR = Models(
    text=("acme/hello", {"text": "Ada"}),
    picture=("acme/painter", {"prompt": "a lighthouse at dawn", "width": 320, "height": 240, "seed": 7}),
    change=("acme/filter", {"effect": "invert"}),
    slow=("acme/sleeper", {"seconds": 600}),
    failing=("acme/broken", {"message": "CUDA out of memory (code: E1001)"}),
    with_versions=("acme", "poet"),
)
ON_REPLICATE = Models(
    text=("replicate/hello-world", {"text": "Ada"}),
    picture=("black-forest-labs/flux-schnell", {"prompt": "a lighthouse at dawn"}),
    change=("nightmareai/real-esrgan", {"scale": 2}),
    slow=("black-forest-labs/flux-dev", {"prompt": "a lighthouse at dawn", "num_inference_steps": 50}),
    failing=("replicate/hello-world", {"text": 5}),
    with_versions=("replicate", "hello-world"),
)


def tour(client: Replicate, models: Models, folder: Path) -> None:
    """Walk through it, saying what happens."""
    print("1. Run a text model")
    print(f"   {models.text[0]} says: {client.run(*models.text)}")

    print("2. Draw a picture and save it")
    [picture] = client.run(*models.picture)
    path: Path = picture.save(folder)
    print(f"   {models.picture[0]} drew {path} ({path.stat().st_size} bytes)")

    print("3. Upload that file and have another model change it")
    with path.open("rb") as file:
        uploaded = client.files.create(content=file)
    changed = client.run(models.change[0], {**models.change[1], "image": uploaded.urls.get})
    changed_path = changed.save(folder / "changed.png")
    print(f"   {models.change[0]} made {changed_path} of the upload {uploaded.id}")

    print("4. List the newest predictions")
    for prediction in islice(client.predictions.list(), 3):
        print(f"   {prediction.id}  {prediction.status:<10}  {prediction.model}")

    print("5. Cancel a slow one")
    owner, name = models.slow[0].split("/")
    slow = client.models.predictions.create(owner, name, input=models.slow[1])
    client.predictions.cancel(slow.id)
    try:
        client.wait(slow)
    except PredictionCanceledError as error:
        print(f"   PredictionCanceledError: {_indented(error)}")

    print("6. See a model fail, and why")
    try:
        client.run(*models.failing)
    except ReplicateError as error:
        print(f"   {type(error).__name__}: {_indented(error)}")

    print("7. Make a typed low-level call")
    page = models_versions_list.sync(*models.with_versions, client=client.api)
    versions = page.results or []
    print(f"   {'/'.join(models.with_versions)} has {len(versions)} versions, the newest {versions[0].id}")


def _indented(error: Exception) -> str:
    return str(error).replace("\n", "\n      ")


@contextlib.contextmanager
def emulator_or_replicate(emulator: bool) -> Generator[tuple[Replicate, Models]]:
    """Yield a client and the models to use with it."""
    if not emulator:
        with Replicate() as client:
            yield client, ON_REPLICATE
        return
    from replicate_ext.emulator import Emulator

    with Emulator() as api, Replicate(api.token, base_url=api.url) as client:
        print(f"The emulator listens on {api.url}\n")
        yield client, ON_EMULATOR


def main() -> None:
    """Run the tour."""
    parser = argparse.ArgumentParser(description="A tour of replicate-ext.")
    parser.add_argument("--emulator", action="store_true", help="use a local emulator instead of Replicate")
    arguments = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="replicate-tour-"))
    with emulator_or_replicate(arguments.emulator) as (client, models):
        tour(client, models, folder)
    print(f"\nThat was all. The pictures are in {folder}")


if __name__ == "__main__":
    main()
