"""Check an input against the schema of a model."""

from __future__ import annotations

import io
import json
import pickle
import time
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from model_schemas import FILE, PAINTER, document, ref
from PIL import Image

from replicate_ext import FileInput, InvalidInputError, errors
from replicate_ext._files.outputs import FileOutput, _restore
from replicate_ext._models.schema import ModelSchema

PAINT = ModelSchema.parse(PAINTER)


class Effect(Enum):
    BLUR = "blur"
    TWO = 2


def check(schema: dict[str, Any], value: Any, **components: Any) -> Any:
    return ModelSchema.parse(document({"x": schema}, components=components)).check({"x": value}).get("x", "left out")


def problem(schema: dict[str, Any], value: Any, name: str = "x") -> str:
    with pytest.raises(InvalidInputError) as caught:
        ModelSchema.parse(document({name: schema})).check({name: value})
    [found] = caught.value.problems
    assert found.name == name
    assert str(caught.value) == f"input.{name}: {found.message}"
    return found.message


INTEGER = {"type": "integer"}
NUMBER = {"type": "number"}
BOOLEAN = {"type": "boolean"}
STRING = {"type": "string"}


@pytest.mark.parametrize(
    ("schema", "given", "sent"),
    [
        (INTEGER, 3, 3),
        (INTEGER, "3", 3),
        (INTEGER, " -3 ", -3),
        (INTEGER, "3.0", 3),
        (INTEGER, 3.0, 3),
        (INTEGER, 2**64 + 1, 2**64 + 1),
        (INTEGER, str(2**64 + 1), 2**64 + 1),
        (INTEGER, np.int64(3), 3),
        (INTEGER, np.array(3), 3),
        (INTEGER, Effect.TWO, 2),
        (NUMBER, 1, 1),
        (NUMBER, 1.5, 1.5),
        (NUMBER, "1.5", 1.5),
        (NUMBER, "1e-3", 0.001),
        (NUMBER, "-.5", -0.5),
        (NUMBER, str(2**64 + 1), 2**64 + 1),
        (NUMBER, np.float32(0.5), 0.5),
        (BOOLEAN, True, True),
        (BOOLEAN, "true", True),
        (BOOLEAN, "False", False),
        (BOOLEAN, 0, False),
        (BOOLEAN, 1.0, True),
        (BOOLEAN, np.bool_(True), True),
        (STRING, "3", "3"),
        (STRING, Effect.BLUR, "blur"),
        ({"enum": [1, 2], "type": "integer"}, "2", 2),
        ({"enum": [0.5, 1]}, "0.5", 0.5),
        ({"enum": ["blur"], "type": "string"}, Effect.BLUR, "blur"),
        ({"type": "integer", "nullable": True}, None, None),
        (INTEGER, None, "left out"),
        ({"type": "array", "items": INTEGER}, ["1", 2.0], [1, 2]),
        ({"type": "array", "items": INTEGER}, (1, "2"), [1, 2]),
        ({"type": "array"}, [None, "a", {}], [None, "a", {}]),
        ({"type": "object", "additionalProperties": INTEGER}, {"a": "1"}, {"a": 1}),
        ({"type": "object", "properties": {"a": NUMBER}}, {"a": "1.5", "b": "c"}, {"a": 1.5, "b": "c"}),
        ({"anyOf": [NUMBER, STRING]}, "3", "3"),
        ({"anyOf": [STRING, NUMBER]}, 3, 3),
        ({"anyOf": [INTEGER, BOOLEAN]}, "3", 3),
        ({"anyOf": [INTEGER, {"type": "array", "items": INTEGER}], "nullable": True}, None, None),
        (FILE, "", ""),
        (FILE, "HTTPS://example.com/a.png", "HTTPS://example.com/a.png"),
        (FILE, "data:text/plain,x", "data:text/plain,x"),
        ({"type": "string", "pattern": "(?<name>x"}, "anything", "anything"),
        ({"type": "string", "maxLength": 2}, "😀😀", "😀😀"),
    ],
    ids=repr,
)
def test_values_are_converted_where_nothing_is_lost(schema: dict[str, Any], given: Any, sent: Any) -> None:
    checked = check(schema, given)
    assert checked == sent
    assert type(checked) is type(sent)
    json.dumps(checked)


@pytest.mark.parametrize("schema", [FILE, STRING, {}], ids=["file", "string", "any"])
def test_files_stay_as_they_are(schema: dict[str, Any], tmp_path: Path) -> None:
    files = [
        tmp_path / "a.png",
        b"a",
        bytearray(b"a"),
        memoryview(b"a"),
        io.BytesIO(b"a"),
        FileInput(b"a"),
        _restore(FileOutput, "https://example.com/a.png"),
        Image.new("L", (1, 1)),
        np.zeros((2, 2), np.uint8),
    ]
    for file in files:
        assert check(schema, file) is file
        assert check({"type": "array", "items": schema}, [file])[0] is file


def test_arrays_of_numbers_are_left_to_the_conversion_to_json() -> None:
    array = np.array([[1.5, 2.5]])
    assert check({"type": "array", "items": {"type": "array", "items": NUMBER}}, array) is array


@pytest.mark.parametrize(
    ("schema", "value", "message"),
    [
        (INTEGER, 3.5, "must be an integer, not 3.5"),
        (INTEGER, True, "must be an integer, not True"),
        (INTEGER, "three", "must be an integer, not 'three'"),
        (INTEGER, "\u0661", "must be an integer, not '\u0661'"),
        (INTEGER, float("inf"), "must be an integer, not inf"),
        (INTEGER, Decimal(3), "must be an integer, not a Decimal"),
        (INTEGER, b"3", "must be an integer, not a bytes"),
        (INTEGER, [3], "must be an integer, not a list"),
        ({"type": "integer", "nullable": True}, "x", "must be an integer, or None, not 'x'"),
        (NUMBER, False, "must be a number, not False"),
        (NUMBER, "nan", "must be a number, not 'nan'"),
        (BOOLEAN, "maybe", "must be True or False, not 'maybe'"),
        (BOOLEAN, 2, "must be True or False, not 2"),
        (BOOLEAN, [], "must be True or False, not a list"),
        (STRING, 3, "must be a string, not 3; write '3'"),
        (STRING, True, "must be a string, not True"),
        (STRING, ["a"], "must be a string, not a list"),
        (
            FILE,
            "cat.png",
            "must be a file: a URL, a Path, bytes or an open file, not 'cat.png'; for a file on disk, "
            "write Path('cat.png')",
        ),
        (
            FILE,
            "C:\\cat.png",
            "must be a file: a URL, a Path, bytes or an open file, not 'C:\\\\cat.png'; for a file on disk, "
            "write Path('C:\\\\cat.png')",
        ),
        (FILE, 3, "must be a file: a URL, a Path, bytes or an open file, not 3"),
        ({"type": "array"}, "a", "must be a list, not 'a'; put it in brackets: [...]"),
        ({"type": "array"}, Path("a"), "must be a list, not a PosixPath; put it in brackets: [...]"),
        ({"type": "object"}, "{}", "must be a dict, not '{}'"),
        (NUMBER, "1e999", "must be a number, not '1e999'"),
        ({"anyOf": [STRING, NUMBER]}, [], "must be a string or a number, not a list"),
        ({"type": "integer", "minimum": 1, "maximum": 4}, 9, "must be between 1 and 4, not 9"),
        ({"type": "integer", "minimum": 1, "maximum": 4}, "0", "must be between 1 and 4, not 0"),
        ({"type": "number", "ge": 0.5}, 0, "must be at least 0.5, not 0"),
        ({"type": "number", "le": 2}, 2.5, "must be at most 2, not 2.5"),
        ({"type": "string", "minLength": 3}, "ab", "must have at least 3 characters, not 2"),
        ({"type": "string", "maxLength": 3}, "abcd", "must have at most 3 characters, not 4"),
        ({"type": "string", "pattern": "^[a-c]+$"}, "xyz", "must match the pattern '^[a-c]+$', not 'xyz'"),
        ({"enum": ["png", "webp"]}, "PNG", "must be one of 'png', 'webp', not 'PNG'; did you mean 'png'?"),
        ({"enum": ["png", "webp"]}, "tiff", "must be one of 'png', 'webp', not 'tiff'"),
        ({"enum": ["png", "webp"]}, np.zeros((2, 2), np.uint8), "must be one of 'png', 'webp', not a ndarray"),
        ({"const": "png"}, "zip", "must be 'png', not 'zip'"),
        ({"enum": [1, 2]}, 3, "must be one of 1, 2, not 3"),
        (
            {"enum": list(range(30))},
            31,
            f"must be one of {', '.join(map(str, range(20)))} and 10 more, not 31",
        ),
        (INTEGER, "https://example.com/key/a.png?signature=b", "must be an integer, not 'example.com/…'"),
        (INTEGER, "x" * 999, "must be an integer, not 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…"),
    ],
    ids=repr,
)
def test_a_problem(schema: dict[str, Any], value: Any, message: str) -> None:
    assert problem(schema, value) == message


def test_places_within_an_input() -> None:
    nested = {
        "type": "object",
        "properties": {"size": {"type": "array", "items": INTEGER}},
        "required": ["size", "name"],
    }
    schema = ModelSchema.parse(document({"x": {**nested, "properties": {**nested["properties"], "name": STRING}}}))
    with pytest.raises(InvalidInputError) as caught:
        schema.check({"x": {"size": [1, "two"]}})
    assert [name for name, _ in caught.value.problems] == ["x.size[1]", "x.name"]


def test_all_problems_are_in_one_error() -> None:
    with pytest.raises(InvalidInputError) as caught:
        PAINT.check({"promt": "a lighthouse", "ratio": "16:8", "count": 9, "guidance": "high"}, "acme/painter")
    assert [name for name, _ in caught.value.problems] == ["promt", "ratio", "count", "guidance", "prompt"]
    assert str(caught.value).splitlines() == [
        "input.promt: acme/painter has no such input; did you mean 'prompt'?",
        "input.ratio: must be one of '1:1', '16:9', '9:16', not '16:8'; did you mean '16:9'?",
        "input.count: must be between 1 and 4, not 9",
        "input.guidance: must be a number, not 'high'",
        "input.prompt: is required, and missing",
    ]


def test_an_unknown_name_that_resembles_none_lists_the_names() -> None:
    names = "prompt, ratio, count, guidance, upscale, image, references, seed, api_key, extra"
    for name in ("zzz", 5, Effect.TWO):
        with pytest.raises(InvalidInputError, match=f"this model has no such input; its inputs are {names}$"):
            PAINT.check({"prompt": "x", name: 1})
    with pytest.raises(InvalidInputError, match="has no such input; it takes no inputs"):
        ModelSchema.parse(document({})).check({"x": 1})


def test_the_key_may_be_the_member_of_an_enum() -> None:
    class Name(Enum):
        PROMPT = "prompt"

    assert PAINT.check({Name.PROMPT: "x"}) == {Name.PROMPT: "x"}


@pytest.mark.parametrize("extra", [True, {"type": "integer"}])
def test_a_model_that_takes_any_name(extra: Any) -> None:
    schema = ModelSchema.parse(document({"a": STRING}, additionalProperties=extra))
    assert schema.check({"a": "x", "b": 2}) == {"a": "x", "b": 2}
    if extra is not True:
        with pytest.raises(InvalidInputError, match=r"input\.b: must be an integer"):
            schema.check({"b": "x"})


@pytest.mark.parametrize(
    ("given", "message"),
    [({}, "is required, and missing"), ({"prompt": None}, "is required, and may not be None")],
)
def test_a_required_input(given: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        PAINT.check(given)
    assert caught.value.problems == (errors.Problem("prompt", message),)


def test_only_what_was_given_is_sent_in_its_order() -> None:
    given = {"count": "2", "prompt": "x", "image": None, "seed": None}
    checked = PAINT.check(given)
    assert list(checked.items()) == [("count", 2), ("prompt", "x"), ("seed", None)]
    assert given == {"count": "2", "prompt": "x", "image": None, "seed": None}


SECRET = "hunter2-hunter2"


@pytest.mark.parametrize(
    ("name", "schema"),
    [
        ("x", {"type": "string", "format": "password", "maxLength": 3}),
        ("x", {"type": "string", "x-cog-secret": True, "enum": ["a", "hunter2-hunter3"]}),
        ("x", {"type": "integer", "format": "password"}),
        ("x", {"anyOf": [INTEGER, BOOLEAN], "format": "password"}),
        ("openai_api_key", {"type": "string", "pattern": "^sk"}),
        ("x", {"type": "object", "x-cog-secret": True}),
    ],
    ids=repr,
)
def test_secrets_never_show(name: str, schema: dict[str, Any]) -> None:
    message = problem(schema, SECRET, name)
    assert "hunter2-hunter2" not in message
    assert "h" * 3 not in message


def test_secrets_in_a_list_and_tokens_anywhere_never_show() -> None:
    schema = ModelSchema.parse(
        document({"x": {"type": "array", "items": INTEGER, "x-cog-secret": True}, "seed": INTEGER})
    )
    with pytest.raises(InvalidInputError) as caught:
        schema.check({"x": [SECRET], "seed": "r8_0123456789abcdef0123456789"})
    assert [problem.message for problem in caught.value.problems] == [
        "must be an integer, not this one",
        "must be an integer, not '[token]'",
    ]


def test_the_error_is_a_value_error_that_can_be_pickled() -> None:
    with pytest.raises(ValueError, match=r"input\.prompt: is required") as caught:
        PAINT.check({})
    caught.value.add_note("a note")
    copy = pickle.loads(pickle.dumps(caught.value))
    assert (type(copy), copy.problems, str(copy)) == (InvalidInputError, caught.value.problems, str(caught.value))
    assert copy.__notes__ == ["a note"]


def test_checking_ten_inputs_takes_at_most_50_microseconds() -> None:
    given = {
        "prompt": "a lighthouse at dawn",
        "ratio": "16:9",
        "count": 2,
        "guidance": 3.5,
        "upscale": True,
        "image": "https://example.com/a.png",
        "references": ["https://example.com/b.png"],
        "seed": 7,
        "api_key": "a secret key",
        "extra": {"a": 1},
    }
    PAINT.check(given)

    def measure() -> float:
        started = time.perf_counter()
        for _ in range(10):
            PAINT.check(given)
        return (time.perf_counter() - started) / 10

    assert min(measure() for _ in range(20)) < 50e-6


def test_a_reference_cycle_is_checked_to_where_it_recurs() -> None:
    node = {"type": "object", "properties": {"value": INTEGER, "next": ref("Node")}}
    given = {"value": "1", "next": {"value": "two", "next": None}}
    assert check(ref("Node"), given, Node=node) == {"value": 1, "next": {"value": "two", "next": None}}


@pytest.mark.parametrize(
    ("name", "schema", "value"),
    [
        ("pin", {"type": "string", "format": "password"}, 31415926),
        ("api_key", STRING, 31415926),
        ("secret", {"type": "object", "additionalProperties": INTEGER}, {"value": "31415926x"}),
        (
            "credentials",
            {"type": "array", "items": {"type": "object", "properties": {"a": BOOLEAN}}},
            [{"a": "31415926"}],
        ),
        ("password", FILE, "31415926"),
    ],
)
def test_neither_hints_nor_parts_show_a_secret(name: str, schema: dict[str, Any], value: Any) -> None:
    with pytest.raises(InvalidInputError) as caught:
        ModelSchema.parse(document({name: schema})).check({name: value})
    assert "3141" not in str(caught.value)


@pytest.mark.parametrize(
    ("pattern", "value"),
    [
        ("^(a+)+$", "a" * 99 + "!"),
        ("a*a*a*a*a*a*b", "a" * 99),
        (f"^{'a?' * 99}{'a' * 99}$", "a" * 98),
        ("^[ab]*c$", "a" * 1_000_000),
        ("^[[:alpha:]]+$", "hello"),
        ("^[a-z&&[^x]]+$", "hello"),
    ],
    ids=["nested", "polynomial", "optional", "long", "POSIX class", "intersection"],
)
def test_a_pattern_that_may_take_long_or_is_of_another_dialect_is_left_to_the_platform(
    pattern: str, value: str
) -> None:
    started = time.perf_counter()
    assert check({"type": "string", "pattern": pattern}, value) == value
    assert time.perf_counter() - started < 0.05


@pytest.mark.parametrize(
    "keywords",
    [
        {"anyOf": [{"properties": {"b": INTEGER}}, {"properties": {"c": INTEGER}}]},
        {"patternProperties": {"^b": INTEGER}},
    ],
)
def test_inputs_that_may_be_defined_elsewhere_are_not_refused(keywords: dict[str, Any]) -> None:
    schema = document({"a": STRING})
    schema["components"]["schemas"]["Input"] |= keywords
    assert ModelSchema.parse(schema).check({"a": "x", "b": 1}) == {"a": "x", "b": 1}
