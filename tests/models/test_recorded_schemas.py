"""The schemas and inputs that Replicate's clients recorded: what ran is accepted, and seeded mistakes are not.

The recordings must not be committed, so nothing of them is written here.
"""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
import yaml

from conftest import shared
from replicate_ext import InvalidInputError
from replicate_ext._models.schema import Input, ModelSchema


def _bodies() -> Iterator[tuple[str, Any, Any]]:
    """Yield the path, request and response of each recorded exchange of JSON."""
    for path in sorted(shared("recordings").glob("*.yaml")):
        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        for interaction in yaml.load(path.read_text(), loader)["interactions"]:
            request, response = interaction["request"], interaction["response"]
            body = response["content"] if "content" in response else response["body"]["string"]
            raw = body.encode() if isinstance(body, str) else body
            try:
                parsed = json.loads(gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw)
                yield request["uri"], json.loads(request["body"] or "null"), parsed
            except ValueError:
                continue  # an upload, or a picture


def _find(value: Any, key: str) -> Iterator[dict[str, Any]]:
    """Yield the objects with a key, anywhere in a JSON value."""
    if isinstance(value, dict):
        if key in value:
            yield value
        value = list(value.values())
    for item in value if isinstance(value, list) else ():
        yield from _find(item, key)


@cache
def recorded() -> tuple[dict[str, dict[str, Any]], list[tuple[str, dict[str, Any], bool]]]:
    """Return the versions by id, and the inputs that ran: version, input, and whether it was a training."""
    versions: dict[str, dict[str, Any]] = {}
    inputs: list[tuple[str, dict[str, Any], bool]] = []
    for uri, request, response in _bodies():
        versions |= {version["id"]: version for version in _find(response, "openapi_schema")}
        for job in (job for job in _find(response, "input") if isinstance(job["input"], dict) and "version" in job):
            inputs.append((str(job["version"]), job["input"], "/trainings" in uri))
        if isinstance(request, dict) and "input" in request:
            version = request.get("version") or (re.findall(r"versions/(\w+)", uri) or [""])[0]
            inputs.append((version, request["input"], "/trainings" in uri))
    return versions, inputs


def parse(version: dict[str, Any], is_training: bool = False) -> ModelSchema:
    return ModelSchema.parse(version["openapi_schema"], version.get("cog_version"), is_training=is_training)


def test_every_recorded_input_that_ran_is_accepted() -> None:
    versions, inputs = recorded()
    checked = 0
    for version, given, is_training in inputs:
        if version in versions:
            assert parse(versions[version], is_training).check(given).keys() == given.keys()
            checked += 1
    assert checked


def test_every_recorded_schema_is_understood() -> None:
    versions, _ = recorded()
    for version in versions.values():
        schema = parse(version)
        assert schema.inputs
        assert all(input.type != "any" for input in schema.inputs)
        assert schema.output.kind != "any"
        assert ModelSchema.parse(schema.trimmed(), version.get("cog_version")).digest == schema.digest


def _values(input: Input) -> Any:
    """Return a value that an input accepts."""
    if input.has_default and input.default is not None:
        return input.default
    examples = {"string": "a", "file": "https://example.com/a.png", "integer": 1, "number": 1.5, "boolean": True}
    value = input.choices[0] if input.choices else examples[input.type]
    return input.minimum if input.minimum is not None else value


def _mistakes(schema: ModelSchema, good: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield inputs with one mistake each, and the name that the error has to give."""
    for input in schema.inputs:
        name = input.name
        misspelt = f"{name[:-1]}_{name[-1]}"
        yield misspelt, {**good, misspelt: _values(input)}
        yield name, {**good, name: {"a": 1}}
        if input.required:
            yield name, {key: value for key, value in good.items() if key != name}
        if input.choices:
            yield name, {**good, name: "no such choice"}
        if input.minimum is not None:
            yield name, {**good, name: input.minimum - 1}
        if input.maximum is not None:
            yield name, {**good, name: input.maximum + 1}
        if input.type in ("integer", "number", "boolean"):
            yield name, {**good, name: "not a number"}


def test_every_seeded_mistake_is_refused() -> None:
    versions, _ = recorded()
    count = 0
    for version in versions.values():
        schema = parse(version)
        good = {input.name: _values(input) for input in schema.inputs}
        assert schema.check(good).keys() == good.keys()
        for name, bad in _mistakes(schema, good):
            with pytest.raises(InvalidInputError) as caught:
                schema.check(bad)
            assert name in [problem.name for problem in caught.value.problems]
            count += 1
    assert count > 50
