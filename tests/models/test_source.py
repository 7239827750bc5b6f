"""The source of typed modules."""

from __future__ import annotations

import ast
import inspect
from types import ModuleType
from typing import Any, Literal, get_type_hints, is_typeddict

import pytest
from locked_models import EVERY_CONSTRUCT, locked
from model_schemas import FILE, PAINTER, document

from replicate_ext._models.annotations import parameter
from replicate_ext._models.lock import LockedModel
from replicate_ext._models.schema import ModelSchema
from replicate_ext._models.source import MARK, MAX_FUNCTIONS, RESERVED, render_module

HOSTILE = '"""\'\'\'\\\n\r\f\u2028\u202e\x00\x1b[2J\ud800 + __import__("os") #'


def render(*models: LockedModel) -> str:
    [source] = render_module("models", models).values()
    return source


def definition(source: str, name: str) -> ast.FunctionDef:
    [node] = [node for node in ast.parse(source).body if isinstance(node, ast.FunctionDef) and node.name == name]
    return node


def load(source: str) -> ModuleType:
    """Execute a module of which the types are imported at run time too."""
    module = ModuleType("models")
    exec(source.replace("if TYPE_CHECKING:", "if True:"), vars(module))
    return module


def test_a_function_has_a_keyword_for_each_input() -> None:
    source = render(locked("painter", PAINTER, description="Paint a picture."))
    assert ast.unparse(definition(source, "painter").args) == (
        "*, prompt: str, ratio: Literal['1:1', '16:9', '9:16']='1:1', count: int=1, guidance: float=3.5, "
        "upscale: bool=False, image: FileTypes | None=None, references: Sequence[FileTypes]=(), "
        "seed: int | None=None, api_key: str | None=None, extra: Mapping[str, int] | None=None"
    )
    assert ast.get_docstring(definition(source, "painter")) == (
        "Paint a picture.\n\nhttps://replicate.com/acme/painter\n\nArgs:\n"
        "    prompt: What to paint.\n    ratio: Shape of the picture.\n    count: From 1 to 4.\n"
        "    guidance: From 0 to 20.\n    image: Accepts image/*.\n    api_key: At least 8 characters.\n"
        "    extra: Deprecated."
    )


@pytest.mark.parametrize(
    ("schema", "source"),
    [
        ({"type": "integer", "default": 13.5}, "x: int | None = None,"),
        ({"type": "integer", "default": True}, "x: int | None = None,"),
        ({"type": "boolean", "default": 1}, "x: bool | None = None,"),
        ({"type": "number", "default": 7}, "x: float = 7,"),
        ({"type": "number", "default": float("inf")}, "x: float | None = None,"),
        ({"type": "string", "default": "x" * 100}, "x: str | None = None,"),
        ({"type": "string", "default": "hunter2", "x-cog-secret": True}, "x: str | None = None,"),
        ({"type": "string", "nullable": True, "default": "a"}, 'x: str | None = "a",'),
        ({"type": "string", "enum": ["a"], "default": "b"}, 'x: Literal["a"] | None = None,'),
        ({"type": "number", "enum": [0.5], "default": 0.5}, "x: float = 0.5,"),
        ({"type": "array", "items": FILE, "default": ["a"]}, 'x: Sequence[FileTypes] = ("a",),'),
        ({"type": "array", "items": {"type": "string"}, "default": [3]}, "x: Sequence[str] | None = None,"),
        ({"anyOf": [{"type": "string"}, {"type": "integer"}], "default": 3}, "x: str | int = 3,"),
        ({"anyOf": [{"type": "string"}, {}], "default": 3}, "x: Any = 3,"),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, "x: str | None = None,"),
        ({"enum": ["a", 1, True]}, 'x: Literal["a", 1, True] | None = None,'),
        ({"type": "object", "default": {"a": 1}}, "x: Mapping[str, Any] | None = None,"),
        ({}, "x: Any = None,"),
    ],
)
def test_a_default_is_shown_if_it_has_the_type(schema: dict[str, Any], source: str) -> None:
    [input] = ModelSchema.parse(document({"x": schema})).inputs
    assert parameter("x", input).strip() == source


def test_a_required_input_has_no_default() -> None:
    schema = document({"x": {"type": "string", "nullable": True, "default": "a"}, "y": {"type": "integer"}}, ("x", "y"))
    arguments = definition(render(locked("f", schema)), "f").args
    assert ast.unparse(arguments) == "*, x: str | None, y: int"


def test_official_models_run_by_name_and_others_by_version() -> None:
    models = [locked(kind, document(), kind) for kind in ("official", "community", "version")]
    references = [node.decorator_list[0].args[0].value for node in ast.parse(render(*models)).body[-3:]]
    version = models[0].version
    assert references == [f"acme/community:{version}", "acme/official", f"acme/version:{version}"]


@pytest.mark.parametrize("name", [model.function for model in EVERY_CONSTRUCT])
def test_every_construct_can_be_executed(name: str) -> None:
    [model] = [model for model in EVERY_CONSTRUCT if model.function == name]
    function = getattr(load(render(model)), name)
    parameters = [p for p in inspect.signature(function).parameters.values() if p.kind is not p.VAR_KEYWORD]
    assert len(parameters) == len(model.parse().inputs)
    assert all(parameter.kind is parameter.KEYWORD_ONLY for parameter in parameters)


def test_the_annotations_of_every_construct_are_types() -> None:
    module = load(render(*EVERY_CONSTRUCT))
    module.FileTypes = str  # it names types that only type checkers see
    for name in module.__all__:
        value = getattr(module, name)
        assert get_type_hints(value if is_typeddict(value) else value.__wrapped__, vars(module))
    hints = get_type_hints(module.painter.__wrapped__, vars(module))
    assert hints["ratio"] == Literal["1:1", "16:9", "9:16"]


def test_foreign_text_stays_text() -> None:
    schema = document(
        {
            HOSTILE: {"type": "string", "description": HOSTILE, "default": HOSTILE, "pattern": HOSTILE},
            "choice": {"type": "string", "enum": [HOSTILE, "a"], "default": HOSTILE},
            "file": {**FILE, "x-cog-accept": HOSTILE},
        },
        output={"type": "object", "properties": {HOSTILE: FILE}},
    )
    model = locked("f", schema, "community", description=HOSTILE, version=HOSTILE)
    source = render(model._replace(ref=f"acme/{HOSTILE}"))
    assert all(line.isprintable() for line in source.split("\n"))
    clean = render(
        locked(
            "f",
            document(
                {
                    "a": {"type": "string", "default": "", "pattern": ""},
                    "b": {"type": "string", "enum": ["", "a"]},
                    "c": FILE,
                },
                output={},
            ),
            "community",
        )
    )
    assert [type(node) for node in ast.parse(source).body] == [type(node) for node in ast.parse(clean).body]
    names = {node.id for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Name)}
    assert "__import__" not in names
    choice = definition(source, "f").args.kw_defaults[1]
    assert isinstance(choice, ast.Constant)
    assert choice.value == HOSTILE


def test_an_object_becomes_a_typed_dict() -> None:
    [model] = [model for model in EVERY_CONSTRUCT if model.function == "separation_maker"]
    source = render(model)
    assert source[source.index("File = ") : source.index("@function")] == (
        'File = TypeVar("File")\n\n\n'
        "class SeparationMakerOutputSegmentsItem(TypedDict):\n"
        "    start: float\n\n\n"
        "class SeparationMakerOutput(TypedDict, Generic[File]):\n"
        "    vocals: File\n"
        "    rest: NotRequired[list[File] | None]\n"
        "    segments: NotRequired[list[SeparationMakerOutputSegmentsItem] | None]\n\n\n"
    )
    returned = definition(source, "separation_maker").returns
    assert ast.unparse(returned or ast.Pass()) == (
        "Returns[SeparationMakerOutput[FileOutput], SeparationMakerOutput[AsyncFileOutput]]"
    )


def test_types_do_not_share_names() -> None:
    output = {"type": "object", "properties": {"a": {"type": "string"}}}
    models = [locked(name, document(output=output)) for name in ("file", "flux_1", "flux1")]
    names = load(render(*models)).__all__
    assert names == ["FileOutput_2", "Flux1Output", "Flux1Output_2", "file", "flux1", "flux_1"]
    assert not RESERVED & set(names)


def test_only_what_is_used_is_imported() -> None:
    source = render(
        locked(
            "chat", document({"Any": {"type": "string", "description": "Sequence Literal"}}, output={"type": "string"})
        )
    )
    imported = [
        alias.name for node in ast.walk(ast.parse(source)) if isinstance(node, ast.ImportFrom) for alias in node.names
    ]
    assert imported == ["annotations", "function"]


def test_many_models_become_a_package() -> None:
    few = [locked(f"model_{number}", document()) for number in range(MAX_FUNCTIONS)]
    assert render_module("models", few).keys() == {"models.py"}
    files = render_module("models", [*few, locked("another", document())])
    assert files.keys() == {
        "models/__init__.py",
        "models/_another.py",
        *(f"models/_{model.function}.py" for model in few),
    }
    assert all(MARK in source for source in files.values())


def test_the_source_does_not_depend_on_the_order_of_the_lock() -> None:
    assert render(*EVERY_CONSTRUCT) == render(*reversed(EVERY_CONSTRUCT))


def test_lines_are_short() -> None:
    long = {"type": "string", "description": "word " * 100, "enum": [f"choice {number}" for number in range(50)]}
    source = render(locked("f", document({"x": long}), description="word " * 100))
    assert max(map(len, source.splitlines())) <= 100
