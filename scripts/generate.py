"""Regenerate `generated/replicate_api` from `openapi.json`.

    python scripts/generate.py [--document openapi.json] [--output generated/replicate_api] [--check]

The document is copied, corrected by `overlay.yaml`, made digestible by `normalize.py`, and handed to
openapi-python-client with our templates. Anything that the generator drops or warns about stops the run, and the
output folder is only replaced when everything has come out. `--check` writes nothing and fails on a difference.
"""

from __future__ import annotations

import argparse
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

import contract
import normalize
import overlay
import properties
import tree

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "generated" / "replicate_api"

# The generator renames everything that shadows a builtin (`input_`, `type_`). Users should find the names of the
# document; only what our templates use inside a class or function body stays reserved.
strings.RESERVED_WORDS = {
    *("Any", "bool", "bytes", "cast", "date", "datetime", "dict", "float", "int", "list", "str", "types"),
    *("additional_properties", "body", "client", "fields", "from_dict", "self", "to_dict"),
    *("request", "parse", "sync_detailed", "asyncio_detailed"),
}


class GenerationError(Exception):
    """The document does not come out whole."""


def generate(document: dict[str, Any], output: Path, *, strict: bool = True) -> list[str]:
    """Write the package for a document to `output`; return the overlay entries that changed nothing.

    Raises:
        GenerationError: An operation, body, response or schema did not come out, or, where `strict`, an overlay
            entry matches nothing. `output` is then as it was.
    """
    document = copy.deepcopy(document)
    with tempfile.TemporaryDirectory() as folder, _told():
        idle = [action["target"] for action in overlay.apply(overlay.load(ROOT / "scripts/overlay.yaml"), document)]
        methods = normalize.normalize(document)
        if idle and strict:
            raise GenerationError("overlay.yaml: these entries change nothing, remove them:\n  " + "\n  ".join(idle))
        package = Path(folder) / output.name
        _build(document, methods, package)
        _format(package)
        _replace(output, package)
    return idle


@contextlib.contextmanager
def _told() -> Iterator[None]:
    """Raise whatever a document makes the rules, the generator or the formatter stumble over as a GenerationError."""
    try:
        yield
    except ValueError as error:
        raise GenerationError(str(error)) from error
    except subprocess.CalledProcessError as error:
        raise GenerationError(f"what came out is not Python:\n{error.stderr}") from error
    except (AttributeError, KeyError, TypeError) as error:
        raise GenerationError(f"the document has a shape that no rule knows: {error!r}") from error


def _build(document: dict[str, Any], methods: dict[str, str], package: Path) -> None:
    config = Config.from_sources(
        ConfigFile.load_from_path(ROOT / "generator-config.yaml"),
        meta_type=MetaType.NONE,
        document_source=package,
        file_encoding="utf-8",
        overwrite=True,
        output_path=package,
    )
    data = GeneratorData.from_dict(document, config=config)
    if isinstance(data, GeneratorError):
        raise GenerationError(f"{data.header}: {data.detail}")
    dropped = [error for tag in data.endpoint_collections_by_tag.values() for error in tag.parse_errors] + data.errors
    if dropped:
        raise GenerationError("\n".join(f"{error.header}: {error.detail}" for error in dropped))
    modules = [cls.class_info.module_name for cls in (*data.models, *data.enums)]
    if twins := sorted({str(name) for name in modules if modules.count(name) > 1}):
        raise GenerationError(f"two classes would be in the same file: {', '.join(twins)}")
    data.models = [model for model in data.models if not properties.is_free_form(model)]
    project = Project(openapi=data, config=config, custom_template_path=ROOT / "scripts/templates")
    operation_ids = {str(strings.PythonIdentifier(name, config.field_prefix)): name for name in methods}
    if len(operation_ids) < len(methods):
        twins = sorted(methods.keys() - operation_ids.values())
        raise GenerationError(f"another operation would have the same name: {', '.join(twins)}")
    project.env.globals["operation_ids"] = operation_ids
    project.env.filters.update(
        annotation=properties.annotation,
        kind=properties.kind,
        classes=properties.classes,
        prose=properties.prose,
        literal=properties.enum_literal,
        call=functools.partial(properties.call, methods=methods, operation_ids=operation_ids),
    )
    with contextlib.redirect_stdout(io.StringIO()):  # it says where it writes: a temporary folder
        problems = [f"{error.header}: {error.detail}" for error in project.build()]
    written = {path.stem for path in package.glob("api/*/*.py")}
    endpoints = [endpoint for tag in data.endpoint_collections_by_tag.values() for endpoint in tag.endpoints]
    project.env.globals["tree"] = tree.tree(endpoints, operation_ids)
    for name in ("operations.py", "resources.py"):  # what the generator does not know: our upper floor's view
        template = project.env.get_template(f"{name}.jinja")
        text = template.render(endpoint_collections_by_tag=data.endpoint_collections_by_tag)
        (package / name).write_text(text, encoding="utf-8")
    problems += [f"{name} did not come out" for function, name in operation_ids.items() if function not in written]
    if problems:
        raise GenerationError("\n".join(problems))
    (package / "py.typed").touch()


def _format(package: Path) -> None:
    ruff = [sys.executable, "-m", "ruff"]
    settings = ["--isolated", "--target-version=py311", "--line-length=120", "--quiet", "--no-cache"]
    compact = ["--config", "format.skip-magic-trailing-comma=true"]
    for command in (["check", "--fix", "--select=F401,I,UP"], ["format", *compact]):
        # From there, so that no module beside us decides how imports are sorted.
        complete = [*ruff, *command, *settings, package.name]
        subprocess.run(complete, cwd=package.parent, check=True, capture_output=True, text=True)


def _replace(output: Path, package: Path) -> None:
    output.parent.mkdir(parents=True, exist_ok=True)
    if output.exists():
        shutil.rmtree(output)
    shutil.copytree(package, output)


def differences(left: Path, right: Path) -> list[str]:
    """Return the files that are not the same in two folders."""
    names = {
        path.relative_to(root).as_posix()
        for root in (left, right)
        for path in root.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    _, changed, missing = filecmp.cmpfiles(left, right, names, shallow=False)
    return sorted(changed + missing)


def main() -> int:
    """Run the command line; 0 when done, 1 on a difference under --check, 2 when the document does not come out."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--document", type=Path, default=ROOT / "openapi.json")
    parser.add_argument("--output", type=Path, default=PACKAGE)
    parser.add_argument("--check", action="store_true", help="write nothing; fail if the output would change")
    arguments = parser.parse_args()
    try:
        document = contract.parse(arguments.document.read_text(encoding="utf-8"))
        if not arguments.check:
            generate(document, arguments.output)
            return 0
        with tempfile.TemporaryDirectory() as folder:
            fresh = Path(folder) / arguments.output.name
            generate(document, fresh)
            changed = differences(arguments.output, fresh)
    except (GenerationError, ValueError) as error:
        print(f"generate: {error}", file=sys.stderr)
        return 2
    if changed:
        print("generated code is not what `make generate` writes:", *changed, sep="\n  ", file=sys.stderr)
    return 1 if changed else 0


if __name__ == "__main__":
    sys.exit(main())
