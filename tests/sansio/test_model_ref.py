"""Model references, as tables: every form that is parsed, and what is rejected."""

import pytest

from replicate_ext import ModelRef

VERSION = "5c7d5dc6dd8bf75c1acaa8565735e7986bc5b66206b55cca93cb72c9bf15ccaa"


@pytest.mark.parametrize(
    ("text", "ref"),
    [
        ("acme/hello", ModelRef("acme", "hello")),
        (" acme/hello ", ModelRef("acme", "hello")),
        ("black-forest-labs/flux-1.1-pro", ModelRef("black-forest-labs", "flux-1.1-pro")),
        (f"acme/hello:{VERSION}", ModelRef("acme", "hello", VERSION)),
        (VERSION, ModelRef(None, None, VERSION)),
        ("deployments/acme/app", ModelRef("acme", "app", is_deployment=True)),
        ("https://replicate.com/acme/hello", ModelRef("acme", "hello")),
        ("http://www.replicate.com/acme/hello/", ModelRef("acme", "hello")),
        ("replicate.com/acme/hello?prediction=x", ModelRef("acme", "hello")),
        ("https://replicate.com/acme/hello/api", ModelRef("acme", "hello")),
        ("https://replicate.com/acme/hello/versions", ModelRef("acme", "hello")),
        (f"https://replicate.com/acme/hello/versions/{VERSION}", ModelRef("acme", "hello", VERSION)),
        ("https://replicate.com/deployments/acme/app", ModelRef("acme", "app", is_deployment=True)),
    ],
)
def test_parse_and_format(text: str, ref: ModelRef) -> None:
    assert ModelRef.parse(text) == ref
    assert ModelRef.parse(str(ref)) == ref
    assert ModelRef.parse(ref) is ref


@pytest.mark.parametrize(
    "text", ["", "hello", "acme/", "/hello", "a/b/c/d", "acme/hello:", "acme /hello", VERSION[:-1]]
)
def test_invalid_reference_error_lists_the_valid_forms(text: str) -> None:
    with pytest.raises(ValueError, match="owner/name:version"):
        ModelRef.parse(text)


def test_latest_tag_is_rejected_with_a_hint() -> None:
    with pytest.raises(ValueError, match="omit ':latest'"):
        ModelRef.parse("acme/hello:latest")


def test_reference_must_be_a_string() -> None:
    with pytest.raises(TypeError, match="ref must be a string"):
        ModelRef.parse(5)
