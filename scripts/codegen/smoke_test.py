"""Use a generated package as its users do: import it, find each method, and try the emulator.

`candidate.py` runs this in a process that can import only the packages to be tested.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
import sys
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx

import replicate_api
import replicate_ext
from replicate_api.api import OPERATIONS
from replicate_api.client import Client
from replicate_ext._generated.resources import Operations
from replicate_ext._operations import Namespace
from replicate_ext.emulator import Emulator, spec
from replicate_ext.emulator.operations import HANDLERS


def main() -> None:
    """Run all checks; AssertionError, or whatever is raised, if one fails."""
    for module in pkgutil.walk_packages(replicate_api.__path__, "replicate_api."):
        importlib.import_module(module.name)
    for client in (replicate_ext.Replicate("r8_x"), replicate_ext.AsyncReplicate("r8_x")):
        found = {".".join(path) for path in find_methods(client, Operations)}
        missing = [name for name in OPERATIONS if re.sub(r"[^\w.]", "_", name) not in found]
        assert not missing, f"{type(client).__name__} has no method for {', '.join(missing)}"
    with Emulator() as api:
        call_without_token(api)
        request_every_operation(api)
    check_origin(Path.cwd())


def find_methods(namespace: Any, cls: type[Any], path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Find the methods of a generated class, with docstring, signature and types; yield their paths as in operationIds.

    These have no `__call__`, and no underscore after a name that is taken (`client.run_`).
    """
    for name in vars(cls):
        if name.startswith("_") and name != "__call__":
            continue
        member, member_path = getattr(namespace, name), (*path, name.strip("_"))
        if isinstance(member, Namespace):
            yield from find_methods(member, type(member).__mro__[1], member_path)
        else:
            assert member.__doc__, f"{'.'.join(member_path)} has no docstring"
            inspect.signature(member)
            typing.get_type_hints(member)
            yield path if name == "__call__" else member_path


def call_without_token(api: Emulator) -> None:
    """Call each operation that needs no arguments with the bare client: errors have a parsed body."""
    client = Client(base_url=api.url)
    for module in OPERATIONS.values():
        endpoint = importlib.import_module(f"replicate_api.api.{module}")
        parameters = inspect.signature(endpoint.sync_detailed).parameters.values()
        if [parameter.name for parameter in parameters if parameter.default is parameter.empty] == ["client"]:
            response = endpoint.sync_detailed(client=client)
            assert (response.problem is None) == (response.status_code < 400), f"{module}: {response}"


def request_every_operation(api: Emulator) -> None:
    """Request each operation of the emulator: it is handled, or rejected with 501."""
    with httpx.Client(headers={"Authorization": f"Bearer {api.token}"}) as http:
        for operation in spec.operations():
            response = http.request(operation.method, api.url + re.sub(r"\{[^}]*\}", "x", operation.path), json={})
            where = f"{operation.method} {operation.path}"
            assert api.requests[-1].operation == operation.id, f"the emulator does not route {where}"
            expected = response.status_code < 500 if operation.id in HANDLERS else response.status_code == 501
            assert expected, f"the emulator responds {response.status_code} to {where}: {response.text}"


def check_origin(root: Path) -> None:
    """Check that all modules of our packages were imported from this folder."""
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] in ("replicate_api", "replicate_ext"):
            assert Path(str(module.__file__)).is_relative_to(root), f"{name} was imported from {module.__file__}"


if __name__ == "__main__":
    main()
