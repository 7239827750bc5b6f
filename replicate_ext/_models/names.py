"""Python names for what models call their inputs, their outputs and themselves."""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Iterator
from keyword import iskeyword
from unicodedata import normalize


def parameter_names(inputs: Iterable[str]) -> dict[str, str]:
    """Return the name of the parameter for each input: the same, where Python allows it.

    A keyword gets an underscore (PEP 8): `class_`. Other characters than those of an identifier become underscores, and
    a name that two inputs would share gets a number.
    """
    inputs = list(inputs)
    names = {name: name for name in inputs if is_name(name)}
    for name in inputs:
        if name not in names:
            names[name] = first_free((_to_identifier(name),), names.values())
    return {name: names[name] for name in inputs}


def function_name(owner: str, model: str, taken: Container[str]) -> str:
    """Return the name of the function for a model: that of the model or, if it is taken or no name, with its owner."""
    name, full_name = (re.sub(r"\W", "_", normalize("NFKC", text.lower())) for text in (model, f"{owner}_{model}"))
    full_name = full_name if is_name(full_name) else f"model_{full_name}"
    return first_free((name, full_name) if is_name(name) else (full_name,), taken)


def class_name(*parts: str) -> str:
    """Return a name in CapWords: ("flux_schnell", "output") becomes FluxSchnellOutput."""
    words = re.findall(r"[^\W_]+", normalize("NFKC", " ".join(parts)))
    return "".join(word[:1].upper() + word[1:] for word in words)


def is_name(text: str) -> bool:
    """Whether a text can be a parameter as it is; Python normalizes others (PEP 3131), so their names would differ."""
    return text.isidentifier() and not iskeyword(text) and text != "__debug__" and normalize("NFKC", text) == text


def first_free(candidates: tuple[str, ...], taken: Container[str]) -> str:
    """Return the first candidate that is not taken; if all are, the last one with a number."""
    return next(name for name in _variants(candidates) if name not in taken)


def _variants(candidates: tuple[str, ...]) -> Iterator[str]:
    yield from candidates
    number = 2
    while True:
        yield f"{candidates[-1]}_{number}"
        number += 1


def _to_identifier(text: str) -> str:
    name = re.sub(r"\W", "_", normalize("NFKC", text))
    if not name.isidentifier():  # empty, or it begins with a digit
        name = f"_{name}"
    return name if is_name(name) else f"{name}_"
