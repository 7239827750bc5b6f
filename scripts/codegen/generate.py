"""Generate the code that depends on `openapi.json`: the package `replicate_api` and the clients' namespaces.

The OpenAPI document is copied, corrected by `overlay.yaml`, simplified by `normalize.py`, and passed to
openapi-python-client with our templates. Whatever the generator would drop or only warn about is an error, and the
output is replaced only after everything has been generated.
"""

from __future__ import annotations

import contextlib
import copy
import filecmp
import functools
import io
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from openapi_python_client import Project, strings
from openapi_python_client.config import Config, ConfigFile, MetaType
from openapi_python_client.parser import GeneratorData
from openapi_python_client.parser.errors import GeneratorError
from openapi_python_client.parser.properties.protocol import PropertyProtocol
from openapi_python_client.schema import ParameterLocation

from . import constructs, docstrings, endpoints, namespaces, normalize, overlay, replace, types_map
from .references import References

HERE = Path(__file__).parent
ROOT = HERE.parents[1]

PACKAGE = Path("generated/replicate_api")
"""The low-level package. It imports nothing of `replicate_ext`."""

NAMESPACES = Path("replicate_ext/_generated")
"""The clients' methods, which use the descriptors of `replicate_ext`."""

OUTPUTS = (PACKAGE, NAMESPACES)
"""The folders that are generated, relative to the root of the repository."""

RUNTIME = tuple(
    path.relative_to(HERE / "runtime")
    for pattern in ("[!_]*.py", "_runtime/*.py")
    for path in sorted((HERE / "runtime").glob(pattern))
)
"""The modules of `runtime/`, which are copied to the package."""

OVERLAY = HERE / "overlay.yaml"
DOCSTRINGS = HERE / "docstrings.yaml"

# The generator renames whatever shadows a builtin (`input_`, `type_`). We keep the names of the OpenAPI document,
# except for those that our templates use in a class or function body.
strings.RESERVED_WORDS = {
    *("Any", "bool", "bytes", "cast", "date", "datetime", "dict", "float", "int", "list", "str", "types"),
    *(
        "absent",
        "additional_properties",
        "body",
        "client",
        "deprecated_fields",
        "fields",
        "from_dict",
        "is_absent",
        "keys",
        "self",
    ),
    "to_dict",
    *("request", "parse", "sync_detailed", "asyncio_detailed"),
    *("iterate_events", "iterate_items", "op", "partial", "send_files"),
}


PropertyProtocol._allowed_locations = set(ParameterLocation)
"""The types of parameters that are allowed in each place: `constructs.py` decides, for it knows the styles."""


class GenerationError(Exception):
    """Some part of the OpenAPI document cannot be generated."""


def generate(document: dict[str, Any], root: Path, *, strict: bool = True) -> list[str]:
    """Write the code for an OpenAPI document to the `OUTPUTS` in a folder.

    Args:
        document: The OpenAPI document; it is not changed.
        root: The folder that the `OUTPUTS` are relative to.
        strict: Raise an error if an entry of the overlay is obsolete, or is about nothing that was ever described.

    Returns:
        A line for each entry of the overlay that changed nothing, and for each example of an unknown operation.

    Raises:
        GenerationError: An operation, body, response or schema cannot be generated. The outputs are unchanged.
    """
    document = copy.deepcopy(document)
    texts = docstrings.Texts.load(DOCSTRINGS)
    unused_examples = texts.find_unused(document)
    with tempfile.TemporaryDirectory() as folder, _generation_errors():
        unused = overlay.apply(overlay.load(OVERLAY), document)
        documented = constructs.rewrite(document)
        methods = normalize.normalize(document)
        if strict and (wrong := [str(one) for one in unused if not one.was_described]):
            raise GenerationError("\n".join(wrong))
        _build(document, methods, documented, texts, Path(folder))
        replace.replace(root, Path(folder), OUTPUTS)
    return [*map(str, unused), *unused_examples]


@contextlib.contextmanager
def _generation_errors() -> Iterator[None]:
    """Convert the errors of our rules, of the generator and of ruff to GenerationError."""
    try:
        yield
    except ValueError as error:
        raise GenerationError(str(error)) from error
    except subprocess.CalledProcessError as error:
        raise GenerationError(f"the generated code is not valid Python:\n{error.stdout}{error.stderr}") from error
    except GenerationError:
        raise
    except Exception as error:
        raise GenerationError(f"the OpenAPI document has a structure that is not supported: {error!r}") from error


def _build(
    document: dict[str, Any],
    methods: dict[str, str],
    documented: dict[str, dict[str, Any]],
    texts: docstrings.Texts,
    root: Path,
) -> None:
    """Write the `OUTPUTS` for a normalized document.

    Args:
        document: The document.
        methods: The HTTP method of each operationId.
        documented: Each operation by its id.
        texts: What docstrings have beside the words of the document.
        root: The folder that the `OUTPUTS` are relative to.
    """
    package = root / PACKAGE
    package.parent.mkdir(parents=True)
    config = Config.from_sources(
        ConfigFile.load_from_path(ROOT / "generator-config.yaml"),
        meta_type=MetaType.NONE,
        document_source=package,
        file_encoding="utf-8",
        overwrite=True,
        output_path=package,
    )
    data = _parse(document, config)
    project = Project(openapi=data, config=config, custom_template_path=HERE / "templates")
    operation_ids = _operation_ids(methods, config)
    operations = [endpoint for tag in data.endpoint_collections_by_tag.values() for endpoint in tag.endpoints]
    project.env.globals["operation_ids"] = operation_ids
    response_classes = types_map.response_classes(operations, data.models) | {"Problem"}
    references = References([model for model in data.models if model.class_info.name in response_classes])
    project.env.globals["response_classes"] = response_classes
    project.env.filters.update(
        annotation=types_map.annotation,
        codec=types_map.codec,
        class_docstring=docstrings.document_class,
        module_docstring=docstrings.document_module,
        build_docstring=docstrings.document_build,
        method_docstring=texts.document_method,
        namespace_docstring=texts.document_namespace,
        deprecated_fields=constructs.deprecated_fields,
        literal=types_map.enum_literal,
        request_codec=functools.partial(types_map.request_codec, references=references),
        context=functools.partial(
            endpoints.endpoint_context,
            methods=methods,
            documented=documented,
            operation_ids=operation_ids,
            references=references,
        ),
    )
    with contextlib.redirect_stdout(io.StringIO()):  # the generator prints the temporary folder
        problems = [f"{error.header}: {error.detail}" for error in project.build()]
    written = {path.stem for path in package.glob("api/*/*.py")}
    problems += [f"{name} was not generated" for function, name in operation_ids.items() if function not in written]
    if problems:
        raise GenerationError("\n".join(problems))
    _render(project, "operations.py", package)
    (package / "py.typed").touch()
    _format(package)
    for name in RUNTIME:  # after the formatting, so that each stays a copy, byte for byte
        (package / name).parent.mkdir(exist_ok=True)
        shutil.copyfile(HERE / "runtime" / name, package / name)

    (root / NAMESPACES).mkdir(parents=True)
    (root / NAMESPACES / "__init__.py").write_text(
        '"""Generated by `make generate`. Do not edit."""\n', encoding="utf-8"
    )
    project.env.globals["root"] = namespaces.group_operations(operations, operation_ids)
    _render(project, "resources.py", root / NAMESPACES)
    _format(root / NAMESPACES)


def _parse(document: dict[str, Any], config: Config) -> GeneratorData:
    """Return what the generator understands of a document; GenerationError if that is not all of it."""
    data = GeneratorData.from_dict(document, config=config)
    if isinstance(data, GeneratorError):
        raise GenerationError(f"{data.header}: {data.detail}")
    dropped = [error for tag in data.endpoint_collections_by_tag.values() for error in tag.parse_errors] + data.errors
    if dropped:
        raise GenerationError("\n".join(f"{error.header}: {error.detail}" for error in dropped))
    modules = [cls.class_info.module_name for cls in (*data.models, *data.enums)]
    if duplicates := sorted({str(name) for name in modules if modules.count(name) > 1}):
        raise GenerationError(f"two classes would be written to the same file: {', '.join(duplicates)}")
    data.models = [model for model in data.models if not types_map.is_free_form(model)]
    return data


def _operation_ids(methods: dict[str, str], config: Config) -> dict[str, str]:
    """Return the operationId of each endpoint module."""
    operation_ids = {str(strings.PythonIdentifier(name, config.field_prefix)): name for name in methods}
    if len(operation_ids) < len(methods):
        duplicates = sorted(methods.keys() - operation_ids.values())
        raise GenerationError(f"another operation has the same module name: {', '.join(duplicates)}")
    return operation_ids


def _render(project: Project, name: str, folder: Path) -> None:
    """Write a file that is not part of the generator's own output."""
    text = project.env.get_template(f"{name}.jinja").render(
        endpoint_collections_by_tag=project.openapi.endpoint_collections_by_tag
    )
    (folder / name).write_text(text, encoding="utf-8")


def _format(package: Path) -> None:
    """Sort imports, remove unused ones and format, in the style that does not depend on `pyproject.toml`."""
    ruff = [sys.executable, "-m", "ruff"]
    settings = ["--isolated", "--target-version=py311", "--line-length=120", "--quiet", "--no-cache"]
    compact = ["--config", "format.skip-magic-trailing-comma=true"]
    for command in (["check", "--fix", "--select=F401,I,UP"], ["format", *compact]):
        # In the parent folder, so that no other module changes how imports are sorted.
        complete = [*ruff, *command, *settings, package.name]
        subprocess.run(complete, cwd=package.parent, check=True, capture_output=True, text=True)


def differences(left: Path, right: Path) -> list[str]:
    """Return the files in the `OUTPUTS` of two roots that are not the same."""
    names = {
        path.relative_to(root).as_posix()
        for root in (left, right)
        for output in OUTPUTS
        for path in (root / output).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    _, changed, missing = filecmp.cmpfiles(left, right, names, shallow=False)
    return sorted(changed + missing)
