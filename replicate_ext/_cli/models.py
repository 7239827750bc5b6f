"""`replicate-ext models`: typed functions for models, and what the platform runs now."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .._models.literals import visible
from .candidates import complete_model
from .context import App, command
from .exit_codes import FAILED, SUCCESS

if TYPE_CHECKING:
    from .._models.drift import Change
    from .._models.lock import Lock, LockedModel
    from .module_files import ModuleFiles

module_option = click.option(
    "--module", type=click.Path(path_type=Path), metavar="FILE", help="The module; default: the only one with a lock."
)


@command("models add acme/poet --module models.py", "models add acme/painter acme/hello --module models.py")
@click.argument("refs", nargs=-1, required=True, metavar="REF...", shell_complete=complete_model)
@module_option
def add(app: App, refs: tuple[str, ...], module: Path | None) -> None:
    """Add models to a typed module, or replace them.

    REF is owner/name or, to stay at one version, owner/name:version.
    """
    from .._sansio.model_ref import ModelRef
    from .locked_models import fetch_all

    files = _find(module)
    lock = files.read_lock() if files.lock_path.exists() else {}
    parsed = [ModelRef.parse(ref) for ref in refs]
    for ref in parsed:
        if ref.owner is None or ref.is_deployment:
            raise ValueError(f"{ref}: write the model that it runs, owner/name or owner/name:version")
    added = []
    for model in fetch_all(app.client, parsed):
        old = lock.pop(model.ref, None)
        name = old.function if old else _choose_function(model.ref, lock)
        lock[model.ref] = model._replace(function=name)
        row = {"function": name, "model": model.ref, "version": model.version, "replaced": old is not None}
        added.append((row, f"{'replaced' if old else 'added'} {visible(model.pinned_ref)} as {name}()"))
    files.write(lock)
    app.output.lines(added)


@command("models update --all", "models update poet --module models.py")
@click.argument("refs", nargs=-1, metavar="[REF]...")
@click.option("--all", "is_all", is_flag=True, help="Update all models of the module.")
@module_option
def update(app: App, refs: tuple[str, ...], is_all: bool, module: Path | None) -> None:
    """Replace models by their latest versions, and report the changes.

    REF is owner/name, or the name of a function.
    """
    from .locked_models import fetch_changes

    files = _find(module)
    lock = files.read_lock()
    if bool(refs) == is_all:
        raise ValueError("name the models to update, or write --all")
    models = list(lock.values()) if is_all else [_select(lock, ref) for ref in refs]
    found = [(old, new, changes) for old, new, changes in fetch_changes(app.client, models) if changes]
    files.write(lock | {new.ref: new for _, new, _ in found if new})
    app.output.lines(line for old, _, changes in found for line in _describe(old, changes))


@command("models check --module models.py", "models check --module models.py --json")
@module_option
def check(app: App, module: Path | None) -> int:
    """Report what `update --all` would change; exit with 1 if it would."""
    from .locked_models import fetch_changes

    files = _find(module)
    lock = files.read_lock()
    lines = []
    if not files.is_up_to_date(lock):
        text = f"the module is not what {files.lock_path} generates: run `replicate-ext models generate`"
        lines.append(({"model": None, "change": text, "breaks": False}, text))
    for model, _, changes in fetch_changes(app.client, lock.values()):
        lines += _describe(model, changes)
    app.output.lines(lines)
    return FAILED if lines else SUCCESS


@command("models list --module models.py", "models list --module models.py --json", name="list")
@module_option
def list_models(app: App, module: Path | None) -> None:
    """List the models of a typed module."""
    mark = "" if app.output.is_json else "()"
    fields = ("ref", "kind", "version", "date", "description")
    app.output.records(
        (
            {"function": f"{model.function}{mark}", **{name: getattr(model, name) for name in fields}}
            for model in sorted(_find(module).read_lock().values())
        ),
        "function ref kind version date",
        "models",
    )


@command("models generate --module models.py", "models generate")
@module_option
def generate(app: App, module: Path | None) -> None:
    """Write a typed module from its lock, offline."""
    files = _find(module)
    files.write(files.read_lock())


def _find(module: Path | None) -> ModuleFiles:
    from .module_files import ModuleFiles

    return ModuleFiles.at(module) if module else ModuleFiles.find(Path())


def _select(lock: Lock, name: str) -> LockedModel:
    from .._sansio.model_ref import ModelRef

    if "/" in name and ModelRef.parse(name).version:
        raise ValueError(f"{name}: update uses the latest version; to choose one, add it")
    ref = str(ModelRef.parse(name)) if "/" in name else name
    for model in lock.values():
        if ref in (model.ref, model.function):
            if model.kind == "version":
                raise ValueError(
                    f"{ref} stays at version {model.version}: to use the latest one, add {model.ref} again"
                )
            return model
    raise ValueError(f"{name} is not in the lock; its models are {', '.join(lock) or 'none'}")


def _choose_function(ref: str, lock: Lock) -> str:
    from .._models.names import function_name
    from .._models.source import RESERVED

    owner, _, name = ref.partition("/")
    return function_name(owner, name, RESERVED | {model.function for model in lock.values()})


def _describe(model: LockedModel, changes: Iterable[Change]) -> Iterator[tuple[dict[str, Any], str]]:
    """Yield the changes of a model as JSON and as lines."""
    for change in changes:
        fields = {"model": model.ref, "change": change.text, "breaks": change.breaks}
        yield fields, f"{visible(model.ref)}: {change}"
