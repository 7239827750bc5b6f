"""The values in files of rows: JSON in cells, and the paths of files."""

from pathlib import Path
from typing import Any

import pytest

from replicate_ext._batch.cells import CellConverter
from replicate_ext._models.schema import ModelSchema

FILE = {"type": "string", "format": "uri"}
PROPERTIES: dict[str, Any] = {
    "prompt": {"type": "string"},
    "image": FILE,
    "images": {"type": "array", "items": FILE},
    "tags": {"type": "array", "items": {"type": "string"}},
    "anything": {},
    "text_or_list": {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]},
    "file_or_files": {"anyOf": [FILE, {"type": "array", "items": FILE}]},
    "file_or_text": {"anyOf": [FILE, {"type": "string"}]},
    "layer": {"type": "object", "properties": {"mask": FILE, "name": {"type": "string"}}},
}
SCHEMA = ModelSchema.parse({"components": {"schemas": {"Input": {"type": "object", "properties": PROPERTIES}}}})
FOLDER = Path("/rows")


@pytest.mark.parametrize(
    ("name", "cell", "expected"),
    [
        ("tags", '["a"]', ["a"]),
        ("layer", ' {"name": "a"} ', {"name": "a"}),
        ("text_or_list", '["a"]', ["a"]),
        ("text_or_list", "3", "3"),
        ("text_or_list", "[a]", "[a]"),
        ("anything", "3", 3),
        ("anything", '"3"', "3"),
        ("anything", "NaN", "NaN"),
        ("anything", "[" * 100_000, "[" * 100_000),
        ("anything", "a fox", "a fox"),
        ("prompt", "3", "3"),
        ("unknown", "3", "3"),
    ],
)
def test_a_cell_is_json_if_the_input_takes_it(name: str, cell: str, expected: Any) -> None:
    assert CellConverter(SCHEMA, FOLDER).parse(name, cell) == expected


@pytest.mark.parametrize(
    ("name", "cell", "message"),
    [
        (
            "tags",
            "a, b",
            r"""column 'tags' is not JSON: Expecting value at character 1; write JSON such as \["a", "b"\]""",
        ),
        (
            "layer",
            '{"name": NaN}',
            """column 'layer' is not JSON: NaN is not a JSON value; write JSON such as {"a": 1}""",
        ),
    ],
)
def test_a_cell_that_must_be_json_is_refused(name: str, cell: str, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}$"):
        CellConverter(SCHEMA, FOLDER).parse(name, cell)


@pytest.mark.parametrize("schema", [None, ModelSchema.parse(None)])
def test_without_a_schema_every_cell_may_be_json_and_none_is_a_path(schema: ModelSchema | None) -> None:
    converter = CellConverter(schema, FOLDER)
    assert [converter.parse("steps", cell) for cell in ("a fox", "3", "true")] == ["a fox", 3, True]
    assert converter.resolve_paths({"image": "a.png", "images": ["a.png"]}) == {"image": "a.png", "images": ["a.png"]}


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("image", "cats/a.png", Path("/rows/cats/a.png")),
        ("image", "/data/a.png", Path("/data/a.png")),
        ("image", "take:1.png", Path("/rows/take:1.png")),
        ("image", "https://example.com/a.png", "https://example.com/a.png"),
        ("image", "DATA:image/png;base64,AAAA", "DATA:image/png;base64,AAAA"),
        ("image", "gs://bucket/a.png", "gs://bucket/a.png"),
        ("image", "", ""),
        ("image", 3, 3),
        ("images", ["a.png", "https://a.com/b.png", None], [Path("/rows/a.png"), "https://a.com/b.png", None]),
        ("layer", {"mask": "a", "name": "a", "more": "a"}, {"mask": Path("/rows/a"), "name": "a", "more": "a"}),
        ("file_or_files", "a.png", Path("/rows/a.png")),
        ("file_or_files", ["a.png"], [Path("/rows/a.png")]),
        ("file_or_text", "a.png", "a.png"),
        ("prompt", "a.png", "a.png"),
        ("tags", ["a.png"], ["a.png"]),
        ("tags", "a.png", "a.png"),
        ("unknown", "a.png", "a.png"),
    ],
)
def test_the_name_of_a_file_becomes_a_path(name: str, value: Any, expected: Any) -> None:
    assert CellConverter(SCHEMA, FOLDER).resolve_paths({name: value}) == {name: expected}
