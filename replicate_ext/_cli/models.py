"""`replicate-ext models`: write typed functions for models, and compare them with what the platform runs."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from replicate_api.models import Version

from .._client import Replicate
from .._models.drift import Change, compare
from .._models.literals import visible
from .._models.lock import Lock, LockedModel
from .._models.names import function_name
from .._models.schema import ModelSchema
from .._models.source import RESERVED
from .._sansio.model_ref import ModelRef
from ..errors import NotFoundError
from .module_files import ModuleFiles

MAX_CONCURRENT_REQUESTS = 8


def add_models_commands(parser: argparse.ArgumentParser) -> None:
    """Add the commands to a parser."""
    parser.description = "Typed functions for models: written from their schemas, which a lock keeps."
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def add_command(name: str, run: Any, help: str) -> argparse.ArgumentParser:
        command = commands.add_parser(name, help=help, description=f"{help[0].upper()}{help[1:]}.")
        command.add_argument(
            "--module", type=Path, metavar="FILE", help="the module (default: the only one with a lock)"
        )
        command.set_defaults(run=run)
        return command

    add = add_command("add", add_models, "add models to a module, or replace them")
    add.add_argument("refs", nargs="+", metavar="REF", help="owner/name or owner/name:version")
    update = add_command("update", update_models, "replace models by their latest versions, and report the changes")
    update.add_argument("refs", nargs="*", metavar="REF", help="owner/name, or the name of a function")
    update.add_argument("--all", action="store_true", help="update all models of the module")
    add_command("check", check_models, "report what `update --all` would change; exit with 1 if it would")
    add_command("list", list_models, "list the models of a module")
    add_command("generate", generate_module, "write a module from its lock, offline")


def add_models(arguments: argparse.Namespace) -> int:
    """Add models to a module."""
    files = _find(arguments)
    lock = files.read_lock() if files.lock_path.exists() else {}
    refs = [ModelRef.parse(ref) for ref in arguments.refs]
    for ref in refs:
        if ref.owner is None or ref.is_deployment:
            raise ValueError(f"{ref}: write the model that it runs, owner/name or owner/name:version")
    lines: list[str] = []
    for model in _fetch_all(refs):
        old = lock.pop(model.ref, None)
        name = old.function if old else _choose_function(model.ref, lock)
        lock[model.ref] = model._replace(function=name)
        lines.append(f"{'replaced' if old else 'added'} {visible(model.pinned_ref)} as {name}()")
    files.write(lock)
    print("\n".join(lines))
    return 0


def update_models(arguments: argparse.Namespace) -> int:
    """Replace models by their latest versions."""
    files = _find(arguments)
    lock = files.read_lock()
    if bool(arguments.refs) == arguments.all:
        raise ValueError("name the models to update, or write --all")
    models = list(lock.values()) if arguments.all else [_select(lock, ref) for ref in arguments.refs]
    found = [(old, new, changes) for old, new, changes in _fetch_changes(models) if changes]
    files.write(lock | {new.ref: new for _, new, _ in found if new})
    for old, _, changes in found:
        _print_changes(old, changes)
    return 0


def check_models(arguments: argparse.Namespace) -> int:
    """Report what an update would change."""
    files = _find(arguments)
    lock = files.read_lock()
    is_current = files.is_up_to_date(lock)
    if not is_current:
        print(f"the module is not what {files.lock_path} generates: run `replicate-ext models generate`")
    found = [(old, changes) for old, _, changes in _fetch_changes(lock.values()) if changes]
    for old, changes in found:
        _print_changes(old, changes)
    return int(bool(found) or not is_current)


def list_models(arguments: argparse.Namespace) -> int:
    """List the models of a module."""
    rows = [
        (f"{model.function}()", visible(model.ref), model.kind, visible(model.version)[:12], visible(model.date))
        for model in sorted(_find(arguments).read_lock().values())
    ]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    return 0


def generate_module(arguments: argparse.Namespace) -> int:
    """Write a module from its lock."""
    files = _find(arguments)
    files.write(files.read_lock())
    return 0


def _find(arguments: argparse.Namespace) -> ModuleFiles:
    return ModuleFiles.at(arguments.module) if arguments.module else ModuleFiles.find(Path())


def _select(lock: Lock, name: str) -> LockedModel:
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
    owner, _, name = ref.partition("/")
    return function_name(owner, name, RESERVED | {model.function for model in lock.values()})


def _fetch_all(refs: Iterable[ModelRef]) -> list[LockedModel]:
    """Return the latest versions of models, or those that the references name."""
    with Replicate() as client, ThreadPoolExecutor(MAX_CONCURRENT_REQUESTS) as pool:
        return list(pool.map(lambda ref: _fetch(client, ref), refs))


def _fetch(client: Replicate, ref: ModelRef) -> LockedModel:
    try:
        model = client.models.get(str(ref.owner), str(ref.name))
        version: Any = model.latest_version
        if ref.version:
            version = client.models.versions.get(str(ref.owner), str(ref.name), ref.version)
    except NotFoundError as error:
        error.add_advice(f"there is no {ref} that this token can use")
        raise
    if not (isinstance(version, Version) and isinstance(version.id, str) and version.openapi_schema):
        raise ValueError(f"{ref} has no version with a schema: run it without types, with client.run")
    cog_version = version.cog_version if isinstance(version.cog_version, str) else None
    return LockedModel(
        ref=f"{ref.owner}/{ref.name}",
        function="",
        kind="version" if ref.version else "official" if model.is_official is True else "community",
        version=version.id,
        cog_version=cog_version,
        date=datetime.now(UTC).date().isoformat(),
        description=model.description if isinstance(model.description, str) else "",
        schema=ModelSchema.parse(version.openapi_schema, cog_version).trimmed(),
    )


def _fetch_changes(models: Iterable[LockedModel]) -> list[tuple[LockedModel, LockedModel | None, list[Change]]]:
    """Return each model as it is in the lock, as it is now, and the changes. A chosen version does not change."""
    old = [model for model in models if model.kind != "version"]

    def fetch(model: LockedModel) -> LockedModel | None:
        with suppress(NotFoundError):  # reported as a change, with those of the other models
            return _fetch(client, ModelRef.parse(model.ref))._replace(function=model.function)
        return None

    with Replicate() as client, ThreadPoolExecutor(MAX_CONCURRENT_REQUESTS) as pool:
        new = list(pool.map(fetch, old))
    return [(before, after, _compare(before, after)) for before, after in zip(old, new, strict=True)]


def _compare(old: LockedModel, new: LockedModel | None) -> list[Change]:
    if new is None:
        return [Change("is gone, or this token cannot use it any more", breaks=True)]
    changes = compare(old.parse(), new.parse())
    if old.version != new.version:
        same = "" if changes else ", with the same inputs and output"
        changes.append(Change(f"version {visible(old.version)[:12]} → {visible(new.version)[:12]}{same}"))
    if old.kind != new.kind:
        changes.append(Change(f"is {'an official' if new.kind == 'official' else 'a community'} model now"))
    return changes


def _print_changes(model: LockedModel, changes: list[Change]) -> None:
    for change in changes:
        print(f"{visible(model.ref)}: {change}")
