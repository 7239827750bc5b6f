"""The models that the emulator brings along: small, but each really computes."""

from __future__ import annotations

import colorsys
import hashlib
import random
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Annotated, Literal

from PIL import Image, ImageDraw, ImageFilter, ImageOps

from .catalog import Catalog
from .runner import log, now, sleep
from .schema import Field

built_in = Catalog()


@built_in.model("acme/hello", official=True)
async def hello(text: Annotated[str, Field("Whom to greet.")]) -> str:
    """Greet somebody."""
    log(f"greeting {text}\n")
    return f"Hello, {text}!"


@built_in.model("acme/painter", official=True)
def painter(
    prompt: Annotated[str, Field("What to paint; the same words and seed give the same picture.")],
    width: Annotated[int, Field("Width in pixels.", ge=16, le=2048)] = 512,
    height: Annotated[int, Field("Height in pixels.", ge=16, le=2048)] = 512,
    num_outputs: Annotated[int, Field("How many pictures.", ge=1, le=4)] = 1,
    seed: Annotated[int | None, Field("Leave it out for another picture each time.")] = None,
) -> list[Image.Image]:
    """Paint a landscape that has the colours of a prompt."""
    seed = random.randrange(2**32) if seed is None else seed
    log(f"Using seed: {seed}\n")
    return [_landscape(f"{prompt}#{seed + number}", width, height) for number in range(num_outputs)]


def _landscape(text: str, width: int, height: int) -> Image.Image:
    """Draw sky, sun and hills, all decided by a text."""
    dice = random.Random(hashlib.sha256(text.encode()).digest())
    hue = dice.random()

    def colour(shift: float, saturation: float, value: float) -> tuple[int, int, int]:
        red, green, blue = colorsys.hsv_to_rgb((hue + shift) % 1, saturation, value)
        return round(red * 255), round(green * 255), round(blue * 255)

    sky = Image.linear_gradient("L").resize((width, height))
    picture = ImageOps.colorize(sky, colour(0.55, 0.6, 0.55), colour(0.08, 0.35, 1.0))
    pen = ImageDraw.Draw(picture)
    radius = min(width, height) // 9
    x, y = dice.randint(radius, width - radius), dice.randint(radius, max(radius, height // 2))
    pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=colour(0.1, 0.25, 1.0))
    for layer in range(4):
        level = height * (0.5 + 0.12 * layer)
        points = [(width * step / 8, level + dice.uniform(-0.1, 0.06) * height) for step in range(9)]
        pen.polygon([(0, height), *points, (width, height)], fill=colour(0.3, 0.55, 0.6 - 0.12 * layer))
    return picture


@built_in.model("acme/filter")
def filter(
    image: Annotated[Path, Field("The picture to change.")],
    effect: Annotated[Literal["invert", "grayscale", "blur", "mirror"], Field("What to do with it.")] = "invert",
) -> Image.Image:
    """Change a picture."""
    with Image.open(image) as opened:
        picture = opened.convert("RGB")
    match effect:
        case "invert":
            return ImageOps.invert(picture)
        case "grayscale":
            return ImageOps.grayscale(picture)
        case "blur":
            return picture.filter(ImageFilter.GaussianBlur(8))
        case "mirror":
            return ImageOps.mirror(picture)


_NOUNS = "morning harbour machine garden lamp river"
_ADJECTIVES = ("quiet", "silver", "patient", "unfinished", "turning", "salt-white")
_VERBS = ("waits", "hums", "remembers", "unfolds", "listens", "drifts")


def train_poet(
    words: Annotated[str, Field("The things that the poems shall speak of, separated by blanks.", min_length=1)],
    steps: Annotated[int, Field("How long to practise.", ge=1, le=1000)] = 10,
) -> Callable[..., AsyncIterator[str]]:
    """Teach a poet other words."""
    for step in range(1, steps + 1):
        log(f"{100 * step // steps:3}%|{'#' * (10 * step // steps):<10}| {step}/{steps}\n")
    return poet_of(words)


def poet_of(nouns: str) -> Callable[..., AsyncIterator[str]]:
    """Return a poet who knows some words."""
    known = nouns.split()

    async def poet(
        prompt: Annotated[str, Field("What the poem is about.")],
        lines: Annotated[int, Field("How many lines.", ge=1, le=1000)] = 4,
        seconds: Annotated[float, Field("How long to think about each token.", ge=0, le=60)] = 0.01,
    ) -> AsyncIterator[str]:
        """Write a poem about something, token by token."""
        dice = random.Random(hashlib.sha256(prompt.encode()).digest())
        for line in range(lines):
            subject = prompt if line == 0 else f"the {dice.choice(_ADJECTIVES)} {dice.choice(known)}"
            opening = dice.choice(("Above", "Beneath", "Beyond", "Within"))
            words = [opening, *subject.split(), "a", dice.choice(known), dice.choice(_VERBS)]
            for number, word in enumerate(words):
                await sleep(seconds)
                yield f" {word}" if number else word
            yield ".\n" if line == lines - 1 else ",\n"

    return poet


@built_in.model("acme/poet", readme="# Poet\n\nWrites poems, token by token. Train it with words of your own.\n")
async def first_poet(prompt: Annotated[str, Field("What the poem is about.")]) -> AsyncIterator[str]:
    """Write a line about something, token by token."""
    for token in ("Roses", " are", " red", ",", " ", prompt, " is", " too", "."):
        yield token


built_in.model("acme/poet", train=train_poet)(poet_of(_NOUNS))


@built_in.model("acme/sleeper", official=True)
async def sleeper(
    seconds: Annotated[float, Field("How long to sleep.", ge=0, le=86400)] = 10,
    steps: Annotated[int, Field("How often to say how far it is.", ge=1, le=1000)] = 10,
) -> str:
    """Sleep, and say how far it is."""
    began = now()
    for step in range(1, steps + 1):
        await sleep(began + seconds * step / steps - now())
        log(f"{100 * step // steps:3}%|{'#' * (10 * step // steps):<10}| {step}/{steps}\n")
    return f"Slept for {seconds:g} seconds."


@built_in.model("acme/broken", official=True)
async def broken(
    message: Annotated[str, Field("What to say when it fails.")] = "Something went wrong (code: E1000)",
) -> str:
    """Fail, with a message."""
    log("loading weights\n")
    log("Traceback (most recent call last):\n")
    raise RuntimeError(message)


built_in.deployments["front-desk"] = "acme/hello"
built_in.collections = [
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
