"""Find the models that a caller may pass instead of a string: a `Prediction` for its id, a `Model` for `owner/name`.

The rules go by names, so they hold for operations and models that later documents add.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from openapi_python_client.parser.properties import ModelProperty
from openapi_python_client.parser.properties.protocol import PropertyProtocol
from openapi_python_client.parser.properties.string import StringProperty
from openapi_python_client.parser.properties.union import UnionProperty

OWNER_AND_NAME = ("owner", "name")

KEYS = (OWNER_AND_NAME, ("id",), ("slug",), ("sku",))
"""The fields that identify a model; the first that it has count."""


@dataclass(frozen=True)
class Reference:
    """The models that a string argument may refer to, and the fields whose values, joined by slashes, it holds."""

    keys: tuple[str, ...]
    classes: tuple[str, ...]

    @property
    def types(self) -> list[str]:
        """The classes as they are in annotations."""
        return [f"models.{name}" for name in self.classes]

    @property
    def codec(self) -> str:
        return f"types.KeyOf({self.keys!r}, {', '.join(map(repr, self.classes))})"


class References:
    """The references to some models, by the name of the argument."""

    def __init__(self, models: Iterable[ModelProperty]) -> None:
        self._models = [
            (str(model.class_info.module_name), str(model.class_info.name), _field_names(model)) for model in models
        ]

    def find(self, prop: PropertyProtocol) -> Reference | None:
        """Return what an argument refers to: `version` to a `Version`, `file_id` to a `File` by its `id`."""
        types = prop.inner_properties if isinstance(prop, UnionProperty) else [prop]
        if not any(isinstance(one, StringProperty) for one in types):
            return None
        name = prop.name.get_untrusted_value()
        prefix, _, key = name.rpartition("_")
        return self._find_by_name(name) or (self.with_keys(prefix, (key,)) if prefix and (key,) in KEYS else None)

    def with_keys(self, prefix: str, keys: tuple[str, ...]) -> Reference | None:
        """Return the reference to the models whose names begin with a word and that have all these fields."""
        start = "".join(word.capitalize() for word in prefix.split("_"))
        found = [name for _, name, fields in self._models if name.startswith(start) and fields >= {*keys}]
        return Reference(keys, tuple(sorted(found))) if found else None

    def _find_by_name(self, name: str) -> Reference | None:
        for module, class_name, fields in self._models:
            if module == name:
                for keys in KEYS:
                    if fields >= {*keys}:
                        return Reference(keys, (class_name,))
        return None


def _field_names(model: ModelProperty) -> set[str]:
    properties = [*(model.required_properties or []), *(model.optional_properties or [])]
    return {prop.name.get_untrusted_value() for prop in properties}
