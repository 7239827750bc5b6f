"""The signatures in the reference: names that callers know, in place of those of the source."""

from pathlib import Path

import griffe
import pytest

ROOT = Path(__file__).parents[2]
EXTENSION = ROOT / "scripts" / "docs_site" / "griffe_extension.py"


@pytest.fixture(scope="module")
def package() -> griffe.Object | griffe.Alias:
    extensions = griffe.load_extensions(EXTENSION)
    loader = griffe.GriffeLoader(extensions=extensions, search_paths=[ROOT, ROOT / "generated"])
    loader.load("replicate_api")
    package = loader.load("replicate_ext")
    loader.resolve_aliases()
    return package


@pytest.mark.parametrize(
    ("name", "returns"),
    [("Replicate.stream", "Stream"), ("Replicate.use", "Function"), ("Replicate.map", "Batch")],
)
def test_method_returns_what_callers_of_the_sync_client_get(package: griffe.Object, name: str, returns: str) -> None:
    assert str(package[name].returns).rpartition(".")[2] == returns


def test_no_signature_of_the_clients_names_what_is_private(package: griffe.Object) -> None:
    methods = [method for method in package["Replicate"].all_members.values() if method.is_function]
    annotations = [str(parameter.annotation) for method in methods for parameter in method.parameters]
    assert "BaseTransport | AsyncBaseTransport | None" in annotations
    private = ("TransportT", "HTTPBackend", "TransferCallback", "StreamRequest", "Resource")
    assert [text for text in annotations if any(name in text for name in private)] == []
