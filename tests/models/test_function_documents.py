"""What a model's function shows of itself: to `inspect`, `help`, completion, notebooks and language models."""

from __future__ import annotations

import inspect
import io
import pydoc
import re
from typing import Any

import jedi
import pydantic
import pytest
from IPython.core.completer import IPCompleter, provisionalcompleter
from model_schemas import FILE, PAINTER, TEXT_STREAM, document

from replicate_ext import ModelRef
from replicate_ext._functions.function import AsyncFunction, Function, UsedModel
from replicate_ext._models.schema import ModelSchema


class Client:
    """Notes what is run."""

    def run(self, ref: ModelRef, input: dict[str, Any], **options: Any) -> Any:
        return {"ref": str(ref), "input": input, **options}


def make_function(schema: dict[str, Any], ref: str = "acme/painter", kind: Any = Function, **fields: Any) -> Any:
    model = UsedModel(ModelRef.parse(ref), None, ModelSchema.parse(schema), **fields)
    return kind(Client(), model)


PAINT = make_function(PAINTER, description="Paints a picture.")


def test_the_signature() -> None:
    assert str(inspect.signature(PAINT)) == (
        "(*, prompt: str, ratio: Literal['1:1', '16:9', '9:16'] = '1:1', count: int = 1, guidance: float = 3.5, "
        "upscale: bool = False, image: File | None = None, references: list[File] = [], seed: int | None = None, "
        "api_key: str | None = None, extra: dict[str, int] | None = None) -> list[FileOutput]"
    )
    kinds = {parameter.kind for parameter in inspect.signature(PAINT).parameters.values()}
    assert kinds == {inspect.Parameter.KEYWORD_ONLY}


@pytest.mark.parametrize(
    ("output", "shown"),
    [
        (TEXT_STREAM, "str"),
        (FILE, "AsyncFileOutput"),
        ({"type": "array", "items": {"type": "array", "items": FILE}}, "list[list[AsyncFileOutput]]"),
        ({"type": "object", "properties": {"a": FILE}}, "dict[str, Any]"),
        ({"type": "object", "additionalProperties": {"type": "number"}}, "dict[str, float]"),
        ({"type": "integer", "nullable": True}, "int | None"),
        ({"enum": ["a", "b"]}, "Literal['a', 'b']"),
        ({"type": "null"}, "None"),
        ({}, "Any"),
    ],
    ids=str,
)
def test_the_type_of_the_result(output: dict[str, Any], shown: str) -> None:
    function = make_function(document(output=output), kind=AsyncFunction)
    assert str(inspect.signature(function)) == f"() -> {shown}"


def test_inputs_whose_names_are_no_identifiers() -> None:
    function = make_function(document({"class": {"type": "string"}, "a-b": {"type": "integer"}, "self": {}}))
    assert list(inspect.signature(function).parameters) == ["class_", "a_b", "self"]
    sent = function(class_="x", a_b=1, self=2)["input"]
    assert sent == {"class": "x", "a-b": 1, "self": 2} == function(**{"class": "x", "a-b": 1, "self": 2})["input"]


def test_a_model_that_takes_other_inputs() -> None:
    function = make_function(document({"a": {"type": "string"}}, additionalProperties={"type": "integer"}))
    assert str(inspect.signature(function)) == "(*, a: str | None = None, **inputs: int) -> FileOutput"
    assert function(a="x", b=2)["input"] == {"a": "x", "b": 2}
    assert "a" in function._repr_html_()


def test_the_docstring_and_help() -> None:
    assert PAINT.__doc__.splitlines()[:7] == [
        "Paints a picture.",
        "",
        "https://replicate.com/acme/painter",
        "",
        "Args:",
        "    prompt (str): What to paint.",
        "    ratio (Literal['1:1', '16:9', '9:16']): Shape of the picture. Default: '1:1'.",
    ]
    assert "    guidance (float): From 0 to 20. Default: 3.5." in PAINT.__doc__.splitlines()
    assert "    extra (dict[str, int] | None): Deprecated." in PAINT.__doc__.splitlines()
    shown = io.StringIO()
    pydoc.Helper(output=shown)(PAINT)
    assert "prompt (str): What to paint." in shown.getvalue()
    pydoc.render_doc(Function)


def test_the_repr_has_one_line() -> None:
    names = "prompt, ratio, count, guidance, upscale, image, references, seed, …"
    assert repr(PAINT) == f"<Function acme/painter({names}) -> list[FileOutput]>"
    pinned = make_function(document(output=FILE), f"acme/painter:{'abcdef' * 10}0000", AsyncFunction)
    assert repr(pinned) == "<AsyncFunction acme/painter:abcdefab…() -> AsyncFileOutput>"


def test_completion_knows_the_names() -> None:
    script = jedi.Interpreter("paint(pro", [{"paint": PAINT}])
    assert "prompt=" in [completion.name_with_symbols for completion in script.complete()]
    [signature] = jedi.Interpreter("paint(", [{"paint": PAINT}]).get_signatures()
    assert [parameter.name for parameter in signature.params][:2] == ["prompt", "ratio"]
    completer = IPCompleter(namespace={"paint": PAINT}, use_jedi=False)
    with provisionalcompleter():
        assert "prompt=" in [completion.text for completion in completer.completions("paint(pro", 9)]
    assert {"stream", "submit", "with_options", "inputs", "output", "version", "example", "json_schema"} <= {
        *dir(PAINT)
    }


def test_a_notebook_shows_a_table() -> None:
    function = make_function(
        document(
            {
                "prompt": {"type": "string", "description": "<script>alert(1)</script>"},
                "count": {"type": "integer", "minimum": 1, "maximum": 4, "default": 2},
                "api_key": {"type": "string", "format": "password", "default": "hunter2"},
                "old": {"type": "string", "deprecated": True},
            },
            ("prompt",),
        ),
        description="Paints & draws.",
    )
    html = function._repr_html_()
    cells = [re.findall(r"<td[^>]*>(.*?)</td>", row) for row in html.split("<tr>")[2:]]
    assert cells == [
        ["<code>prompt</code>", "str", "required", "&lt;script&gt;alert(1)&lt;/script&gt;"],
        ["<code>count</code>", "int", "2", "≥ 1, ≤ 4"],
        ["<code>api_key</code>", "str", "…", ""],
        ["<s><code>old</code></s>", "str | None", "", ""],
    ]
    assert "Paints &amp; draws." in html
    assert 'href="https://replicate.com/acme/painter"' in html


def test_secret_defaults_show_nowhere() -> None:
    secret = {"type": "string", "format": "password", "default": "hunter2"}
    function = make_function(document({"api_key": secret}))
    shown = [str(inspect.signature(function)), function.__doc__, repr(function), function._repr_html_()]
    assert not any("hunter2" in text for text in [*shown, str(function.json_schema())])


def test_the_json_schema() -> None:
    schema = PAINT.json_schema()
    assert list(schema["properties"]) == [input.name for input in PAINT.inputs if input.name != "api_key"]
    assert schema["properties"]["ratio"] == {
        "type": "string",
        "description": "Shape of the picture.",
        "enum": ["1:1", "16:9", "9:16"],
        "default": "1:1",
    }
    assert schema["properties"]["references"]["items"] == {"type": "string", "format": "uri"}
    assert schema["properties"]["seed"]["type"] == ["integer", "null"]
    assert (schema["required"], schema["additionalProperties"]) == (["prompt"], False)
    assert (schema["title"], schema["description"]) == ("painter", "Paints a picture.")


def test_the_json_schema_is_valid_and_accepts_what_the_check_accepts() -> None:
    import jsonschema

    schema = PAINT.json_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    validator.validate({"prompt": "x", "ratio": "16:9", "seed": None, "references": ["https://a.test/b.png"]})
    assert {error.validator for error in validator.iter_errors({"promt": "x"})} == {"additionalProperties", "required"}


def test_a_tool_of_openai_and_of_anthropic() -> None:
    from anthropic.types import ToolParam
    from openai.types.chat import ChatCompletionToolParam

    function = make_function(PAINTER, "acme/painter-1.5", description="x" * 2000)
    openai_tool, anthropic_tool = function.json_schema("openai"), function.json_schema("anthropic")
    for type_, tool in ((ChatCompletionToolParam, openai_tool), (ToolParam, anthropic_tool)):
        strict = pydantic.ConfigDict(extra="forbid", arbitrary_types_allowed=True)
        assert pydantic.TypeAdapter(pydantic.with_config(strict)(type_)).validate_python(tool)
    assert openai_tool["function"]["name"] == anthropic_tool["name"] == "painter-1_5"
    assert openai_tool["function"]["parameters"] == anthropic_tool["input_schema"]
    assert len(anthropic_tool["description"]) == 1024
    with pytest.raises(ValueError, match="tool must be one of 'openai', 'anthropic', not 'gemini'"):
        function.json_schema("gemini")
