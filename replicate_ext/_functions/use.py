"""`client.use`: look up a model, and return it as a function."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, Concatenate, Generic, ParamSpec, overload

from .. import _functions as functions, errors
from .._dual import Resource, dual_method
from .._predictions.run import RunMixin
from .._sansio.model_ref import ModelRef
from .._send import BackendT

if TYPE_CHECKING:
    from .._backends.asyncio import AsyncBackend
    from .._backends.sync import SyncBackend
    from .._predictions.known_models import KnownModel
    from .function import UsedModel

P = ParamSpec("P")


class _use_method(dual_method[..., Any], Generic[P]):
    """`dual_method` for the one method whose result differs between the clients."""

    if TYPE_CHECKING:

        def __init__(self, function: Callable[Concatenate[Any, P], Coroutine[Any, Any, Any]]) -> None: ...

        @overload
        def __get__(self, obj: None, owner: type) -> Callable[..., Any]: ...
        @overload
        def __get__(self, obj: Resource[SyncBackend], owner: type | None = None) -> Callable[P, functions.Function]: ...
        @overload
        def __get__(
            self, obj: Resource[AsyncBackend], owner: type | None = None
        ) -> Callable[P, Coroutine[Any, Any, functions.AsyncFunction]]: ...
        def __get__(self, obj: Resource[Any] | None, owner: type | None = None) -> Any: ...

    def make_method(self, function: Any, is_async: bool) -> Callable[..., Any]:
        function.__annotations__["return"] = f"functions.{'AsyncFunction' if is_async else 'Function'}"
        return super().make_method(function, is_async)


class UseMixin(RunMixin[BackendT]):
    """Adds `use` to the clients."""

    @_use_method
    async def use(self, ref: str | ModelRef) -> functions.Function | functions.AsyncFunction:
        """Return a model as a function, with the signature of its latest version.

        The model is looked up with one request. An official model runs by its name, in the version that is the
        latest one at that time; any other in the version that it has now.

        Args:
            ref: `owner/name`, `owner/name:version`, or the URL of a model's page.

        Returns:
            A `Function`; on the async client an `AsyncFunction`.

        Raises:
            NotFoundError: There is no such model or version.
            ReplicateError: The request failed in another way.
            ValueError: The reference is no model, but a deployment or the id of a version.

        Examples:
            >>> flux = client.use("black-forest-labs/flux-schnell")
            >>> [image] = flux(prompt="a lighthouse", num_outputs=1)
            >>> image.save("lighthouse.png").name
            'lighthouse.png'
        """
        ref = ModelRef.parse(ref)
        if ref.owner is None or ref.is_deployment:
            raise ValueError(
                f"{ref} is no model; write 'owner/name' or 'owner/name:version', the API finds its inputs by these"
            )
        model = _to_used_model(ref, await self._predictions.known_models.fetch(self._session, ref))
        client: Any = self
        return (functions.AsyncFunction if self._session.backend.is_async else functions.Function)(client, model)


def _to_used_model(ref: ModelRef, known: KnownModel) -> UsedModel:
    from .._models.schema import ModelSchema
    from .function import UsedModel

    if known.model is not None and known.is_official is not True:
        if known.version is None:
            raise errors.NotFoundError(404, detail=f"the model {ref} has no version to run; push one first")
        ref = ref._replace(version=known.version)
    used = UsedModel(ref, known.version, known.schema or ModelSchema.parse(None))
    if known.model is None:
        return used
    return used._replace(description=str(known.model.description or ""), example=known.model.default_example)
