"""What docstrings say of an input."""

from __future__ import annotations

from typing import Any

import pytest
from model_schemas import FILE, document

from replicate_ext._functions.signature import make_docstring
from replicate_ext._models.descriptions import describe_input
from replicate_ext._models.schema import ModelSchema


@pytest.mark.parametrize(
    ("schema", "text"),
    [
        ({"type": "string"}, ""),
        ({"type": "string", "description": "A\n text"}, "A text."),
        ({"type": "string", "description": "A text!", "deprecated": True}, "Deprecated. A text!"),
        ({"type": "integer", "minimum": 1}, "At least 1."),
        ({"type": "integer", "maximum": 9}, "At most 9."),
        ({"type": "number", "minimum": 0, "maximum": 0.5, "description": "How much"}, "How much. From 0 to 0.5."),
        ({"type": "string", "minLength": 1, "maxLength": 9}, "From 1 to 9 characters."),
        ({"type": "string", "pattern": "^a$"}, "Matches ^a$."),
        ({**FILE, "x-cog-accept": ["image/*", "video/*"]}, "Accepts image/*, video/*."),
        ({"type": "string", "description": "\x1b[2J\u202eA text"}, r"\x1b[2J\u202eA text."),
    ],
)
def test_the_description_of_an_input(schema: dict[str, Any], text: str) -> None:
    [input] = ModelSchema.parse(document({"x": schema})).inputs
    assert describe_input(input) == text


def test_help_of_a_function_prints_no_control_characters() -> None:
    schema = ModelSchema.parse(document({"x": {"type": "string", "description": "\x1b[2J"}}))
    assert "\x1b" not in make_docstring("acme/painter", "\x1b[2J", schema)
