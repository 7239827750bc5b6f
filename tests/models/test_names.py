"""Python names for inputs, outputs and models."""

import keyword

import pytest

from replicate_ext._models.names import class_name, function_name, is_name, parameter_names


@pytest.mark.parametrize(
    ("inputs", "parameters"),
    [
        (["prompt", "num_outputs"], ["prompt", "num_outputs"]),
        (["class", "None", "match"], ["class_", "None_", "match"]),
        (["image-url", "image_url"], ["image_url_2", "image_url"]),
        (["class", "class_"], ["class__2", "class_"]),
        (["a b", "a-b", "a.b"], ["a_b", "a_b_2", "a_b_3"]),
        (["2nd", "", "__debug__"], ["_2nd", "_", "__debug___"]),
        (["größe", "大小"], ["größe", "大小"]),
        (["ﬁle", "file"], ["file_2", "file"]),
        (["self", "timeout", "model", "client"], ["self", "timeout", "model", "client"]),
    ],
)
def test_an_input_keeps_its_name_if_python_allows_it(inputs: list[str], parameters: list[str]) -> None:
    assert parameter_names(inputs) == dict(zip(inputs, parameters, strict=True))


def test_every_parameter_name_can_be_called() -> None:
    inputs = [*keyword.kwlist, "__debug__", "a\u2028b", "x\0", '"', "\u202e", "ª", "\ud800"]
    names = parameter_names(inputs).values()
    assert len(set(names)) == len(inputs)
    exec(f"def f(*, {', '.join(names)}): pass")
    assert all(map(is_name, names))


@pytest.mark.parametrize(
    ("ref", "taken", "name"),
    [
        ("black-forest-labs/flux-schnell", "", "flux_schnell"),
        ("acme/flux-1.1-Pro", "", "flux_1_1_pro"),
        ("acme/flux", "flux", "acme_flux"),
        ("acme/flux", "flux acme_flux", "acme_flux_2"),
        ("acme/lambda", "", "acme_lambda"),
        ("acme/20b", "", "acme_20b"),
        ("3d/20b", "", "model_3d_20b"),
        ("acme/list", "list", "acme_list"),
    ],
)
def test_a_function_is_named_after_the_model_and_on_a_clash_after_its_owner_too(
    ref: str, taken: str, name: str
) -> None:
    assert function_name(*ref.split("/"), taken.split()) == name


def test_a_class_name_has_capital_words() -> None:
    assert class_name("flux_1_1_pro", "output") == "Flux11ProOutput"
    assert class_name("whisperX", "segments") == "WhisperXSegments"
