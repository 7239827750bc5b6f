"""The models that come with the emulator: small, but each really computes."""

from __future__ import annotations

import colorsys
import hashlib
import random
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Annotated, Literal

from PIL import Image, ImageDraw, ImageFilter, ImageOps

from . import sample_models
from .catalog import Catalog
from .execution import log, now, sleep
from .schema import Field

builtin_catalog = Catalog()
"""The default models of an emulator, and those that `emulator.model` adds."""

model = builtin_catalog.model
"""Decorator that turns a typed function into a model of every emulator started afterwards: `Catalog.model`."""


@builtin_catalog.model("acme/hello", official=True)
async def hello(text: Annotated[str, Field("The name to greet.")]) -> str:
    """Greet someone by name."""
    log(f"greeting {text}\n")
    return f"Hello, {text}!"


@builtin_catalog.model("acme/painter", official=True)
def painter(
    prompt: Annotated[str, Field("What to paint. The same prompt and seed give the same picture.")],
    width: Annotated[int, Field("Width in pixels.", ge=16, le=2048)] = 512,
    height: Annotated[int, Field("Height in pixels.", ge=16, le=2048)] = 512,
    num_outputs: Annotated[int, Field("Number of pictures.", ge=1, le=4)] = 1,
    seed: Annotated[int | None, Field("Random seed. By default each picture is different.")] = None,
) -> list[Image.Image]:
    """Paint a landscape in colors chosen by the prompt."""
    seed = random.randrange(2**32) if seed is None else seed
    log(f"Using seed: {seed}\n")
    return [_landscape(f"{prompt}#{seed + number}", width, height) for number in range(num_outputs)]


@builtin_catalog.model("black-forest-labs/flux-schnell", official=True)
def flux_schnell(
    prompt: Annotated[str, Field("What to paint.")],
    num_outputs: Annotated[int, Field("Number of pictures.", ge=1, le=4)] = 1,
    output_format: Annotated[Literal["png"], Field("The real model also makes jpg and webp.")] = "png",
    seed: Annotated[int | None, Field("Random seed. By default each picture is different.")] = None,
) -> list[Image.Image]:
    """Paint a landscape, in place of the model of this name on Replicate."""
    return painter(prompt, num_outputs=num_outputs, seed=seed)


def _landscape(text: str, width: int, height: int) -> Image.Image:
    """Draw sky, sun and hills, all derived from the text."""
    rng = random.Random(hashlib.sha256(text.encode()).digest())
    hue = rng.random()

    def color(shift: float, saturation: float, value: float) -> tuple[int, int, int]:
        red, green, blue = colorsys.hsv_to_rgb((hue + shift) % 1, saturation, value)
        return round(red * 255), round(green * 255), round(blue * 255)

    sky = Image.linear_gradient("L").resize((width, height))
    image = ImageOps.colorize(sky, color(0.55, 0.6, 0.55), color(0.08, 0.35, 1.0))
    draw = ImageDraw.Draw(image)
    radius = min(width, height) // 9
    x, y = rng.randint(radius, width - radius), rng.randint(radius, max(radius, height // 2))
    draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=color(0.1, 0.25, 1.0))
    for layer in range(4):
        level = height * (0.5 + 0.12 * layer)
        points = [(width * step / 8, level + rng.uniform(-0.1, 0.06) * height) for step in range(9)]
        draw.polygon([(0, height), *points, (width, height)], fill=color(0.3, 0.55, 0.6 - 0.12 * layer))
    return image


@builtin_catalog.model("acme/filter")
def filter(
    image: Annotated[Path, Field("The picture to change.")],
    effect: Annotated[Literal["invert", "grayscale", "blur", "mirror"], Field("The effect to apply.")] = "invert",
) -> Image.Image:
    """Change a picture."""
    with Image.open(image) as opened:
        source = opened.convert("RGB")
    match effect:
        case "invert":
            return ImageOps.invert(source)
        case "grayscale":
            return ImageOps.grayscale(source)
        case "blur":
            return source.filter(ImageFilter.GaussianBlur(8))
        case "mirror":
            return ImageOps.mirror(source)


_NOUNS = "morning harbour machine garden lamp river"
_ADJECTIVES = ("quiet", "silver", "patient", "unfinished", "turning", "salt-white")
_VERBS = ("waits", "hums", "remembers", "unfolds", "listens", "drifts")


def create_poet(nouns: str) -> Callable[..., AsyncIterator[str]]:
    """Return a model function that writes poems with these nouns, separated by spaces."""
    known = nouns.split()

    async def poet(
        prompt: Annotated[str, Field("What the poem is about.")],
        lines: Annotated[int, Field("Number of lines.", ge=1, le=1000)] = 4,
        seconds: Annotated[float, Field("Seconds per token.", ge=0, le=60)] = 0.01,
    ) -> AsyncIterator[str]:
        """Write a poem about a subject, token by token."""
        rng = random.Random(hashlib.sha256(prompt.encode()).digest())
        for line in range(lines):
            subject = prompt if line == 0 else f"the {rng.choice(_ADJECTIVES)} {rng.choice(known)}"
            opening = rng.choice(("Above", "Beneath", "Beyond", "Within"))
            words = [opening, *subject.split(), "a", rng.choice(known), rng.choice(_VERBS)]
            for number, word in enumerate(words):
                await sleep(seconds)
                yield f" {word}" if number else word
            yield ".\n" if line == lines - 1 else ",\n"

    return poet


def train_poet(
    words: Annotated[str, Field("Nouns to use in the poems, separated by spaces.", min_length=1)],
    steps: Annotated[int, Field("Number of training steps.", ge=1, le=1000)] = 10,
) -> Callable[..., AsyncIterator[str]]:
    """Train a poet with other nouns."""
    for step in range(1, steps + 1):
        _log_progress(step, steps)
    return create_poet(words)


def _log_progress(step: int, steps: int) -> None:
    """Log a progress bar in tqdm's format, which the official clients parse."""
    log(f"{100 * step // steps:3}%|{'#' * (10 * step // steps):<10}| {step}/{steps}\n")


@builtin_catalog.model("acme/poet", readme="# Poet\n\nWrites poems, token by token. Train it with nouns of your own.\n")
async def first_poet(prompt: Annotated[str, Field("What the poem is about.")]) -> AsyncIterator[str]:
    """Write one line about a subject, token by token."""
    for token in ("Roses", " are", " red", ",", " ", prompt, " is", " too", "."):
        yield token


builtin_catalog.model("acme/poet", train=train_poet)(create_poet(_NOUNS))


@builtin_catalog.model("acme/sleeper", official=True)
async def sleeper(
    seconds: Annotated[float, Field("Seconds to sleep.", ge=0, le=86400)] = 10,
    steps: Annotated[int, Field("How often to log the progress.", ge=1, le=1000)] = 10,
) -> str:
    """Sleep, and log the progress."""
    started_at = now()
    for step in range(1, steps + 1):
        await sleep(started_at + seconds * step / steps - now())
        _log_progress(step, steps)
    return f"Slept for {seconds:g} seconds."


@builtin_catalog.model("acme/broken", official=True)
async def broken(
    message: Annotated[str, Field("The error message.")] = "Something went wrong (code: E1000)",
) -> str:
    """Fail with an error message."""
    log("loading weights\n")
    log("Traceback (most recent call last):\n")
    raise RuntimeError(message)


builtin_catalog.model("acme/inputs", official=True)(sample_models.inputs)
builtin_catalog.model("acme/captioner")(sample_models.captioner)
builtin_catalog.model("acme/tiler")(sample_models.tiler)
builtin_catalog.model("acme/finder", official=True)(sample_models.finder)

builtin_catalog.deployments["front-desk"] = "acme/hello"
builtin_catalog.collections = [
    {
        "slug": "pictures",
        "name": "Pictures",
        "description": "Models that make or change pictures.",
        "full_description": "Models that make pictures, and models that change them.",
        "models": ["acme/painter", "acme/filter"],
    },
    {
        "slug": "words",
        "name": "Words",
        "description": "Models that write.",
        "full_description": None,
        "models": ["acme/hello", "acme/poet"],
    },
]
