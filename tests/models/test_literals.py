"""Foreign text as Python source: only a text, whatever it contains."""

import ast

import pytest

from replicate_ext._models.literals import bracketed, docstring, literal, visible

HOSTILE = [
    '"""',
    "'''",
    '"',
    "\\",
    '\\"""\nimport os\n"""',
    '""" + __import__("os").system("x") + """',
    "\n\r\f\v\x1c\x85\u2028\u2029",
    "\u202e\u2066\u2069\u200f",
    "\0\x1b[2J",
    "\ud800",
    "{x}%s\\N{BULLET}\\x41\\u0041",
    'ends with a quote"',
    "ends with a backslash\\",
    "#",
    "\ufeff",
    "x" * 500,
]


@pytest.mark.parametrize("text", HOSTILE)
def test_a_literal_is_the_text_in_one_printable_line(text: str) -> None:
    source = literal(text)
    assert ast.literal_eval(source) == text
    assert source.isprintable()
    source.encode()


@pytest.mark.parametrize(
    ("value", "source"),
    [
        ("a 'quoted' word", "\"a 'quoted' word\""),
        (True, "True"),
        (None, "None"),
        (3, "3"),
        (7.5, "7.5"),
        ([], "()"),
        (["a"], '("a",)'),
        ([1, [2.0, "x"]], '(1, (2.0, "x"))'),
        (float("nan"), None),
        ([float("inf")], None),
        ({"a": 1}, None),
    ],
)
def test_the_literal_of_a_json_value(value: object, source: str | None) -> None:
    assert literal(value) == source


@pytest.mark.parametrize("text", HOSTILE)
def test_a_docstring_is_the_visible_text(text: str) -> None:
    lines = [visible(text), "", f"name: {visible(text)}"]
    for content in (lines, lines[:1]):
        module = ast.parse(f"def f():\n{docstring(content)}")
        [function] = module.body
        assert len(module.body) == len(function.body) == 1
        assert ast.get_docstring(function) == "\n".join(content).strip()
        assert ast.get_docstring(function, clean=False).replace("\n", "").isprintable()


def test_invisible_characters_are_shown_as_escapes() -> None:
    assert visible(" a\n b\u2028c\u202e\x1b[2J\xa0d ") == r"a b c\u202e\x1b[2J d"


def test_long_lists_are_wrapped() -> None:
    assert bracketed("f(", ["a", "b"], ")", "  ") == "  f(a, b)"
    wrapped = bracketed("f(", [f"argument_{i}" for i in range(20)], "),", "    ")
    assert max(map(len, wrapped.splitlines())) <= 100
    assert wrapped.splitlines()[0] == "    f("
    assert wrapped.splitlines()[-1] == "    ),"
