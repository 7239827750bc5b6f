"""JSON values of an input: enums, keys, numbers, text, nesting; what is rejected names the input."""

from enum import Enum, IntEnum, StrEnum

import numpy
import pytest

from conftest import Harness, json_response
from replicate_ext import InvalidRequestError
from sent_inputs import LARGE, run_with_input


class Style(str, Enum):  # noqa: UP042  # str() of a member is not its value
    BOLD = "bold"


class Size(StrEnum):
    BIG = "big"


class Level(IntEnum):
    HIGH = 3


class Plain(Enum):
    SEED = 7
    SIZES = (1, 2)


def test_enum_members_are_sent_as_their_values(harness: Harness) -> None:
    input = {
        Style.BOLD: Style.BOLD,
        "list": [Size.BIG, Level.HIGH, Plain.SEED, Plain.SIZES],
        "nested": {Style.BOLD: 1, Level.HIGH: 2, Plain.SEED: 3},
    }
    assert run_with_input(harness, input) == {
        "bold": "bold",
        "list": ["big", 3, 7, [1, 2]],
        "nested": {"bold": 1, "3": 2, "7": 3},
    }


def test_keys_are_written_as_json_has_them(harness: Harness) -> None:
    keys = {2: 1, 2.5: 2, True: 3, None: 4, Size.BIG: 5}
    assert run_with_input(harness, {"a": keys}) == {"a": {"2": 1, "2.5": 2, "true": 3, "null": 4, "big": 5}}


def nested(depth: int) -> list:
    value: list = []
    for _ in range(depth):
        value = [value]
    return value


def cyclic() -> dict:
    value: dict = {"b": [1]}
    value["b"].append(value)
    return value


@pytest.mark.parametrize(
    ("input", "message"),
    [
        ({"a": cyclic()}, r"input\.a\.b\[1\] contains itself"),
        ({"a": nested(5000)}, r"input\.a\[0\].* more than 100 levels"),
        ({"a": [10**5000]}, r"input\.a\[0\] is an integer of 16,610 bits"),
        ({"a": -(10**5000)}, r"input\.a is an integer of 16,610 bits"),
        ({"a": {"b": "x\ud800y"}}, r"input\.a\.b has a lone surrogate at index 1"),
        ({"a": {"x\udcff": 1}}, r"input\.a: the key '.*' has a lone surrogate"),
        ({"\udcff": 1}, r"input: the key '.*' has a lone surrogate"),
        ({"a": {(1, 2): 3}}, r"input\.a has the key \(1, 2\)"),
        ({"a": {float("nan"): 3}}, r"input\.a: a key is nan"),
        ({"a": numpy.float32("nan")}, r"input\.a is nan"),
        ({"a": numpy.array([1, numpy.inf])}, r"input\.a\[1\] is inf"),
        ({"a": numpy.array([1j])}, r"input\.a\[0\] is a complex"),
        ({"a": numpy.zeros((300, 300, 3))}, r"input\.a is an array of 270,000 float64 .* uint8"),
        ({"a": numpy.zeros((10**9, 1), "i1")[:, 0].reshape(1000, -1)}, r"input\.a is an array of 1,000,000,000 int8"),
    ],
)
def test_value_that_json_cannot_represent_is_rejected_by_name(harness: Harness, input: dict, message: str) -> None:
    with pytest.raises((TypeError, ValueError), match=message):
        harness.call(harness.client.run("acme/filter", {"first": LARGE} | input))
    assert harness.server.requests == []


def test_values_at_the_limits_are_sent(harness: Harness) -> None:
    shared = [1]
    input = {"deep": nested(98), "number": 2**1024 - 1, "text": "é\U0001f600", "shared": [shared, shared]}
    received = run_with_input(harness, input)
    assert received == input
    array = numpy.arange(10_000).reshape(100, 100)
    assert run_with_input(harness, {"array": array}) == {"array": array.tolist()}


def test_413_advises_to_pass_files(harness: Harness) -> None:
    harness.server.respond_with(json_response({"detail": "too large"}, 413))
    with pytest.raises(Exception, match=r"413: too large: .* 100 MB") as caught:
        harness.call(harness.client.run("acme/filter", {"text": "x"}))
    assert not isinstance(caught.value, InvalidRequestError)
    assert caught.value.status_code == 413
