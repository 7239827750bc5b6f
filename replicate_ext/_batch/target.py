"""What a batch runs: a model, pinned to the version that was the latest when the batch began."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from .. import errors
from .._sansio.model_ref import ModelRef

if TYPE_CHECKING:
    from replicate_api.models import Prediction

    from .._models.schema import ModelSchema
    from .._predictions.predictions import Predictions
    from .._send import Session
    from .journal import JournalReader


class Target(NamedTuple):
    """What a batch runs."""

    ref: ModelRef
    """What creates name: with a version, unless the model is official or this is a deployment."""

    version: str | None
    """The version that is known to run; None if the platform does not say."""

    schema: ModelSchema | None
    openapi_schema: Any = None

    @property
    def secrets(self) -> frozenset[str]:
        """The names of the inputs that are secret."""
        return frozenset(input.name for input in self.schema.inputs if input.is_secret) if self.schema else frozenset()

    def has_input(self, name: str) -> bool:
        """Whether the model has an input of this name."""
        return self.schema is not None and any(input.name == name for input in self.schema.inputs)

    def facts(self) -> dict[str, Any]:
        """Return what the journal remembers."""
        return {"ref": str(self.ref), "version": self.version, "schema": self.schema and self.schema.digest}

    def identity(self, job: Prediction) -> list[str | None]:
        """Return what the platform calls the model of a prediction; the journal remembers that of the first one.

        It may differ from the reference: official models were reported under internal names, and a version may be
        replaced by another one (docs/api-facts.md, section 3).
        """
        deployment = job.deployment if self.ref.is_deployment and isinstance(job.deployment, str) else None
        return [job.model, deployment] if isinstance(job.model, str) else [_text(job.version), deployment]

    def matches(self, job: Prediction, identity: list[str | None] | None) -> bool:
        """Whether a prediction is one of this model, by the identity of its first one if that is known."""
        if identity is not None:
            return self.identity(job) == identity
        name = f"{self.ref.owner}/{self.ref.name}"
        if self.ref.is_deployment:
            return job.deployment == name
        return job.model == name if self.ref.owner is not None else job.version == self.ref.version

    def check_unchanged(self, journal: JournalReader) -> None:
        """Raise the ValueError for inputs that have changed since a batch began."""
        schema, version = journal.get("schema"), journal.get("version")
        advice = "the rows that are left need another folder: client.map(…) with them, then Report.merge"
        if schema is not None and self.schema is not None and self.schema.digest != schema:
            raise ValueError(f"the schema of {self.ref} has changed since this batch began; {advice}")
        if self.ref.is_deployment and None not in (version, self.version) and version != self.version:
            raise ValueError(
                f"{self.ref} runs version {self.version} now, and this batch began with {version}; {advice}"
            )


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


async def resolve(session: Session[Any], predictions: Predictions, ref: ModelRef, journal: JournalReader) -> Target:
    """Return what a reference stands for; in a folder with a journal, what it stood for when the batch began.

    Raises:
        ValueError: The folder is of another batch.
        NotFoundError: There is no such model, version or deployment.
    """
    begun = journal.get("ref")
    pinned = ModelRef.parse(begun) if begun is not None else None
    if pinned is not None and ref != pinned and ref != pinned._replace(version=None):
        raise ValueError(f"{journal.folder} has a batch of {pinned}, not of {ref}: use another folder")
    ref = pinned or ref
    known = None
    if ref.owner is not None:  # the API has no request for a version by its id alone
        known = await predictions.known_models.look_up(session, ref) if ref.version else None
        if known is None:  # what a name stands for may have changed
            known = await predictions.known_models.fetch(session, ref)
    if known is None:
        return Target(ref, ref.version, None)
    is_named = ref.version is None and not ref.is_deployment
    if is_named and known.is_official is not True:
        if known.version is None:
            raise errors.NotFoundError(404, detail=f"the model {ref} has no version to run; push one first")
        ref = ref._replace(version=known.version)
    return Target(ref, known.version, known.schema, known.openapi_schema)
