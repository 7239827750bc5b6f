"""What is read from an `openapi_schema`."""

from __future__ import annotations

import contextlib
import copy
import json
import random
import time
from typing import Any

import pytest
from model_schemas import FILE, PAINTER, TEXT_STREAM, document, ref

from replicate_ext import InvalidInputError
from replicate_ext._models.schema import Input, ModelSchema, Output


def parse_input(schema: Any, required: bool = False, **components: Any) -> Input:
    read = ModelSchema.parse(document({"x": schema}, ("x",) if required else (), components=components))
    [input] = read.inputs
    return input


def parse_output(schema: Any, cog_version: str | None = None, **components: Any) -> Output:
    return ModelSchema.parse(document(output=schema, components=components), cog_version).output


SIZES = {"title": "size", "description": "An enumeration.", "enum": [512, 768], "type": "integer"}


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"type": "string"}, Input("x", "string")),
        ({"type": "integer", "default": 13.5}, Input("x", "integer", has_default=True, default=13.5)),
        ({"type": "number", "minimum": 0, "maximum": 1.5}, Input("x", "number", minimum=0, maximum=1.5)),
        ({"type": "number", "ge": 0, "le": 2}, Input("x", "number", minimum=0, maximum=2)),
        ({"type": "boolean", "default": None}, Input("x", "boolean", has_default=True)),
        ({"type": "string", "nullable": True}, Input("x", "string", nullable=True)),
        ({"type": ["string", "null"]}, Input("x", "string", nullable=True)),
        ({"type": "string", "minLength": 1, "maxLength": 9}, Input("x", "string", min_length=1, max_length=9)),
        ({"type": "string", "pattern": "^a"}, Input("x", "string", pattern="^a")),
        ({**FILE, "x-cog-accept": "image/*, video/mp4"}, Input("x", "file", accept=("image/*", "video/mp4"))),
        ({**FILE, "x-cog-accept": ["image/*"]}, Input("x", "file", accept=("image/*",))),
        ({"type": "string", "format": "password"}, Input("x", "string", is_secret=True)),
        ({"type": "string", "x-cog-secret": True}, Input("x", "string", is_secret=True)),
        ({"type": "string", "deprecated": True}, Input("x", "string", is_deprecated=True)),
        ({"type": "string", "description": "A text."}, Input("x", "string", description="A text.")),
        ({"allOf": [ref("size")], "default": 512}, Input("x", "integer", False, True, 512, choices=(512, 768))),
        ({**ref("size"), "description": "How big."}, Input("x", "integer", choices=(512, 768), description="How big.")),
        ({"enum": ["a", "b"]}, Input("x", "string", choices=("a", "b"))),
        ({"enum": ["a", None]}, Input("x", "string", nullable=True, choices=("a",))),
        ({"enum": ["a", 1]}, Input("x", "any", choices=("a", 1))),
        ({"const": "a"}, Input("x", "string", choices=("a",))),
        ({"type": "array"}, Input("x", "array")),
        ({"type": "array", "items": {"type": "string"}}, Input("x", "array", items=Input("", "string"))),
        ({"type": "array", "items": {**FILE, "anyOf": []}}, Input("x", "array", items=Input("", "file"))),
        ({"type": "array", "items": ref("size")}, Input("x", "array", items=Input("", "integer", choices=(512, 768)))),
        ({"anyOf": [{"type": "integer"}, {"type": "null"}]}, Input("x", "integer", nullable=True)),
        ({"anyOf": [{"type": "integer", "nullable": True}]}, Input("x", "integer", nullable=True)),
        ({"oneOf": [ref("size"), {"type": "null"}]}, Input("x", "integer", nullable=True, choices=(512, 768))),
        (
            {"anyOf": [{"type": "string", "nullable": True}, {"type": "number", "nullable": True}]},
            Input(
                "x", nullable=True, any_of=(Input("x", "string", nullable=True), Input("x", "number", nullable=True))
            ),
        ),
        ({"type": "object", "additionalProperties": True}, Input("x", "object")),
        (
            {"type": "object", "additionalProperties": {"type": "integer"}},
            Input("x", "object", items=Input("", "integer")),
        ),
        (
            {"type": "object", "properties": {"a": FILE, "b": {"type": "boolean"}}, "required": ["a"]},
            Input("x", "object", fields={"a": Input("a", "file", True), "b": Input("b", "boolean")}),
        ),
        (
            {"type": "array", "items": {"type": "string"}, "format": "password"},
            Input("x", "array", items=Input("", "string", is_secret=True), is_secret=True),
        ),
    ],
    ids=json.dumps,
)
def test_an_input(schema: dict[str, Any], expected: Input) -> None:
    assert parse_input(schema, size=SIZES) == expected
    assert parse_input(schema, required=True, size=SIZES) == expected._replace(required=True)


@pytest.mark.parametrize(
    "schema",
    [
        {},
        None,
        True,
        7,
        [],
        "string",
        {"type": "colour"},
        {"type": 5},
        {"type": ["string", "integer"]},
        {"allOf": "x"},
        {"allOf": [None]},
        {"anyOf": {}},
        {"$ref": 5},
        ref("missing"),
        ref("loop"),
        {"enum": "abc"},
        {"type": {}},
    ],
    ids=repr,
)
def test_what_is_not_understood_is_any(schema: Any) -> None:
    components = {"loop": {"allOf": [ref("loop")]}}
    read = ModelSchema.parse(
        {"components": {"schemas": {"Input": {"properties": {"x": schema}}, "Output": schema, **components}}}
    )
    assert [(input.type, input.choices) for input in read.inputs] == [("any", ())]
    assert read.output.kind == "any"
    for value in (None, "a", 1, 1.5, True, [1], {"a": 1}, b"", object()):
        assert read.check({"x": value}) == {"x": value}


@pytest.mark.parametrize("limit", ["1", True, None, [], {}])
def test_a_limit_that_is_no_number_is_ignored(limit: Any) -> None:
    names = ("minimum", "maximum", "ge", "le", "minLength", "maxLength", "x-order")
    assert parse_input({"type": "integer", **dict.fromkeys(names, limit)}) == Input("x", "integer")


@pytest.mark.parametrize(
    "broken",
    [None, [], "x", {}, {"components": None}, {"components": {"schemas": []}}, {"components": {"schemas": {}}}],
    ids=repr,
)
def test_a_document_without_inputs_accepts_anything(broken: Any) -> None:
    read = ModelSchema.parse(broken)
    assert read.inputs == ()
    assert read.output == Output()
    assert read.check({"anything": 1}) == {"anything": 1}
    assert ModelSchema.parse(read.trimmed()).digest == read.digest


def test_the_order_of_inputs_is_x_order_then_that_of_the_document() -> None:
    properties = {"a": {"x-order": 2}, "b": {}, "c": {"x-order": 0}, "d": {"x-order": 1.0}, "e": {}}
    read = ModelSchema.parse({"components": {"schemas": {"Input": {"properties": properties}}}})
    assert [input.name for input in read.inputs] == ["c", "d", "a", "b", "e"]


def test_the_order_of_an_enum_may_be_in_its_component() -> None:
    choices = {"enum": ["a"], "type": "string", "x-order": 0}
    schemas = {"Input": {"properties": {"b": {"x-order": 1}, "a": ref("a")}}, "a": choices}
    assert [input.name for input in ModelSchema.parse({"components": {"schemas": schemas}}).inputs] == ["a", "b"]


def test_inputs_may_be_composed() -> None:
    base = {"type": "object", "properties": {"prompt": {"type": "string"}}, "required": ["prompt"]}
    composed = {"allOf": [ref("Base"), {"properties": {"seed": {"type": "integer"}}, "required": ["seed"]}]}
    read = ModelSchema.parse({"components": {"schemas": {"Input": composed, "Base": base}}})
    assert {(input.name, input.required) for input in read.inputs} == {("prompt", True), ("seed", True)}


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        (FILE, Output("file")),
        ({"type": "string"}, Output("string")),
        ({"type": "integer"}, Output("integer")),
        ({"type": "number", "nullable": True}, Output("number", nullable=True)),
        ({"type": "boolean"}, Output("boolean")),
        ({"type": "null"}, Output("null", nullable=True)),
        ({"type": "string", "enum": ["yes", "no"]}, Output("string", choices=("yes", "no"))),
        ({"type": "array", "items": FILE}, Output("list", Output("file"))),
        ({"type": "array"}, Output("list")),
        (TEXT_STREAM, Output("text", is_iterator=True)),
        (
            {"type": "array", "items": FILE, "x-cog-array-type": "iterator"},
            Output("list", Output("file"), is_iterator=True),
        ),
        (
            {"type": "array", "items": {"type": "array", "items": FILE}, "x-cog-array-type": "iterator"},
            Output("list", Output("list", Output("file")), is_iterator=True),
        ),
        (
            {"type": "array", "items": {"type": "array", "items": {"type": "number"}}},
            Output("list", Output("list", Output("number"))),
        ),
        (
            {"type": "array", "items": ref("Caption")},
            Output("list", Output("object", None, {"file": Output("file"), "text": Output("string")}, ("file",))),
        ),
        (
            {**ref("Caption"), "nullable": True},
            Output("object", None, {"file": Output("file"), "text": Output("string")}, ("file",), nullable=True),
        ),
        ({"type": "object"}, Output("object")),
        ({"type": "object", "additionalProperties": FILE}, Output("object", Output("file"))),
        ({"anyOf": [FILE, {"type": "null"}]}, Output("file", nullable=True)),
        ({"anyOf": [FILE, {"type": "integer"}]}, Output("any")),
    ],
    ids=json.dumps,
)
def test_the_output(schema: dict[str, Any], expected: Output) -> None:
    caption = {"type": "object", "properties": {"file": FILE, "text": {"type": "string"}}, "required": ["file"]}
    assert parse_output(schema, Caption=caption) == expected


@pytest.mark.parametrize(
    ("cog_version", "is_iterator"),
    [
        *[(version, True) for version in ("0.1", "0.1.3+shimmed", "v0.2.0", "0.3.8")],
        *[
            (version, False)
            for version in ("0.3.9", "v0.4.0+dev", "0.9.0-beta8", "0.10.1", "1.0", "dev", "90", "", None)
        ],
    ],
)
def test_a_list_of_an_old_cog_may_be_an_iterator(cog_version: str | None, is_iterator: bool) -> None:
    assert parse_output({"type": "array", "items": FILE}, cog_version).is_iterator is is_iterator
    assert parse_output(FILE, cog_version).is_iterator is False


def test_a_component_that_contains_itself_is_any_where_it_recurs() -> None:
    tree = {"type": "object", "properties": {name: ref("Tree") for name in "abcdefgh"}}
    read = ModelSchema.parse(
        document({"tree": ref("Tree"), "last": FILE}, output=ref("Tree"), components={"Tree": tree})
    )
    assert [input.type for input in read.inputs] == ["object", "file"]
    assert {field.type for field in read.inputs[0].fields.values()} == {"any"}
    assert {field.kind for field in read.output.fields.values()} == {"any"}


def test_references_that_multiply_without_end_are_cut_short() -> None:
    chain = {f"C{i}": {"type": "object", "properties": {n: ref(f"C{i + 1}") for n in "abcdef"}} for i in range(50)}
    started = time.perf_counter()
    read = ModelSchema.parse(document({"x": ref("C0")}, output=ref("C0"), components=chain))
    assert time.perf_counter() - started < 1  # it would take years
    assert read.output.kind == "object"


def test_training_inputs() -> None:
    schemas = {
        "TrainingInput": {"properties": {"data": FILE}, "required": ["data"]},
        "TrainingOutput": {"type": "object", "properties": {"weights": FILE}},
        "Input": {"properties": {"prompt": {}}},
    }
    read = ModelSchema.parse({"components": {"schemas": schemas}}, is_training=True)
    assert read.inputs == (Input("data", "file", True),)
    assert read.output == Output("object", fields={"weights": Output("file")})
    assert sorted(read.trimmed()["components"]["schemas"]) == ["TrainingInput", "TrainingOutput"]


def test_trimmed_is_what_was_read() -> None:
    schemas = PAINTER["components"]["schemas"]
    full = {**PAINTER, "components": {"schemas": {**schemas, "Unused": FILE, "Request": ref("Input")}}}
    read = ModelSchema.parse(full)
    assert read.trimmed() == {"components": {"schemas": {name: schemas[name] for name in ("Input", "Output", "ratio")}}}
    again = ModelSchema.parse(json.loads(json.dumps(read.trimmed())))
    assert (again.inputs, again.output, again.digest) == (read.inputs, read.output, read.digest)


def test_the_digest_changes_with_the_inputs_alone() -> None:
    digest = ModelSchema.parse(PAINTER).digest
    assert len(digest) == 64
    reordered = {"info": {"title": "Other"}, "components": PAINTER["components"]}
    assert ModelSchema.parse(reordered).digest == digest
    assert ModelSchema.parse(document({"prompt": {"type": "string"}})).digest != digest


def test_parsing_many_inputs_takes_less_than_a_millisecond() -> None:
    properties = {
        f"x{i}": {"type": "integer", "minimum": 0, "maximum": i, "description": "A number."} for i in range(43)
    }
    schema = document(properties)

    def measure() -> float:
        started = time.perf_counter()
        ModelSchema.parse(schema)
        return time.perf_counter() - started

    assert min(measure() for _ in range(20)) < 1e-3


ODD = (None, True, -1, "", [], {}, [None], {"type": "null"}, ref("Input"), {"allOf": [ref("ratio")]}, [{}], 10**400)


def _places(value: Any, place: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [place, *(inner for key, item in items for inner in _places(item, (*place, key)))]


@pytest.mark.parametrize("seed", range(10))
def test_documents_with_odd_parts_are_read_and_checked(seed: int) -> None:
    rng = random.Random(seed)
    for _ in range(20):
        schema = copy.deepcopy(PAINTER)
        for _ in range(rng.randint(1, 3)):
            *place, key = rng.choice(_places(schema)[1:])
            part: Any = schema
            for name in place:
                part = part[name]
            part[key] = copy.deepcopy(rng.choice(ODD))
        read = ModelSchema.parse(schema)
        assert ModelSchema.parse(read.trimmed()).inputs == read.inputs
        read.json_schema("painter")
        with contextlib.suppress(InvalidInputError):
            read.check({input.name: rng.choice((None, 1, "x", [], {}, b"")) for input in read.inputs})
