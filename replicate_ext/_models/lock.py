"""`models.lock`: the models of a typed module as they were when they were added, as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, Literal, NamedTuple, get_args

from .names import is_name
from .schema import ModelSchema

LOCK_VERSION = 1
"""The format that this release writes and reads."""

_CONFLICT_MARKS = ("<<<<<<<", "=======", ">>>>>>>")

Kind = Literal["official", "community", "version"]


class LockedModel(NamedTuple):
    """A model of a lock."""

    ref: str
    """`owner/name`."""

    function: str
    """The name of its function."""

    kind: Kind
    """`official`: runs by its name. `community`: runs in the locked version, which an update replaces by the latest.
    `version`: runs in the version that the caller chose, which an update keeps."""

    version: str
    cog_version: str | None
    date: str
    """The day on which this version was fetched: YYYY-MM-DD."""

    description: str
    schema: Mapping[str, Any]
    """The part of the version's OpenAPI schema that defines input and output."""

    @property
    def pinned_ref(self) -> str:
        """The reference that the function runs."""
        return self.ref if self.kind == "official" else f"{self.ref}:{self.version}"

    def parse(self) -> ModelSchema:
        """Return the inputs and the output."""
        return ModelSchema.parse(self.schema, self.cog_version)


Lock = dict[str, LockedModel]
"""The models by `owner/name`."""


def dump_lock(models: Iterable[LockedModel]) -> str:
    """Return the text of a lock: the same for the same models, with a line for each value, so that it can be merged."""
    content: dict[str, Any] = {}
    for model in sorted(models):
        ref, *_, schema = model
        fields = dict(zip(model._fields[1:-1], model[1:-1], strict=True))
        content[ref] = {**fields, "digest": model.parse().digest, "schema": schema}
    return json.dumps({"lock_version": LOCK_VERSION, "models": content}, indent=1) + "\n"


def load_lock(text: str) -> Lock:
    """Return the models of a lock.

    Raises:
        ValueError: The text is no lock that this release can read; the message says what is wrong.
    """
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(_describe_json_error(text, error)) from None
    if not isinstance(document, dict) or "lock_version" not in document:
        raise ValueError("it has no lock_version: it is not the lock of a typed module")
    if (version := document["lock_version"]) != LOCK_VERSION:
        raise ValueError(
            f"its lock_version is {version!r}, and this release of replicate-ext reads {LOCK_VERSION}: upgrade it"
        )
    entries = document.get("models")
    if not isinstance(entries, dict):
        raise ValueError("it has no models")
    models = {ref: _load_model(ref, entry) for ref, entry in entries.items()}
    functions: dict[str, str] = {}
    for model in models.values():
        if (other := functions.setdefault(model.function, model.ref)) != model.ref:
            raise ValueError(f"the functions of {other} and {model.ref} are both named {model.function}: rename one")
    return models


def _describe_json_error(text: str, error: Exception) -> str:
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith(_CONFLICT_MARKS):
            return f"line {number} begins with {line[:7]}, the mark of a merge conflict: resolve it"
    return f"it is not JSON ({error}): restore it from version control, or delete it and add the models again"


def _load_model(ref: str, entry: Any) -> LockedModel:
    fields: dict[str, Any] = entry if isinstance(entry, dict) else {}
    model = LockedModel._make((ref, *map(fields.get, LockedModel._fields[1:])))
    is_valid = (
        all(isinstance(text, str) for text in (model.function, model.version, model.date, model.description))
        and isinstance(model.cog_version, str | None)
        and isinstance(model.schema, dict)
        and model.kind in get_args(Kind)
        and is_name(model.function)
        and ref.count("/") == 1
    )
    if not is_valid:
        raise ValueError(f"the entry of {ref} is incomplete: delete it, and add the model again")
    if fields.get("digest") != model.parse().digest:
        raise ValueError(f"the schema of {ref} was changed by hand: delete its entry, and add the model again")
    return model
