"""The models of an emulator: typed functions with the names that Replicate would give them."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, TypeVar

from jsonschema.protocols import Validator

from . import schema
from .problems import validator

F = TypeVar("F", bound=Callable[..., Any])

RELEASED = datetime(2025, 1, 1, tzinfo=UTC)
"""When the models of a catalogue were made, as far as anybody can tell."""

COG_VERSION = "0.16.0"


@dataclass
class Version:
    """One version of a model."""

    id: str
    created_at: datetime
    openapi_schema: dict[str, Any]
    function: Callable[..., Any] | None = None
    """What it computes; None for one that cannot be run here."""
    train: Callable[..., Callable[..., Any]] | None = None
    """What makes another function of it, that of a new version; None where it cannot be trained."""
    trained: tuple[str, str, dict[str, Any]] | None = None
    """The model, the version and the input that it was trained from, where it was."""

    @cached_property
    def training_inputs(self) -> Validator:
        """What checks the inputs of a training."""
        components = self.openapi_schema["components"]
        return validator({**components["schemas"]["TrainingInput"], "components": components})

    @cached_property
    def inputs(self) -> Validator:
        """What checks its inputs."""
        components = self.openapi_schema["components"]
        return validator({**components["schemas"]["Input"], "components": components})

    @property
    def optional(self) -> set[str]:
        """The inputs that may be null."""
        properties = self.openapi_schema["components"]["schemas"]["Input"]["properties"]
        return {name for name, property in properties.items() if property.get("nullable")}

    @property
    def streams(self) -> bool:
        """Whether it sends its output piece by piece."""
        return schema.streams(self.openapi_schema)


@dataclass
class Model:
    """A model with its versions, the newest last."""

    owner: str
    name: str
    official: bool = False
    visibility: str = "public"
    facts: dict[str, Any] = field(default_factory=dict)
    """Description, addresses and readme, by their names in the API."""
    versions: list[Version] = field(default_factory=list)
    created_at: datetime = RELEASED
    run_count: int = 0
    examples: list[str] = field(default_factory=list)

    @property
    def ref(self) -> str:
        """`owner/name`."""
        return f"{self.owner}/{self.name}"

    @property
    def latest(self) -> Version | None:
        """The newest version."""
        return self.versions[-1] if self.versions else None

    def version(self, id: str) -> Version | None:
        """Return a version by its id."""
        return next((version for version in self.versions if version.id == id), None)

    pushed: int = 0

    def push(
        self, function: Callable[..., Any], now: datetime, train: Callable[..., Callable[..., Any]] | None = None
    ) -> Version:
        """Add a version, whose id follows from what it is: the same on each start."""
        self.pushed += 1
        id = hashlib.sha256(f"{self.ref}#{self.pushed}".encode()).hexdigest()
        self.versions.append(Version(id, now, schema.openapi_schema(function, train), function, train))
        return self.versions[-1]


class Catalog:
    """Models by name, to which the decorator `model` adds."""

    def __init__(self) -> None:
        self.models: dict[str, Model] = {}
        self.collections: list[dict[str, Any]] = []
        self.deployments: dict[str, str] = {}
        """The models that are deployed from the beginning, by the name of the deployment."""

    def model(
        self,
        ref: str,
        *,
        official: bool = False,
        description: str | None = None,
        readme: str | None = None,
        train: Callable[..., Callable[..., Any]] | None = None,
    ) -> Callable[[F], F]:
        """Make a model of a typed function; the same name again makes another version.

            @catalog.model("acme/hello")
            def hello(text: str) -> str:
                return f"Hello, {text}!"

        Args:
            ref: `owner/name`.
            official: Whether it is run by its name alone, as the models are that Replicate maintains.
            description: By default the first line of the function's docstring.
            readme: A longer text, in Markdown.
            train: A typed function of the inputs of a training, which returns the function of the new version.

        Raises:
            ValueError: The name is not one.
            TypeError: The function's annotations do not make a schema.
        """
        match = re.fullmatch(r"([\w-]+)/([\w.-]+)", ref)
        if match is None:
            raise ValueError(f"a model is called owner/name, not {ref!r}")

        def add(function: F) -> F:
            words = description or (function.__doc__ or "").strip().partition("\n")[0]
            model = self.models.setdefault(ref, Model(match[1], match[2], official))
            model.facts |= {"description": words or None, **({"readme": readme} if readme else {})}
            model.push(function, RELEASED, train)
            return function

        return add
