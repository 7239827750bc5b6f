"""The changes between two versions of a model, in words."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from locked_models import EVERY_CONSTRUCT
from model_schemas import FILE, TEXT_STREAM, document

from example_runner import shown_text
from replicate_ext._models.drift import compare
from replicate_ext._models.schema import ModelSchema


def changes(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    return list(map(str, compare(ModelSchema.parse(old), ModelSchema.parse(new))))


S: dict[str, Any] = {"type": "string"}
N: dict[str, Any] = {"type": "integer"}


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (S, S, []),
        (S, None, ["x is gone (breaks)"]),
        (None, S, ["x is new"]),
        (S, N, ["x: string → integer (breaks)"]),
        (N, {"type": "number"}, ["x: integer → number"]),
        ({"type": "number"}, N, ["x: number → integer (breaks)"]),
        (S, FILE, ["x: string → file"]),
        (FILE, S, ["x: file → string (breaks)"]),
        (S, {}, ["x: string → anything"]),
        ({}, S, ["x: anything → string (breaks)"]),
        (
            {"type": "array", "items": S},
            {"type": "array", "items": N},
            ["x: array of string → array of integer (breaks)"],
        ),
        ({"type": "array", "items": N}, {"type": "array"}, ["x: array of integer → array"]),
        (
            {"type": "array", "items": N},
            {"type": "array", "items": {"type": "number"}},
            ["x: array of integer → array of number"],
        ),
        (
            {"type": "array", "items": N},
            {"type": "array", "items": {"type": "number", "minimum": 0}},
            ["x items: at least none → 0 (breaks)", "x: array of integer → array of number"],
        ),
        ({**N, "nullable": True}, {"type": "number"}, ["x may not be null now (breaks)", "x: integer → number"]),
        (N, {"type": "number", "maximum": 4}, ["x: at most none → 4 (breaks)", "x: integer → number"]),
        (S, {"anyOf": [S, N]}, ["x: string → string or integer"]),
        ({"anyOf": [S, N]}, {"anyOf": [S, FILE]}, ["x: string or integer → string or file (breaks)"]),
        ({**N, "maximum": 4}, {**N, "maximum": 8}, ["x: at most 4 → 8"]),
        ({**N, "maximum": 8}, {**N, "maximum": 4}, ["x: at most 8 → 4 (breaks)"]),
        ({**N, "minimum": 1}, {**N, "minimum": 2}, ["x: at least 1 → 2 (breaks)"]),
        ({**N, "minimum": 2}, {**N, "minimum": 1}, ["x: at least 2 → 1"]),
        (N, {**N, "minimum": 2}, ["x: at least none → 2 (breaks)"]),
        ({**N, "maximum": 2}, N, ["x: at most 2 → none"]),
        ({**S, "maxLength": 9}, {**S, "maxLength": 5}, ["x: at most 9 → 5 characters (breaks)"]),
        ({**S, "minLength": 1}, {**S, "minLength": 0}, ["x: at least 1 → 0 characters"]),
        (S, {**S, "pattern": "^a"}, ['x: pattern none → "^a" (breaks)']),
        ({**S, "pattern": "^a"}, S, ['x: pattern "^a" → none']),
        ({**S, "enum": ["a", "b"]}, {**S, "enum": ["b", "c"]}, ['x: no longer "a" (breaks)', 'x: also "c"']),
        (S, {**S, "enum": ["a"]}, ['x: only "a" (breaks)']),
        ({**S, "enum": ["a"]}, S, ["x: any value"]),
        ({**S, "nullable": True}, S, ["x may not be null now (breaks)"]),
        (S, {**S, "nullable": True}, ["x may be null now"]),
        ({**S, "default": "a"}, {**S, "default": "b"}, ['x: default "a" → "b"']),
        ({**S, "default": "a"}, S, ['x: default "a" → none']),
        (
            {**S, "default": "a", "x-cog-secret": True},
            {**S, "default": "b", "x-cog-secret": True},
            ["only descriptions or the order of the inputs changed"],
        ),
        (S, {**S, "deprecated": True}, ["x is deprecated"]),
        (FILE, {**FILE, "x-cog-accept": "image/*"}, ["x: accepts any file → image/* (breaks)"]),
        (S, {**S, "description": "A text."}, ["only descriptions or the order of the inputs changed"]),
        (
            {"type": "array", "items": {**N, "maximum": 8}},
            {"type": "array", "items": {**N, "maximum": 4}},
            ["x items: at most 8 → 4 (breaks)"],
        ),
        (
            {"type": "object", "properties": {"a": S}},
            {"type": "object", "properties": {"b": S}},
            ["x.a is gone (breaks)", "x.b is new"],
        ),
    ],
)
def test_changes_of_an_input(old: dict[str, Any] | None, new: dict[str, Any] | None, expected: list[str]) -> None:
    before, after = ({} if schema is None else {"x": schema} for schema in (old, new))
    assert changes(document(before), document(after)) == expected


def test_changes_of_what_is_required() -> None:
    optional, required = document({"x": S}), document({"x": S}, ("x",))
    assert changes(optional, required) == ["x is required now (breaks)"]
    assert changes(required, optional) == ["x is optional now"]
    assert changes(document(), required) == ["x is new and required (breaks)"]


def test_changes_of_inputs_with_other_names() -> None:
    assert changes(document(), document(additionalProperties=True)) == ["also takes inputs by other names"]
    assert changes(document(additionalProperties=True), document()) == [
        "no longer takes inputs by other names (breaks)"
    ]


OBJECT = {"type": "object", "properties": {"a": S, "b": FILE}, "required": ["a"]}


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (FILE, {"type": "array", "items": FILE}, ["output: file → list of file (breaks)"]),
        ({}, FILE, ["output: anything → file"]),
        (FILE, {}, ["output: file → anything (breaks)"]),
        (FILE, {**FILE, "nullable": True}, ["output may be null (breaks)"]),
        ({**FILE, "nullable": True}, FILE, ["output may no longer be null"]),
        ({"type": "array", "items": S}, TEXT_STREAM, ["output: list of string → text (breaks)"]),
        ({"type": "array", "items": S}, {"type": "array", "items": FILE}, ["output items: string → file (breaks)"]),
        (
            {"type": "array", "items": S},
            {"type": "array", "items": S, "x-cog-array-type": "iterator"},
            ["output arrives in parts"],
        ),
        ({**S, "enum": ["a"]}, {**S, "enum": ["a", "b"]}, ['output: also "b" (breaks)']),
        ({**S, "enum": ["a", "b"]}, {**S, "enum": ["a"]}, ['output: no longer "b"']),
        (OBJECT, {**OBJECT, "properties": {"a": S}}, ["output.b is gone (breaks)"]),
        (OBJECT, {**OBJECT, "properties": {**OBJECT["properties"], "c": S}}, ["output.c is new"]),
        (OBJECT, {**OBJECT, "required": []}, ["output.a is not always there (breaks)"]),
        (OBJECT, {**OBJECT, "required": ["a", "b"]}, ["output.b is always there"]),
        (OBJECT, {**OBJECT, "properties": {"a": S, "b": S}}, ["output.b: file → string (breaks)"]),
    ],
)
def test_changes_of_the_output(old: dict[str, Any], new: dict[str, Any], expected: list[str]) -> None:
    assert changes(document(output=old), document(output=new)) == expected


def test_changes_that_break_come_first() -> None:
    assert changes(document({"a": S, "c": {**N, "maximum": 4}}), document({"b": S, "c": {**N, "maximum": 2}})) == [
        "a is gone (breaks)",
        "c: at most 4 → 2 (breaks)",
        "b is new",
    ]


def test_no_construct_differs_from_itself() -> None:
    for model in EVERY_CONSTRUCT:
        assert compare(model.parse(), ModelSchema.parse(copy.deepcopy(model.schema), model.cog_version)) == []


def test_names_and_values_of_a_model_are_shown_in_one_short_line() -> None:
    old = document({"x": {**S, "default": "a\n\x1b[2J" * 50}, "\u202ey": S})
    for line in changes(old, document({"x": S})):
        assert line.isprintable()
        assert len(line) < 150


def test_the_changes_in_the_guide() -> None:
    old = document({"scheduler": S, "num_outputs": {**N, "maximum": 4}})
    new = document({"num_outputs": {**N, "maximum": 8}})
    text = shown_text("docs/guides/typed-models.md", "black-forest-labs/flux-schnell: ")
    assert [line.partition(": ")[2] for line in text.splitlines()] == changes(old, new)
