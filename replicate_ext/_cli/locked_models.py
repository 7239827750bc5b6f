"""Fetch models as a lock has them, and compare them with it."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from replicate_api.models import Version

from .._models.drift import Change, compare
from .._models.literals import visible
from .._models.lock import LockedModel
from .._models.schema import ModelSchema
from .._sansio.model_ref import ModelRef
from ..errors import NotFoundError
from .model_pages import explain_missing

if TYPE_CHECKING:
    from .._client import Replicate

MAX_CONCURRENT_REQUESTS = 8


def fetch_all(client: Replicate, refs: Iterable[ModelRef]) -> list[LockedModel]:
    """Return the latest versions of models, or those that the references name."""
    with ThreadPoolExecutor(MAX_CONCURRENT_REQUESTS) as pool:
        return list(pool.map(lambda ref: _fetch(client, ref), refs))


def _fetch(client: Replicate, ref: ModelRef) -> LockedModel:
    with explain_missing(ref):
        model = client.models.get(str(ref.owner), str(ref.name))
        version: Any = model.latest_version
        if ref.version:
            version = client.models.versions.get(str(ref.owner), str(ref.name), ref.version)
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


def fetch_changes(
    client: Replicate, models: Iterable[LockedModel]
) -> list[tuple[LockedModel, LockedModel | None, list[Change]]]:
    """Return each model as it is in the lock, as it is now, and the changes. A chosen version does not change."""
    old = [model for model in models if model.kind != "version"]

    def fetch(model: LockedModel) -> LockedModel | None:
        with suppress(NotFoundError):  # reported as a change, with those of the other models
            return _fetch(client, ModelRef.parse(model.ref))._replace(function=model.function)
        return None

    with ThreadPoolExecutor(MAX_CONCURRENT_REQUESTS) as pool:
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
