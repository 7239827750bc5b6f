"""The lock of a typed module."""

from __future__ import annotations

import json

import pytest
from locked_models import EVERY_CONSTRUCT, locked
from model_schemas import PAINTER

from replicate_ext._models.lock import dump_lock, load_lock


def test_a_lock_is_read_as_it_was_written() -> None:
    models = [
        *EVERY_CONSTRUCT,
        locked("unlike_any", PAINTER, "community", cog_version=None, description="é\u2028\ud800"),
    ]
    text = dump_lock(models)
    assert text.isascii()
    assert sorted(load_lock(text).values()) == sorted(models)
    assert dump_lock(reversed(models)) == text
    [(ref, entry)] = json.loads(dump_lock(models[:1]))["models"].items()
    assert ref == "acme/painter"
    assert list(entry) == ["function", "kind", "version", "cog_version", "date", "description", "digest", "schema"]
    assert entry["digest"] == models[0].parse().digest


def text_with(**changes: object) -> str:
    document = json.loads(dump_lock([locked("painter", PAINTER)]))
    document["models"]["acme/painter"] |= changes
    return json.dumps(document)


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("", "it is not JSON .*: restore it from version control, or delete it and add the models again"),
        (
            '{\n"lock_version": 1,\n<<<<<<< HEAD\n',
            "line 3 begins with <<<<<<<, .*: resolve it",
        ),
        ('{"models": {}}\n=======\n', "line 2 begins with ======="),
        ("[]", "it has no lock_version: it is not the lock of a typed module"),
        (
            '{"lock_version": 2, "models": {}}',
            "its lock_version is 2, and this release .* reads 1: upgrade it",
        ),
        ('{"lock_version": 1}', "it has no models"),
        (
            '{"lock_version": 1, "models": {"acme/x": 3}}',
            "the entry of acme/x is incomplete: delete it, and add",
        ),
        (text_with(version=None), "the entry of acme/painter is incomplete"),
        (text_with(kind="other"), "the entry of acme/painter is incomplete"),
        (text_with(function="import os"), "the entry of acme/painter is incomplete"),
        (text_with(function="../x"), "the entry of acme/painter is incomplete"),
        (text_with(function="class"), "the entry of acme/painter is incomplete"),
        (text_with(schema=[]), "the entry of acme/painter is incomplete"),
    ],
)
def test_a_lock_that_cannot_be_used_is_an_error(text: str, error: str) -> None:
    with pytest.raises(ValueError, match=error):
        load_lock(text)


def test_two_functions_of_one_name_are_an_error() -> None:
    first = locked("painter", PAINTER)
    with pytest.raises(ValueError, match="the functions of acme/painter and other/painter are both named painter"):
        load_lock(dump_lock([first, first._replace(ref="other/painter")]))
