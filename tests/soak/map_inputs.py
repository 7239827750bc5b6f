"""The rows of the map soak, and what each must lead to: pure functions of the seed and the input."""

from __future__ import annotations

import hashlib
import json
import random
from typing import Any

REF = "me/pictures"
UPLOAD_SIZE = 300_000
"""Bytes of a file that is uploaded, and not sent within the input."""
WORDS = ["ash", "birch", "cedar", "elm", "fir", "größe", "日本", "hazel", "larch", "maple", "oak", "pine", "yew"]


def make_rows(count: int, seed: int, max_seconds: float) -> list[dict[str, Any]]:
    """Return the inputs of a batch: 3 % of them fail, but not the first one; 2 % are equal; 1 % have a large file."""
    random_ = random.Random(seed)
    rows: list[dict[str, Any]] = []
    for number in range(count):
        if rows and random_.random() < 0.02:
            rows.append(dict(random_.choice(rows)))
            continue
        words = [*random_.choices(WORDS, k=random_.randint(2, 30)), str(number)]
        if random_.random() < 0.03 and rows:
            words.insert(0, "fail:")
        seconds = round(random_.uniform(0.025 * max_seconds, max_seconds), 4)
        rows.append({"prompt": " ".join(words), "seconds": seconds, "num_outputs": random_.randint(1, 2)})
        if random_.random() < 0.01:
            rows[-1]["image"] = random_.randbytes(UPLOAD_SIZE)
    return rows


def canonical(input: dict[str, Any]) -> str:
    """Return a text that is the same for equal inputs; their prompts have a number, so that the file need not count."""
    return json.dumps({**input, "image": "image" in input}, sort_keys=True, ensure_ascii=False)


def fails(input: dict[str, Any]) -> bool:
    """Whether the model fails for an input."""
    return str(input["prompt"]).startswith("fail:")


def expected_files(input: dict[str, Any]) -> list[bytes]:
    """Return the contents of the files that the model makes of an input: a few KB, now and then 200.

    Args:
        input: The input, with the content of its file.
    """
    if fails(input):
        return []
    source = canonical(input) + hashlib.sha256(input.get("image", b"")).hexdigest()
    return [_content(f"{number} {source}") for number in range(input["num_outputs"])]


def _content(text: str) -> bytes:
    size = int.from_bytes(hashlib.sha256(text.encode()).digest()[:2], "big")
    return hashlib.shake_256(text.encode()).digest(size // 20 + 1 if size % 64 else 200_000 + size)
