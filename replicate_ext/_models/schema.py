"""`ModelSchema`: the inputs and the output of a version, by its `openapi_schema`."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from functools import cached_property
from typing import Any

from ..errors import InvalidInputError
from .check import Checker
from .reader import SchemaReader, references
from .shapes import Input as Input, Output as Output
from .tool import input_schema


class ModelSchema:
    """The inputs and the output of one version of a model, or of its trainings."""

    def __init__(
        self,
        inputs: tuple[Input, ...],
        output: Output,
        *,
        components: Mapping[str, Any],
        extra_input: Input | None = None,
        is_training: bool = False,
    ) -> None:
        self.inputs = inputs
        """The inputs in the order in which the model's author wrote them."""

        self.output = output
        self.extra_input = extra_input
        """What inputs with other names have to be; None if there are no others."""

        self.is_training = is_training
        self._components = components

    @classmethod
    def parse(cls, openapi_schema: object, cog_version: str | None = None, *, is_training: bool = False) -> ModelSchema:
        """Return what a version's `openapi_schema` says; it never raises, and what it cannot read is `any`."""
        reader = SchemaReader(openapi_schema)
        prefix = "Training" if is_training else ""
        inputs = reader.inputs(f"{prefix}Input")
        extra_input = Input("") if inputs is None else reader.extra_input(f"{prefix}Input")
        output = reader.output(f"{prefix}Output", cog_version)
        return cls(inputs or (), output, components=reader.components, extra_input=extra_input, is_training=is_training)

    def __repr__(self) -> str:
        return f"<ModelSchema: inputs {', '.join(input.name for input in self.inputs) or 'none'}>"

    def check(self, given: Mapping[str, Any], model: str = "this model") -> dict[str, Any]:
        """Return a copy of an input, with values converted where that loses nothing: "3" is 3 for an integer.

        Files stay as they are. None stands for an input that is left out, unless the model takes null. Defaults are not
        filled in: they are the model's, and may change.

        Args:
            given: The model's inputs by name.
            model: How an error calls the model.

        Raises:
            InvalidInputError: The input does not fit; it names everything that is wrong.
        """
        checker = Checker(model)
        checked = checker.check(self._by_name, self.extra_input, given)
        if checker.problems:
            raise InvalidInputError(checker.problems)
        return checked

    @cached_property
    def _by_name(self) -> dict[str, Input]:
        return {input.name: input for input in self.inputs}

    def json_schema(self, name: str = "", description: str = "") -> dict[str, Any]:
        """Return the inputs as a JSON Schema, without what only Replicate understands; for forms and for agents."""
        return input_schema(self.inputs, self.extra_input, name, description)

    def trimmed(self) -> dict[str, Any]:
        """Return the parts of the `openapi_schema` that were read, in its form: `parse` reads them again."""
        kept: dict[str, Any] = {}
        pending = ["TrainingInput", "TrainingOutput"] if self.is_training else ["Input", "Output"]
        while pending:
            name = pending.pop()
            if name in self._components and name not in kept:
                kept[name] = self._components[name]
                pending += references(kept[name])
        return {"components": {"schemas": dict(sorted(kept.items()))}}

    @cached_property
    def digest(self) -> str:
        """The SHA-256 of `trimmed()`, in hexadecimal digits; equal for equal inputs and output."""
        canonical = json.dumps(self.trimmed(), sort_keys=True, separators=(",", ":"), default=str)
        return hashlib.sha256(canonical.encode(errors="surrogatepass")).hexdigest()
