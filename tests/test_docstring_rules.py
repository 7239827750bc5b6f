"""What scripts/check_docstrings.py finds in docstrings with one mistake each, and which names it checks."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import pytest

import check_docstrings
import replicate_ext
from docs_site.docstring_rules import NOT_CONSTRUCTED, SAME_ARGUMENTS, WITHOUT_EXAMPLE, missing_parts
from docs_site.public_api import PublicName, public_names
from replicate_api.api import OPERATIONS
from replicate_ext.errors import NotFoundError

COMPLETE = """Return the size of a file.

It is not downloaded.

Args:
    path: The path of the file.
    timeout: Seconds to wait.
    **options: More options.

Returns:
    Its size in bytes.

Raises:
    NotFoundError: There is no such file.
    ValueError: The path is empty.

Examples:
    >>> 1 + 1
    2
"""


def size(path: str, *, timeout: float | None = None, **options: Any) -> int:
    if not path:
        raise ValueError("empty")
    if path == "x":
        raise NotFoundError(404)
    raise NotImplementedError


def names() -> Iterator[str]:
    yield "x"


def close(callback: Callable[[int], None], *, deep: bool = False) -> None: ...


def describe(function: Callable[..., Any], docstring: str, *, is_dual: bool = False) -> list[str]:
    """Return what the docstring of a function lacks."""
    function.__doc__ = docstring
    return [*missing_parts(PublicName("name", "function", function, is_dual))]


def test_a_complete_docstring_lacks_nothing() -> None:
    assert describe(size, COMPLETE) == []
    assert describe(size, COMPLETE, is_dual=True) == []


@pytest.mark.parametrize(
    ("right", "wrong", "missing"),
    [
        (COMPLETE, "", "no docstring"),
        ("Return the size of a file.\n\nIt is not downloaded.\n\n", "", "no summary"),
        ("a file.\n", "a file\nof some kind.\n", "no blank line after the summary"),
        ("Seconds to wait", "How it waits", "Args: timeout is a number without a unit"),
        ("    timeout: Seconds to wait.\n", "", "Args: timeout is missing"),
        ("    **options: More options.\n", "", "Args: options is missing"),
        ("    path: The", "    file: A file.\n    path: The", "Args: file is no parameter"),
        ("Returns:\n    Its size in bytes.\n\n", "", "Returns is missing"),
        ("    ValueError: The path is empty.\n", "", "Raises: ValueError is missing"),
        ("    NotFoundError", "    NotFound", "Raises: NotFound is no exception of replicate_ext.errors or Python"),
        ("    >>> 1 + 1\n    2\n", "    1 + 1\n", "no line with >>> in `Examples`"),
        ("Examples:\n    >>> 1 + 1\n    2\n", "", "Examples is missing"),
        ("Args:", "Arguments:", "the section 'Arguments' has another name"),
        ("Examples:", "Example:", "the section 'Example' has another name"),
        ("It is not downloaded.", "    size('x')", "code outside `Examples:`"),
        ("It is not downloaded.", "size('x')", "code outside `Examples:`"),
        ("It is not downloaded.", ">>> size('x')", "code outside `Examples:`"),
        ("    path: The path of the file.\n", "    path The path\n", "Failed to get 'name"),
        ("    >>> 1 + 1\n", "    >>> 1 + 1  # doctest: +SKIP\n", "an example silences doctest or a type checker"),
        ("    >>> 1 + 1\n", "    >>> 1 + ''  # type: ignore\n", "an example silences doctest or a type checker"),
    ],
)
def test_a_mistake_is_found(right: str, wrong: str, missing: str) -> None:
    assert right in COMPLETE
    assert any(part.startswith(missing) for part in describe(size, COMPLETE.replace(right, wrong)))


def test_the_order_of_the_sections_is_checked() -> None:
    head, _, examples = COMPLETE.partition("Examples:\n")
    summary, _, rest = head.partition("Args:\n")
    [missing] = describe(size, f"{summary}Examples:\n{examples}\nArgs:\n{rest}")
    assert missing.startswith("sections in the order Examples, Args, Returns, Raises")


def test_a_new_operation_that_nobody_has_described_yet_lacks_nothing() -> None:
    assert (
        describe(size, "`files.size`.\n\nNot described yet.\n\nArgs:\n    path: Not described yet.\n", is_dual=True)
        == []
    )


def test_what_a_function_that_returns_nothing_needs() -> None:
    docstring = "Close it.\n\nArgs:\n    callback: Called.\n    deep: Whether.\n\nExamples:\n    >>> 1\n    1\n"
    assert describe(close, docstring) == []
    assert describe(close, docstring, is_dual=True) == ["Raises is missing: it sends requests"]
    assert describe(close, f"{docstring}\nReturns:\n    None.\n")[-1] == "Returns: it returns None"


def test_a_generator_may_have_yields() -> None:
    examples = "\n\nExamples:\n    >>> 1\n    1\n"
    assert describe(names, f"Yield names.\n\nYields:\n    A name.{examples}") == []
    assert describe(names, f"Yield names.{examples}") == ["Returns is missing"]


def delay(self: object) -> float | None: ...


@pytest.mark.parametrize(
    ("docstring", "missing"),
    [("The delay, in seconds.", []), ("The delay.", ["it is a number without a unit"])],
)
def test_a_property_that_is_a_number_has_a_unit(docstring: str, missing: list[str]) -> None:
    delay.__doc__ = docstring
    assert [*missing_parts(PublicName("name", "property", delay))] == missing


class Settings:
    """Settings.

    Args:
        retries: How often to retry.

    Attributes:
        retries: How often.

    Examples:
        >>> 1
        1
    """

    def __init__(self, retries: int, name: str = "") -> None:
        self.retries = retries
        self.title = ""
        self.path = ""
        """A path."""
        self._secret = ""


class Pair(NamedTuple):
    """A pair."""

    left: int
    right: int
    """The right one."""


class ResultError(Exception):
    """It failed."""

    code: int


@pytest.mark.parametrize(
    ("cls", "missing"),
    [
        (Settings, ["Args: name is missing", "Attributes: title is missing"]),
        (Pair, ["Examples is missing", "Attributes: left is missing"]),
        (ResultError, ["Attributes: code is missing"]),
    ],
)
def test_the_parts_of_a_class(cls: type, missing: list[str]) -> None:
    assert [*missing_parts(PublicName("name", "class", cls))] == missing


# Which names


NAMES = {one.name: one for one in public_names()}


def test_every_operation_is_a_public_name() -> None:
    assert {f"Replicate.{id.replace('-', '_')}" for id in OPERATIONS} <= NAMES.keys()


def test_every_exported_class_and_function_is_a_public_name() -> None:
    exported = {name: getattr(replicate_ext, name) for name in replicate_ext.__all__}
    classes = {name for name, value in exported.items() if inspect.isclass(value)}
    assert classes <= NAMES.keys()
    assert {"run", "async_run", "predictions"}.isdisjoint(NAMES)  # known as Replicate.run and so on
    assert {"progress_of", "webhooks.verify", "emulator.Emulator.requests", "FileOutput.save"} <= NAMES.keys()
    assert NAMES["Replicate.run"].is_dual
    assert not NAMES["Replicate.close"].is_dual


def test_the_exceptions_to_the_rules_are_public_names() -> None:
    without_example = {name for names in WITHOUT_EXAMPLE.values() for name in names.split()}
    assert without_example - NAMES.keys() == set()
    assert {*NOT_CONSTRUCTED.split(), *SAME_ARGUMENTS} - NAMES.keys() == set()


def test_the_check_prints_what_is_missing(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    size.__doc__, close.__doc__ = COMPLETE, "Close it."
    found = [PublicName(f"a.{function.__name__}", "function", function) for function in (size, close)]
    monkeypatch.setattr(check_docstrings, "public_names", lambda: found)
    assert check_docstrings.main(["--only", "a.size"]) == 0
    assert check_docstrings.main([]) == 1
    line = close.__code__.co_firstlineno
    assert capsys.readouterr().out.splitlines() == [
        "1 public names, 0 docstrings incomplete",
        f"tests/test_docstring_rules.py:{line}: a.close: Args: callback is missing",
        f"tests/test_docstring_rules.py:{line}: a.close: Args: deep is missing",
        f"tests/test_docstring_rules.py:{line}: a.close: Examples is missing",
        "2 public names, 1 docstrings incomplete",
    ]
