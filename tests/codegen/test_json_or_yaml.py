"""Reading JSON and YAML that others wrote: bounded in time, depth and size."""

from __future__ import annotations

import json

import pytest
import yaml

from codegen import contract, json_or_yaml
from conftest import shared

BILLION_NODES = "a0: &a0 [x]\n" + "".join(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]\n" for i in range(1, 10))

WRONG = {
    "an alias bomb": (BILLION_NODES, r"line 2: the alias \*a0 is not supported"),
    "a recursive alias": ("&a [*a]", r"line 1: the alias \*a is not supported"),
    "a merged alias": ("a: &a {b: 1}\nc:\n  <<: *a", r"line 3: the alias \*a is not supported"),
    "nested JSON": ('{"a":' + "[" * 100_000 + "]" * 100_000 + "}", "nested in more than 100 levels"),
    "nested JSON within the recursion limit": ('{"a":' + "[" * 101 + "]" * 101 + "}", "nested in more than 100 levels"),
    "nested YAML": ("[" * 100_000, "nested in more than 100 levels"),
    "nested blocks": ("- " * 100_000, "nested in more than 100 levels"),
    "many values in JSON": ('{"a": [' + "1," * 200_000 + "1]}", "more than 200,000 values"),
    "many values in YAML": ("[" + "1," * 400_000 + "1]", "more than 200,000 values"),
    "a number of base 60": ("a: 1" + ":59" * 50_000, "line 1: a number has more than 4,300 digits"),
    "a number that overflows": ("a: 1" + ":59" * 300 + ".5", "too large"),
    "a long number": ('{"a": ' + "1" * 5000 + "}", "4300 digits"),
    "NaN": ('{"a": NaN}', "NaN is not JSON"),
    "NaN in YAML": ("a: .nan", "not JSON compliant"),
    "an invalid value of a tag": ("a: !!bool 5", "5"),
    "a tag of Python": ("a: !!python/object/apply:os.system [ls]", "could not determine a constructor"),
    "a list as a key": ("? [a]\n: b", "unhashable key"),
    "a repeated name": ('{"a": {"b": 1, "c": 2, "b": 3}}', 'the name "b" is repeated in an object; keep one'),
    "a repeated key": ("a:\n  b: 1\n  c: 2\n  b: 3", "line 2: the key b is repeated; keep one of them"),
    "keys that JSON cannot tell apart": ("200: a\n'200': b", 'the name "200" is repeated'),
    "two documents": ("a: 1\n---\nb: 1", "expected a single document"),
    "a truncated document": ('{"a": [', "Expecting value"),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_text_is_an_error(name: str) -> None:
    text, message = WRONG[name]
    with pytest.raises(ValueError, match=message):
        json_or_yaml.parse(text)


def test_the_limits_themselves_are_allowed() -> None:
    assert json_or_yaml.parse('{"a":' + "[" * 99 + "]" * 99 + "}")
    assert json_or_yaml.parse("[" * 100 + "]" * 100)
    assert len(json_or_yaml.parse('{"a": [' + "1," * 199_998 + "1]}")["a"]) == 199_999
    assert json_or_yaml.parse(f"a: {'1' * 4300}") == {"a": int("1" * 4300)}
    assert len(json_or_yaml.parse(f"a: {'word ' * 5000}")["a"]) > 20_000


def test_yaml_becomes_what_json_has() -> None:
    assert json_or_yaml.parse("200: {at: 2026-01-02, name: &unused x}") == {"200": {"at": "2026-01-02", "name": "x"}}


def test_earlier_documents_are_read_like_by_the_loader_in_python() -> None:
    for path in sorted(shared("upstream").glob("history/*.yaml"))[::5]:
        document = json.loads(json.dumps(yaml.safe_load(path.read_text()), default=str))
        assert contract.load(path) == document
