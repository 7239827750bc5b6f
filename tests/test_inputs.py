"""Inputs are checked before anything is sent."""

from collections import OrderedDict
from pathlib import Path

import pytest

from replicate_ext.inputs import prepare
from replicate_ext.outputs import FileOutput


def test_json_values_pass_in_containers_of_their_own() -> None:
    given = OrderedDict(a=1, b=[1.5, None, True], c=("x",), d={"e": {"f": []}})
    prepared = prepare(given)
    assert prepared == {"a": 1, "b": [1.5, None, True], "c": ["x"], "d": {"e": {"f": []}}}
    prepared["d"]["e"]["f"].append(1)
    assert given["d"] == {"e": {"f": []}}
    assert prepare(None) == {}


def test_a_file_of_another_run_goes_in_as_its_url() -> None:
    [value] = prepare({"image": FileOutput("https://x.example/y.png", None)}).values()  # type: ignore[arg-type]
    assert value == "https://x.example/y.png"
    assert type(value) is str


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"image": Path("cat.png")}, r"input\.image is a \w*Path.*client\.files\.create"),
        ({"image": b"x"}, r"input\.image is a bytes"),
        ({"list": [1, {"deep": {1, 2}}]}, r"input\.list\[1\]\.deep is a set"),
        ({"x": float("inf")}, r"input\.x is inf"),
        ([("a", 1)], "input must be a dict"),
        ("prompt", "input must be a dict"),
    ],
)
def test_what_json_cannot_say_is_named(given, words: str) -> None:
    with pytest.raises((TypeError, ValueError), match=words):
        prepare(given)
