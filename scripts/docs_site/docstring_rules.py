"""The rules for complete docstrings."""

from __future__ import annotations

import ast
import doctest
import enum
import inspect
import re
from collections.abc import Callable, Iterator
from typing import Any, is_typeddict

from codegen.descriptions import PLACEHOLDER

from .definitions import assigned_fields, find_class, raised_exceptions
from .docstring_parts import Docstring
from .public_api import PublicName

UNIT = re.compile(
    r"\b(seconds?|minutes?|hours?|milliseconds?|bytes|[kMG]B|pixels?|percent|dollars?|USD"
    r"|how (often|many|much|long|far)|number|count|index|position|port|seed|level|status|probability|times|total"
    r"|most|fewest|largest|smallest|maximum|minimum|limit|up to)\b",
    re.IGNORECASE,
)
"""What a description of a number names: a unit, or what it counts."""

WITHOUT_EXAMPLE = {
    "an async method: the example of the sync one, with `await`": (
        "AsyncBatch.open AsyncBatch.results AsyncFileOutput.aiter_bytes AsyncFileOutput.open AsyncFunction "
        "AsyncFunction.map AsyncFunction.stream AsyncFunction.submit AsyncReplicate.aclose"
    ),
    "needs a generated module and its lock, as in docs/guides/typed-models.md": (
        "typed.AsyncTypedFunction typed.AsyncTypedFunction.map typed.AsyncTypedFunction.stream "
        "typed.AsyncTypedFunction.submit typed.TypedFunction typed.TypedFunction.json_schema typed.TypedFunction.map "
        "typed.TypedFunction.row typed.TypedFunction.stream typed.TypedFunction.submit "
        "typed.TypedFunction.with_options typed.function"
    ),
    "called by the package, hardly by users": (
        "ReplicateError.add_advice Report.read Status.read Upload.is_replayable Upload.part emulator.Field.to_schema "
        "emulator.Faults.take_request_fault emulator.Faults.take_stream_interruption "
        "emulator.Faults.take_webhook_fault"
    ),
    "has a meaning only inside a model of the emulator": "emulator.log emulator.now emulator.sleep",
}
"""Functions and classes without an example, by the reason."""

NOT_CONSTRUCTED = (
    "AsyncBatch AsyncFileOutput AsyncFunction AsyncStream Batch Event FileOutput Function Item Outputs Page Progress "
    "Report Status Stream Unset emulator.Clock emulator.Delivery emulator.Faults emulator.RecordedRequest "
    "emulator.Secret errors.Problem typed.AsyncTypedFunction typed.Returns typed.TypedFunction"
)
"""Classes that users get from a method and do not construct: they need no `Args`."""

SAME_ARGUMENTS = {
    "AsyncReplicate": "Replicate",
    "Function.with_options": "client.run",
    "Replicate.with_options": "Replicate",
    "AsyncFunction.map": "client.map",
    "Function.map": "client.map",
    "typed.AsyncTypedFunction.map": "client.map",
    "typed.TypedFunction.map": "client.map",
    "typed.TypedFunction.with_options": "Options",
}
"""Names without `Args`, and the name of which they take the arguments: their docstring names it instead."""

_NO_EXAMPLE = {name for names in WITHOUT_EXAMPLE.values() for name in names.split()}
_SECTIONS = ("Args", "Returns", "Yields", "Raises", "Examples")
_MISSPELLED = re.compile(
    r"^(Arguments|Arg|Params|Parameters|Attribute|Return|Yield|Raise|Example|Exceptions|Keyword Args|Usage):$",
    re.MULTILINE,
)
_SILENCED = re.compile(r"#\s*(doctest|type|pyright|mypy):")


def missing_parts(one: PublicName) -> Iterator[str]:
    """Yield what a docstring lacks; nothing for an operation that an update has added and nobody has described yet."""
    if PLACEHOLDER in one.docstring:
        return
    if not one.docstring:
        yield "no docstring"
        return
    docstring = Docstring(one.docstring)
    yield from _form(one, docstring)
    for rule in _RULES[one.kind]:
        yield from rule(one, docstring)


def _form(one: PublicName, docstring: Docstring) -> Iterator[str]:
    lines = docstring.text.splitlines()
    if not lines[0].strip() or lines[0].rstrip(":") in _SECTIONS:
        yield "no summary"
    is_enum = inspect.isclass(one.object) and issubclass(one.object, enum.Enum)
    if lines[1:] and lines[1].strip() and not is_enum:
        yield "no blank line after the summary"
    yield from docstring.warnings
    yield from (f"the section {name!r} has another name" for name in _MISSPELLED.findall(docstring.text))
    order = [line[:-1] for line in lines if line.endswith(":") and line[:-1] in _SECTIONS]
    if order != sorted(order, key=_SECTIONS.index):
        yield f"sections in the order {', '.join(order)}; it should be {', '.join(_SECTIONS)}"
    if ">>> " in docstring.prose or any(map(_is_code, docstring.prose.split("\n\n"))):
        yield "code outside `Examples:`"
    examples = "\n".join(text for kind, text in docstring.parts.get("examples", ()) if kind.value == "examples")
    if _SILENCED.search(docstring.text):
        yield "an example silences doctest or a type checker"
    if "examples" in docstring.parts and not doctest.DocTestParser().get_examples(examples):
        yield "no line with >>> in `Examples`"


def _is_code(paragraph: str) -> bool:
    """Return whether a paragraph is code, which no test runs: it is indented, and no tree, or Python with a call."""
    if paragraph.startswith("    "):
        return "├──" not in paragraph
    try:
        tree = ast.parse(paragraph)
    except SyntaxError:
        return False
    return any(isinstance(node, ast.Call | ast.Import | ast.ImportFrom) for node in ast.walk(tree))


def _parameters(one: PublicName, docstring: Docstring) -> Iterator[str]:
    if one.is_fixture:
        return
    described = docstring.described("parameters")
    parameters = _signature(one).parameters
    if one.name in SAME_ARGUMENTS and not described:
        if f"`{SAME_ARGUMENTS[one.name]}`" not in docstring.text:
            yield f"Args: they are missing, and so is a word on `{SAME_ARGUMENTS[one.name]}`, which has them"
        return
    for name in described.keys() - parameters.keys():
        yield f"Args: {name} is no parameter"
    for name, parameter in parameters.items():
        if name not in described:
            yield f"Args: {name} is missing"
        elif _is_number(parameter.annotation) and not UNIT.search(described[name]):
            yield f"Args: {name} is a number without a unit"


def _signature(one: PublicName) -> inspect.Signature:
    """Return the signature without the object itself, and without what no caller gives."""
    try:
        signature = inspect.signature(one.object)
    except ValueError:  # a class that inherits the constructor of a built-in one
        signature = inspect.Signature()
    parameters = list(signature.parameters.values())
    if one.kind == "function" and one.is_method:
        del parameters[0]
    given = [p for p in parameters if str(p.annotation) not in ("Never", "P.args", "P.kwargs")]
    return signature.replace(parameters=given)


def _is_number(annotation: Any) -> bool:
    text = annotation if isinstance(annotation, str) else inspect.formatannotation(annotation)
    return not re.match(r"\w*Callable\b", text) and bool({"int", "float"} & set(re.split(r" \| ", text)))


def _returns(one: PublicName, docstring: Docstring) -> Iterator[str]:
    annotation = str(_signature(one).return_annotation)
    has_section = "returns" in docstring.parts or "yields" in docstring.parts
    if annotation in ("None", "Never", "NoReturn"):
        if has_section:
            yield f"{'Yields' if 'yields' in docstring.parts else 'Returns'}: it returns None"
    elif not has_section:
        yield "Returns is missing"


def _raises(one: PublicName, docstring: Docstring) -> Iterator[str]:
    if one.is_dual and not docstring.raised:
        yield "Raises is missing: it sends requests"
    documented = [find_class(name) for name in docstring.raised]
    for name, cls in zip(docstring.raised, documented, strict=True):
        if not (isinstance(cls, type) and issubclass(cls, BaseException)):
            yield f"Raises: {name} is no exception of replicate_ext.errors or Python"
    for raised in raised_exceptions(one.object):
        if not any(isinstance(cls, type) and issubclass(raised, cls) for cls in documented):
            yield f"Raises: {raised.__name__} is missing"


def _examples(one: PublicName, docstring: Docstring) -> Iterator[str]:
    if one.name not in _NO_EXAMPLE and "examples" not in docstring.parts:
        yield "Examples is missing"


def _constructor(one: PublicName, docstring: Docstring) -> Iterator[str]:
    if _is_constructed(one):
        yield from _parameters_of_class(one, docstring)
        yield from _examples(one, docstring)


def _is_constructed(one: PublicName) -> bool:
    cls = one.object
    return not (
        one.name in NOT_CONSTRUCTED.split()
        or issubclass(cls, BaseException | enum.Enum)
        or is_typeddict(cls)
        or cls.__module__.startswith(("replicate_api.models", "replicate_ext._generated"))
    )


def _parameters_of_class(one: PublicName, docstring: Docstring) -> Iterator[str]:
    fields = {} if "parameters" in docstring.parts else assigned_fields(one.object)
    for problem in _parameters(one, docstring):
        if problem.removeprefix("Args: ").partition(" ")[0] not in fields:  # which `Attributes` has
            yield problem


def _unit(one: PublicName, docstring: Docstring) -> Iterator[str]:
    if _is_number(_signature(one).return_annotation) and not UNIT.search(docstring.prose):
        yield "it is a number without a unit"


def _attributes(one: PublicName, docstring: Docstring) -> Iterator[str]:
    if is_typeddict(one.object) or one.name == "Unset":
        return
    described = docstring.described("attributes") | docstring.described("parameters")
    for name, has_own_docstring in assigned_fields(one.object).items():
        if name not in described and not has_own_docstring:
            yield f"Attributes: {name} is missing"


Rule = Callable[[PublicName, Docstring], Iterator[str]]
_RULES: dict[str, tuple[Rule, ...]] = {
    "module": (),
    "class": (_constructor, _attributes),
    "function": (_parameters, _returns, _raises, _examples),
    "property": (_unit,),
}
