"""`client.use`: look up a model, and return it as a function."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, Concatenate, Generic, ParamSpec, overload

from replicate_api import models, operations as op

from .. import errors
from .._dual import Resource, dual_method
from .._models.schema import ModelSchema
from .._predictions.run import RunMixin
from .._sansio.model_ref import ModelRef
from .._send import BackendT, Session
from .function import AsyncFunction, Function, UsedModel

if TYPE_CHECKING:
    from replicate_api.models import Version

    from .._backends.asyncio import AsyncBackend
    from .._backends.sync import SyncBackend

P = ParamSpec("P")


class _use_method(dual_method[..., Any], Generic[P]):
    """`dual_method` for the one method whose result differs between the clients."""

    if TYPE_CHECKING:

        def __init__(self, function: Callable[Concatenate[Any, P], Coroutine[Any, Any, Any]]) -> None: ...

        @overload
        def __get__(self, obj: None, owner: type) -> Callable[..., Any]: ...
        @overload
        def __get__(self, obj: Resource[SyncBackend], owner: type | None = None) -> Callable[P, Function]: ...
        @overload
        def __get__(
            self, obj: Resource[AsyncBackend], owner: type | None = None
        ) -> Callable[P, Coroutine[Any, Any, AsyncFunction]]: ...
        def __get__(self, obj: Resource[Any] | None, owner: type | None = None) -> Any: ...


class UseMixin(RunMixin[BackendT]):
    """Adds `use` to the clients."""

    @_use_method
    async def use(self, ref: str | ModelRef) -> Function | AsyncFunction:
        """Return a model as a function, with the signature of its latest version.

            flux = client.use("black-forest-labs/flux-schnell")
            [image] = flux(prompt="a lighthouse", num_outputs=1)

        The model is looked up once, with one request. An official model runs by its name, in the version that is the
        latest one at that time; any other in the version that it has now.

        Args:
            ref: `owner/name`, `owner/name:version`, or the URL of a model's page.

        Raises:
            NotFoundError: There is no such model or version.
            ValueError: The reference is no model, but a deployment or the id of a version.
        """
        model = await fetch_model(self._session, ModelRef.parse(ref))
        client: Any = self
        return (AsyncFunction if self._session.backend.is_async else Function)(client, model)


async def fetch_model(session: Session[Any], ref: ModelRef) -> UsedModel:
    """Return what is to be known of a model to use it as a function."""
    if ref.owner is None or ref.name is None or ref.is_deployment:
        raise ValueError(
            f"{ref} is no model; write 'owner/name' or 'owner/name:version', the API finds its inputs by these"
        )
    try:
        if ref.version:
            return _to_used_model(ref, await session.call(op.MODELS_VERSIONS_GET(ref.owner, ref.name, ref.version)))
        model = await session.call(op.MODELS_GET(ref.owner, ref.name))
    except errors.NotFoundError as error:
        error.add_advice(f"there is no model {ref} that this token can use")
        raise
    version = model.latest_version if isinstance(model.latest_version, models.Version) else None
    used = _to_used_model(ref, version)
    if model.is_official is not True:
        if used.version is None:
            raise errors.NotFoundError(404, detail=f"the model {ref} has no version to run; push one first")
        used = used._replace(ref=ref._replace(version=used.version))
    example = model.default_example if isinstance(model.default_example, models.Prediction) else None
    return used._replace(description=str(model.description or ""), example=example)


def _to_used_model(ref: ModelRef, version: Version | None) -> UsedModel:
    if version is None:
        return UsedModel(ref, None, ModelSchema.parse(None))
    cog_version = version.cog_version if isinstance(version.cog_version, str) else None
    id = version.id if isinstance(version.id, str) else None
    return UsedModel(ref, id, ModelSchema.parse(version.openapi_schema, cog_version))
