"""What tools show of the clients: pdoc at run time, griffe (mkdocstrings) without running the code, and pydantic."""

from __future__ import annotations

import inspect
import typing

import griffe
import pdoc.doc
import pydantic
import pytest

from codegen import namespaces
from conftest import Harness, json_response, prediction
from replicate_api.api import OPERATIONS
from replicate_ext import AsyncReplicate, Replicate
from replicate_ext._generated import resources
from test_shape import ROOT

NAMESPACES = sorted(resources.Operations.__annotations__)
METHODS = sorted(namespaces.RESERVED[""] - {"aclose", "api", "close", "with_options"})
CLIENTS = pytest.mark.parametrize("cls", [Replicate, AsyncReplicate])


@CLIENTS
def test_pdoc_lists_namespaces_with_type_and_docstring(cls: type) -> None:
    documented = pdoc.doc.Class("replicate_ext", cls.__name__, cls, ("replicate_ext._client", cls.__name__))
    members = {member.name: member for member in documented.own_members}
    assert members.keys() >= {*NAMESPACES, *METHODS}
    for name in NAMESPACES:
        assert isinstance(members[name], pdoc.doc.Variable)
        assert members[name].annotation_str == f": replicate_ext._generated.resources.{name.title().replace('_', '')}"
        assert members[name].docstring.endswith(".")
        assert f"`client.{name}` has `" in getattr(cls, name).__doc__
    for name in METHODS:
        assert isinstance(members[name], pdoc.doc.Function)
        assert members[name].docstring
    assert members["run"].funcdef == ("async def" if cls is AsyncReplicate else "def")


@CLIENTS
def test_pdoc_lists_the_operations_of_a_namespace(cls: type) -> None:
    path = "replicate_ext._generated.resources"
    documented = pdoc.doc.Class(path, "Predictions", cls.predictions, (path, "Predictions"))
    members = {member.name: member for member in documented.own_members}
    assert members.keys() >= {"cancel", "create", "get", "list"}
    assert "prediction_id: " in str(members["get"].signature)
    assert members["get"].funcdef == ("async def" if cls is AsyncReplicate else "def")
    assert "prediction_id: " in members["get"].docstring


@pytest.fixture(scope="module")
def package() -> griffe.Module:
    loader = griffe.GriffeLoader(search_paths=[ROOT, ROOT / "generated"])
    package = loader.load("replicate_ext")
    return typing.cast("griffe.Module", package)


@CLIENTS
def test_griffe_finds_namespaces_and_methods_without_running_the_code(package: griffe.Module, cls: type) -> None:
    members = package["_client"][cls.__name__].all_members
    for name in NAMESPACES:
        assert members[name].is_attribute
        assert str(members[name].annotation) == f"{name.title().replace('_', '')}[BackendT]"
        assert members[name].docstring.value.endswith(".")
    for name in METHODS:
        assert members[name].is_function
        assert members[name].docstring


def test_griffe_finds_the_signature_and_docstring_of_every_operation(package: griffe.Module) -> None:
    found = {}
    for cls in [cls for cls in package["_generated.resources"].classes.values() if not cls.is_alias]:
        for function in [member for member in cls.functions.values() if not member.is_alias]:
            runtime = inspect.signature(vars(getattr(resources, cls.name))[function.name].function)
            assert [parameter.name for parameter in function.parameters] == list(runtime.parameters)
            assert function.docstring
            found[f"{cls.name}.{function.name}"] = str(function.returns)
    assert len(found) == len(OPERATIONS)
    assert found["Predictions.get"] == "models.Prediction"
    assert found["Predictions.list"] == "AsyncIterator[models.Prediction]"


def test_pydantic_validates_the_arguments_of_methods(harness: Harness) -> None:
    harness.server.respond_with(json_response(prediction(output="x"), 201), json_response(prediction()))
    run, get = (pydantic.validate_call(one) for one in (harness.client.run, harness.client.predictions.get))
    assert harness.call(run("acme/hello", {"text": "x"}, timeout="5")) == "x"
    assert harness.call(get("id")).id == prediction()["id"]
    with pytest.raises(pydantic.ValidationError, match="timeout"):
        harness.call(run("acme/hello", timeout="soon"))


@pytest.mark.parametrize("path", ["run", "submit", "wait", "stream", "search", "predictions.get", "predictions.create"])
def test_methods_become_tools_with_a_json_schema(harness: Harness, path: str) -> None:
    method = harness.client
    for name in path.split("."):
        method = getattr(method, name)
    hints = typing.get_type_hints(method, include_extras=True)  # as FastMCP and the Agents SDK do
    parameters = inspect.signature(method).parameters.values()
    required = [one.name for one in parameters if one.default is one.empty]
    fields = {one.name: (hints[one.name], ... if one.name in required else one.default) for one in parameters}
    schema = pydantic.create_model("Arguments", **fields).model_json_schema()
    assert schema["properties"].keys() == fields.keys()
    assert schema.get("required", []) == required
