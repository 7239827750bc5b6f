"""The examples of the OpenAPI specification: https://spec.openapis.org/oas/v3.1.1.html#style-examples."""

from __future__ import annotations

from typing import Any

import pytest

from replicate_api.types import ANY, BOOLEAN, STRING, Request, Style, expand_path, format_query

TEXT, LIST, OBJECT = "blue", ["blue", "black", "brown"], {"R": 100, "G": 200, "B": 150}


@pytest.mark.parametrize(
    ("style", "explode", "text", "list_", "object_"),
    [
        ("matrix", False, ";color=blue", ";color=blue,black,brown", ";color=R,100,G,200,B,150"),
        ("matrix", True, ";color=blue", ";color=blue;color=black;color=brown", ";R=100;G=200;B=150"),
        ("label", False, ".blue", ".blue,black,brown", ".R,100,G,200,B,150"),
        ("label", True, ".blue", ".blue.black.brown", ".R=100.G=200.B=150"),
        ("simple", False, "blue", "blue,black,brown", "R,100,G,200,B,150"),
        ("simple", True, "blue", "blue,black,brown", "R=100,G=200,B=150"),
        ("form", False, "color=blue", "color=blue,black,brown", "color=R,100,G,200,B,150"),
        ("form", True, "color=blue", "color=blue&color=black&color=brown", "R=100&G=200&B=150"),
        ("spaceDelimited", False, None, "color=blue%20black%20brown", "color=R%20100%20G%20200%20B%20150"),
        ("pipeDelimited", False, None, "color=blue%7Cblack%7Cbrown", "color=R%7C100%7CG%7C200%7CB%7C150"),
        ("deepObject", True, None, None, "color%5BR%5D=100&color%5BG%5D=200&color%5BB%5D=150"),
    ],
)
def test_examples_of_the_specification(
    style: str, explode: bool, text: str | None, list_: str | None, object_: str
) -> None:
    for value, expected in ((TEXT, text), (LIST, list_), (OBJECT, object_)):
        if expected is not None:
            assert Style(style, "color", explode).expand(value, "color") == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("", "c="),
        ([], ""),
        ({}, ""),
        ([""], "c="),
        ([None, "a"], "c=a"),
        ({"a": None, "b": 1}, "b=1"),
        (True, "c=true"),
        (1.5, "c=1.5"),
        ("a&b=c/ü", "c=a%26b%3Dc%2F%C3%BC"),
    ],
)
def test_values_are_text_and_percent_encoded(value: Any, expected: str) -> None:
    assert Style("form", "c").expand(value, "c") == expected


def test_query_leaves_out_what_is_not_given() -> None:
    form, commas = Style("form", "a"), Style("form", "b", explode=False)
    assert format_query(a=(STRING, None, form), b=(ANY, [], commas)) == ""
    assert format_query(a=(STRING, "x y", form), b=(ANY, ["1", "2"], commas)) == "a=x%20y&b=1,2"
    assert Request("GET", "/p", query="a=1").target == "/p?a=1"
    assert Request("GET", "/p").target == "/p"


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ([], r"ids must be a non-empty string, not \[\]"),
        ([[1]], r"ids\[0\] must be a string, a number or a boolean, not list: \[1\]"),
        ({"a": {}}, r"ids\['a'\] must be a string, a number or a boolean, not dict: {}"),
    ],
)
def test_a_value_without_a_text_is_an_error(value: Any, message: str) -> None:
    with pytest.raises((TypeError, ValueError), match=message):
        expand_path("/x/{ids}", ids=(ANY, value, Style("simple", "ids")))


def test_a_boolean_in_a_path() -> None:
    assert expand_path("/x/{is_new}", is_new=(BOOLEAN, True, Style("simple", "is_new"))) == "/x/true"


@pytest.mark.parametrize("value", [[], {}, [None], {"a": None}])
@pytest.mark.parametrize("style", ["simple", "label", "matrix"])
def test_nothing_in_a_path_is_an_error(value: Any, style: str) -> None:
    with pytest.raises(ValueError, match="ids must be a non-empty string"):
        expand_path("/x/{ids}", ids=(ANY, value, Style(style, "ids", explode=False)))


@pytest.mark.parametrize("value", [["."], [".."], [""]])
def test_a_list_cannot_change_the_path(value: list[str]) -> None:
    with pytest.raises(ValueError, match="ids must be a non-empty string"):
        expand_path("/x/{ids}", ids=(ANY, value, Style("simple", "ids")))
