"""Models that compute little, but whose schemas have what the schemas of Replicate's models have."""

from __future__ import annotations

import enum
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal, NotRequired, TypedDict

from PIL import Image

from .schema import Field, Secret


class Size(enum.Enum):
    """Widths in pixels."""

    SMALL = 256
    LARGE = 512


class Received(TypedDict):
    """The inputs as they arrived."""

    values: dict[str, Any]
    files: list[int]
    note: NotRequired[str | None]


def inputs(
    text: Annotated[str, Field("A word.", min_length=1, max_length=20, pattern=r"^\w+$")],
    style: Annotated[Literal["plain", "bold"], Field("How to set it.")] = "plain",
    size: Annotated[Size, Field("How wide.")] = Size.LARGE,
    scale: Annotated[float, Field("How large.", ge=0, le=2)] = 1.0,
    enabled: bool = True,
    seed: Annotated[int | None, Field("Random seed.")] = None,
    image: Annotated[Path | None, Field("A picture.", accept="image/*")] = None,
    images: Annotated[list[Path], Field("More pictures.")] = [],  # noqa: B006  # it is not changed
    tags: list[str] | None = None,
    weights: Annotated[dict[str, int] | None, Field("Weights by tag.")] = None,
    value: Annotated[str | float | None, Field("A text or a number.")] = None,
    token: Annotated[Secret | None, Field("A token of another service.")] = None,
    timeout: Annotated[int, Field("Has no effect.", deprecated=True)] = 3,
) -> Received:
    """Return the inputs as the model's code gets them: their values, and the sizes of the files in bytes."""
    paths = [path for path in (image, *images) if path is not None]
    others = {"text": text, "style": style, "size": size, "scale": scale, "enabled": enabled, "seed": seed}
    values = {**others, "tags": tags, "weights": weights, "value": value, "token": token and "…", "timeout": timeout}
    given = {name: value for name, value in values.items() if value is not None}
    return {"values": given, "files": [path.stat().st_size for path in paths]}


class Caption(TypedDict):
    """A picture and what it shows."""

    file: Path
    text: NotRequired[str | None]


def captioner(
    images: Annotated[list[Path], Field("The pictures.")],
    captions: Annotated[list[str], Field("A text for each picture; the others get none.")] = [],  # noqa: B006
) -> list[Caption]:
    """Give pictures their captions."""
    texts = [*captions[: len(images)], *[None] * (len(images) - len(captions))]
    return [{"file": image, "text": text} for image, text in zip(images, texts, strict=True)]


def tiler(
    image: Annotated[Path, Field("The picture to cut.")],
    rows: Annotated[int, Field("Number of rows.", ge=1, le=8)] = 2,
    columns: Annotated[int, Field("Number of columns.", ge=1, le=8)] = 2,
) -> Iterator[list[Image.Image]]:
    """Cut a picture into tiles, row by row."""
    with Image.open(image) as opened:
        source = opened.convert("RGB")
    width, height = source.width // columns, source.height // rows
    for row in range(rows):
        boxes = [(column * width, row * height) for column in range(columns)]
        yield [source.crop((left, top, left + width, top + height)) for left, top in boxes]


def finder(
    text: Annotated[str, Field("Where to search.")], word: Annotated[str, Field("What to search for.")]
) -> int | None:
    """Return where a word begins in a text, or nothing."""
    position = text.find(word)
    return None if position < 0 else position
