"""Write the docstrings of the generated code: summary, details, Args, Returns or Yields, Raises, Examples.

They have the words of the OpenAPI document. What it has no place for, a sentence about each namespace and the examples
of methods, is in `docstrings.yaml`.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from openapi_python_client.parser.properties import EnumProperty, ModelProperty

from .constructs import deprecated_fields
from .endpoints import Argument, EndpointContext
from .namespaces import Method, Namespace
from .normalize import UNDESCRIBED_RESPONSE, walk
from .types_map import model_properties

WIDTH = 120
"""Characters of a line, with its indentation."""

ERRORS = {
    "400": "InvalidRequestError",
    "401": "AuthenticationError",
    "402": "PaymentRequiredError",
    "403": "PermissionDeniedError",
    "404": "NotFoundError",
    "422": "InvalidRequestError",
    "429": "RateLimitError",
    "5": "ServerError",
}
"""The classes of `replicate_ext.errors` by status, or by its first digit; the others are an `APIStatusError`."""

INPUT_NOTE = "Files in it (a `Path`, bytes, an open file) are sent as by `run`."
FAILURE = 'The request failed; see "Errors" for the tree.'
UNCERTAIN = "If `maybe_created_after` is set, it may have had its effect: check that before you retry."


class Section(NamedTuple):
    """One section of a docstring: entries, which are wrapped, and `verbatim` lines."""

    title: str
    entries: list[str]
    verbatim: str = ""


class Texts(NamedTuple):
    """What `docstrings.yaml` has."""

    namespaces: dict[str, str]
    """A sentence about each namespace, by attribute path."""

    examples: dict[str, str]
    """Lines for doctest, by operationId."""

    @classmethod
    def load(cls, path: Path) -> Texts:
        """Return the texts of a file."""
        return cls(**yaml.safe_load(path.read_text(encoding="utf-8")))

    def find_unused(self, document: dict[str, Any]) -> list[str]:
        """Return a line for each example of an operation that neither this document nor an earlier one has."""
        known = {node.get("operationId") for node in walk(document)}
        unused = sorted(self.examples.keys() - known)
        return [f"docstrings.yaml: examples.{name}: not used, since no operation has this id" for name in unused]

    def document_method(self, method: Method, operation: EndpointContext) -> str:
        """Return the docstring of a method of the clients."""
        item = method.item_type.rpartition(".")[2] if method.item_type else None
        example = self.examples.get(operation.operation_id, "")
        notes = {"input": INPUT_NOTE} if method.takes_files else {}
        arguments = [_argument(one, notes.get(one.name, "")) for one in operation.build_arguments]
        sections = [
            Section("Args", arguments),
            Section("Yields", [_describe_items(item, method.yields_events)] if item else []),
            Section("Returns", _describe_result(operation) if not item else []),
            Section("Raises", _describe_errors(method, operation)),
            Section("Examples", [], example),
        ]
        return write(_describe_operation(operation), sections, 8)

    def document_namespace(self, namespace: Namespace, *, is_attribute: bool = False) -> str:
        """Return the docstring of a namespace, or of the attribute that holds it, which is shorter."""
        if not namespace.path:
            return '"""Every operation, as a method or in a namespace."""'
        path = ".".join(namespace.path)
        text, members = self.namespaces.get(path), f"`client.{path}` has {_enumerate(namespace.member_names)}."
        return write([text or members] if is_attribute or not text else [text, members], [], 4)


def document_module(operation: EndpointContext) -> str:
    """Return the docstring of the module of an operation."""
    return write([*_describe_operation(operation), f"{operation.method} {operation.path}"], [], 0)


def document_class(cls: ModelProperty | EnumProperty) -> str:
    """Return the docstring of a model or an enum."""
    if isinstance(cls, EnumProperty):
        return write([plain(cls.description) or "One of the values below, or one that the API has added since."], [], 4)
    deprecated = deprecated_fields(cls)
    attributes = [
        _entry(one.python_name, one.description, "Deprecated." if plain(one.name) in deprecated else "")
        for one in model_properties(cls)
    ]
    return write([plain(cls.description) or str(cls.class_info.name)], [Section("Attributes", attributes)], 4)


def document_build(operation: EndpointContext) -> str:
    """Return the docstring of the function that builds the request of an operation."""
    arguments = [_argument(one) for one in operation.build_arguments]
    errors = ["TypeError, ValueError: An argument is invalid."] if arguments else []
    sections = [Section("Args", arguments), Section("Raises", errors)]
    return write([f"Return the request of `{operation.operation_id}`."], sections, 4)


def write(paragraphs: Iterable[str], sections: Iterable[Section], indent: int) -> str:
    """Return a docstring, quotes included, without the indentation of its first line."""
    parts = [wrap(paragraph, indent) for paragraph in paragraphs]
    for title, entries, verbatim in sections:
        lines = [wrap(entry, indent + 4, hanging=4) for entry in entries]
        lines += [f"{' ' * (indent + 4)}{escape(line)}".rstrip() for line in verbatim.splitlines()]
        if lines:
            parts.append("\n".join([f"{' ' * indent}{title}:", *lines]))
    text = "\n\n".join(parts).strip()
    end = f"\n{' ' * indent}" if "\n" in text else " " if text.endswith('"') else ""  # four quotes would not parse
    return f'"""{text}{end}"""'


def wrap(text: str, indent: int = 0, hanging: int = 0) -> str:
    """Return a text as lines of a docstring, escaped, with each paragraph wrapped, and code unbroken on one line.

    Args:
        text: Its paragraphs are separated by empty lines.
        indent: Spaces before each line.
        hanging: Further spaces before each line but the first of a paragraph.
    """
    text = re.sub(r"`[^`\n]{1,40}`", lambda code: code[0].replace(" ", "\xa0"), escape(text.strip()))
    start, following = " " * indent, " " * (indent + hanging)
    paragraphs = [
        textwrap.fill(
            paragraph,
            WIDTH,
            initial_indent=following if number else start,
            subsequent_indent=following,
            break_long_words=False,
            break_on_hyphens=False,
        )
        for number, paragraph in enumerate(re.split(r"\n\s*\n", text))
    ]
    return "\n\n".join(paragraphs).replace("\xa0", " ")


def plain(text: Any) -> str:
    """Return a text of the OpenAPI document, which the generator wraps until it is escaped, as a string."""
    return str(text.get_untrusted_value() if hasattr(text, "get_untrusted_value") else text or "").strip()


def escape(text: str) -> str:
    """Return a text as it is between the quotes of a docstring."""
    return text.replace("\\", "\\\\").replace('"""', "'''")


def _describe_operation(operation: EndpointContext) -> list[str]:
    """Return the paragraphs about an operation."""
    summary, description = (plain(operation.documented.get(name)) for name in ("summary", "description"))
    if summary in ("", operation.operation_id):  # nobody has described it yet
        summary = f"`{operation.operation_id}`"
    summary = summary if summary.endswith((".", "!", "?")) else f"{summary}."
    return [*filter(None, [summary, description]), *(["Deprecated."] if operation.is_deprecated else [])]


def _argument(argument: Argument, note: str = "") -> str:
    return _entry(argument.name, argument.description, argument.note, note)


def _entry(name: str, description: Any, *notes: str) -> str:
    return " ".join(filter(None, [f"{name}:", plain(description), *notes]))


def _describe_items(item: str, are_events: bool) -> str:
    if are_events:
        return f"One `{item}` after another, as the server sends them."
    return f"One `{item}` after another; pages are fetched as you iterate."


def _describe_result(operation: EndpointContext) -> list[str]:
    """Return what the OpenAPI document has about the successful responses that have a body."""
    if operation.result.type == "None":
        return []
    responses = operation.documented["responses"].items()
    found = [_description(status, one) for status, one in responses if status[0] == "2" and one.get("content")]
    described = [*dict.fromkeys(filter(None, found))]
    is_union = operation.result.kind == "one_of"
    return [" ".join(described if is_union else described[:1]) or "The content of the response."]


def _describe_errors(method: Method, operation: EndpointContext) -> list[str]:
    """Return the errors of an operation: those that its shape makes likely, and those that the document describes."""
    errors: dict[str, str] = {}
    if nouns := _path_nouns(operation):
        errors["NotFoundError"] = f"There is no such {' or '.join(nouns)}, or this token may not see it."
    if operation.body is not None:
        errors["InvalidRequestError"] = "The server does not accept the arguments."
    if method.takes_files:  # a prediction or a training
        errors["PaymentRequiredError, RateLimitError"] = (
            "No credit is left, or the rate limit lasts longer than the client waits."
        )
    for status, response in operation.documented["responses"].items():
        if status[0] in "45" and (text := _description(status, response)):
            errors[ERRORS.get(status) or ERRORS.get(status[0]) or "APIStatusError"] = text
    errors["ReplicateError"] = FAILURE if operation.is_idempotent else f"{FAILURE} {UNCERTAIN}"
    return [f"{name}: {text}" for name, text in errors.items()]


def _path_nouns(operation: EndpointContext) -> list[str]:
    """Return what the parameters of the path identify: `model` and `version`."""
    names = [argument.name for argument in operation.request_arguments.positional]
    return [*dict.fromkeys(re.sub(r"_(owner|name|id|slug|sku)$", "", name).replace("_", " ") for name in names)]


def _description(status: str, response: dict[str, Any]) -> str:
    text = plain(response.get("description"))
    return "" if text == UNDESCRIBED_RESPONSE.format(status) else text


def _enumerate(names: list[str]) -> str:
    quoted = [f"`{name}`" for name in names]
    return " and ".join([", ".join(quoted[:-1]), quoted[-1]] if len(quoted) > 1 else quoted)
