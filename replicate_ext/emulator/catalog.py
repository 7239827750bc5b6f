"""The models of an emulator: typed functions under the names of Replicate's models."""

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
from .formats import format_timestamp
from .problems import create_validator

F = TypeVar("F", bound=Callable[..., Any])

DEFAULT_CREATED_AT = datetime(2025, 1, 1, tzinfo=UTC)
"""Creation time of the models in a catalog."""

COG_VERSION = "0.16.0"
"""The version of Cog (Replicate's model packaging tool) that all versions report."""


@dataclass
class Version:
    """One version of a model."""

    id: str
    created_at: datetime
    openapi_schema: dict[str, Any]
    function: Callable[..., Any] | None = None
    """Computes the output; None if the version cannot run here."""
    train: Callable[..., Callable[..., Any]] | None = None
    """Returns the function of a new version; None if the version cannot be trained."""
    trained_from: tuple[str, str, dict[str, Any]] | None = None
    """The model, version and input of the training that created the version; None if there was none."""

    @cached_property
    def training_input_validator(self) -> Validator:
        """Validates the input of a training."""
        components = self.openapi_schema["components"]
        return create_validator({**components["schemas"]["TrainingInput"], "components": components})

    @cached_property
    def input_validator(self) -> Validator:
        """Validates the input of a prediction."""
        components = self.openapi_schema["components"]
        return create_validator({**components["schemas"]["Input"], "components": components})

    @property
    def nullable_inputs(self) -> set[str]:
        """The names of the inputs that may be null."""
        properties = self.openapi_schema["components"]["schemas"]["Input"]["properties"]
        return {name for name, property in properties.items() if property.get("nullable")}

    @property
    def is_streaming(self) -> bool:
        """Whether it yields its output piece by piece."""
        return schema.is_streaming(self.openapi_schema)

    def to_json(self) -> dict[str, Any]:
        """Return the version as the API shows it."""
        return {
            "id": self.id,
            "created_at": format_timestamp(self.created_at),
            "cog_version": COG_VERSION,
            "openapi_schema": self.openapi_schema,
        }


@dataclass
class Model:
    """A model with its versions, oldest first."""

    owner: str
    name: str
    is_official: bool = False
    visibility: str = "public"
    metadata: dict[str, Any] = field(default_factory=dict)
    """Description, readme and URLs, under their names in the API."""
    versions: list[Version] = field(default_factory=list)
    created_at: datetime = DEFAULT_CREATED_AT
    run_count: int = 0
    examples: list[str] = field(default_factory=list)
    """The ids of the example predictions."""

    @property
    def ref(self) -> str:
        """`owner/name`."""
        return f"{self.owner}/{self.name}"

    @property
    def latest_version(self) -> Version | None:
        """The newest version; None if there is none."""
        return self.versions[-1] if self.versions else None

    def find_version(self, id: str) -> Version | None:
        """Return the version with this id; None if there is none."""
        return next((version for version in self.versions if version.id == id), None)

    push_count: int = 0
    """Versions pushed so far, including deleted ones."""

    def push(
        self,
        function: Callable[..., Any],
        now: datetime,
        train: Callable[..., Callable[..., Any]] | None = None,
        id: str | None = None,
    ) -> Version:
        """Add a version.

        By default its id depends only on the model's name and the number of pushes: that of a version in a catalog
        survives restarts.
        """
        self.push_count += 1
        id = id or hashlib.sha256(f"{self.ref}#{self.push_count}".encode()).hexdigest()
        self.versions.append(Version(id, now, schema.build_openapi_schema(function, train), function, train))
        return self.versions[-1]

    def to_json(self, origin: str, default_example: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return the model as the API shows it.

        Args:
            origin: Scheme and host under which the client reached this server.
            default_example: The JSON of the example prediction.
        """
        urls = ("github_url", "paper_url", "license_url", "cover_image_url")
        return {
            "url": f"{origin}/{self.ref}",
            "owner": self.owner,
            "name": self.name,
            **{name: self.metadata.get(name) for name in urls},
            "description": self.metadata.get("description") or "",
            "visibility": self.visibility,
            "is_official": self.is_official,
            "run_count": self.run_count,
            "created_at": format_timestamp(self.created_at),
            "default_example": default_example,
            "latest_version": self.latest_version and self.latest_version.to_json(),
        }


class Catalog:
    """Models by name, for `Emulator(models=…)`; the decorator `model` adds to them.

    Attributes:
        models: The models by `owner/name`.
        collections: Collections, with the keys slug, name, description, full_description and models.
        deployments: Deployments that exist from the start: the model by the name of the deployment.

    Examples:
        >>> from replicate_ext.emulator import Catalog, Emulator
        >>> catalog = Catalog()
        >>> @catalog.model("me/shout")
        ... def shout(text: str) -> str:
        ...     return text.upper()
        >>> Emulator(models=catalog)  # `with` runs it
        <Emulator, not running>
    """

    def __init__(self) -> None:
        self.models: dict[str, Model] = {}
        self.collections: list[dict[str, Any]] = []
        self.deployments: dict[str, str] = {}

    def model(
        self,
        ref: str,
        *,
        official: bool = False,
        description: str | None = None,
        readme: str | None = None,
        train: Callable[..., Callable[..., Any]] | None = None,
    ) -> Callable[[F], F]:
        """Turn a typed function into a model; using a name again adds a version to it.

        Args:
            ref: The model's name, `owner/name`.
            official: Whether the model runs by its name alone, without a version, as Replicate's official models do.
            description: By default the first line of the function's docstring.
            readme: A longer text, in Markdown.
            train: A typed function that takes the input of a training and returns the function of the new version.

        Returns:
            A decorator, which returns the function as it was.

        Raises:
            ValueError: `ref` is not of the form `owner/name`.
            TypeError: The function's annotations cannot be turned into a schema.

        Examples:
            >>> from collections.abc import Iterator
            >>> @emulator.model("me/count", official=True)
            ... def count(up_to: int) -> Iterator[str]:
            ...     yield from map(str, range(1, up_to + 1))
            >>> client.run("me/count", {"up_to": 3})
            ['1', '2', '3']
        """
        match = re.fullmatch(r"([\w-]+)/([\w.-]+)", ref)
        if match is None:
            raise ValueError(f"a model's name must have the form owner/name, got {ref!r}")

        def decorator(function: F) -> F:
            summary = description or (function.__doc__ or "").strip().partition("\n")[0]
            model = self.models.setdefault(ref, Model(match[1], match[2], official))
            model.metadata |= {"description": summary or None, **({"readme": readme} if readme else {})}
            model.push(function, DEFAULT_CREATED_AT, train)
            return function

        return decorator
