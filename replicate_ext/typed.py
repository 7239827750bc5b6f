"""What typed modules are made of: `function` turns the signature of a model into a function that runs it.

`replicate-ext models add` writes such a module, and beside it the lock, which has the schemas of the models. Sync
callers write `flux_schnell(prompt="…")`, async ones `await flux_schnell.aio(prompt="…")`.

Examples:
    >>> from replicate_ext import AsyncFileOutput, FileOutput
    >>> from replicate_ext.typed import Returns, function
    >>> @function("black-forest-labs/flux-schnell")
    ... def flux_schnell(
    ...     *, prompt: str, num_outputs: int = 1
    ... ) -> Returns[list[FileOutput], list[AsyncFileOutput]]:
    ...     raise NotImplementedError
    >>> flux_schnell
    <TypedFunction flux_schnell: black-forest-labs/flux-schnell>
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import cache, cached_property, update_wrapper
from typing import (
    IO,
    TYPE_CHECKING,
    Any,
    Generic,
    Literal,
    ParamSpec,
    Protocol,
    Self,
    TypeAlias,
    TypedDict,
    TypeVar,
    Unpack,
    cast,
    overload,
)

if TYPE_CHECKING:
    from replicate_api.models import Prediction, WebhookEvent

    from ._batch.batch import AsyncBatch, Batch
    from ._batch.options import MapOptions
    from ._batch.rows import Rows
    from ._client import AsyncReplicate, Replicate
    from ._files.file_input import FileInput
    from ._functions.function import Function, UsedModel
    from ._models.lock import Lock, LockedModel
    from ._models.shapes import Input, Output
    from ._models.tool import ToolFormat
    from ._predictions.stream import AsyncStream, Stream

__all__ = ["AsyncTypedFunction", "FileTypes", "Options", "Returns", "TypedFunction", "function"]

P = ParamSpec("P")
R = TypeVar("R", covariant=True)
A = TypeVar("A", covariant=True)


class _ImageArray(Protocol):
    """A PIL image or a numpy array."""

    @property
    def __array_interface__(self) -> Mapping[str, Any]: ...


FileTypes: TypeAlias = "str | os.PathLike[str] | bytes | bytearray | memoryview | IO[bytes] | FileInput | _ImageArray"
"""What an input that is a file takes: a URL, a path, the content, an open file, a picture, or a `FileInput`."""


class Returns(Generic[R, A]):
    """The annotation of what a function returns: to sync callers R, to async ones A, whose files have another class."""


class Options(TypedDict, total=False):
    """The options of `client.run`, and the client, for `with_options`."""

    client: Replicate | AsyncReplicate
    """The client that sends the requests; by default that of the module-level functions."""

    wait: bool | float
    timeout: float | None
    poll_interval: float | None
    on_created: Callable[[Prediction], object] | None
    progress: bool | Callable[[Prediction], object] | None
    webhook: str | None
    webhook_events_filter: Sequence[WebhookEvent | Literal["start", "output", "logs", "completed"]] | None
    check: bool
    cancel_on_exit: bool


class TypedFunction(Generic[P, R, A]):
    """A model as a function, with the types of its inputs and its output.

    A typed module has one for each model. Call it with the inputs of the model as keywords.
    """

    def __init__(self, signature: Callable[P, Any], ref: str, options: Options | None = None) -> None:
        self._signature, self._ref, self._options = signature, ref, options or {}
        self._bound: dict[bool, Any] = {}
        update_wrapper(self, signature)

    def __call__(self, /, *args: P.args, **kwargs: P.kwargs) -> R:
        """Run the model and return its output, with the types of its schema; text that comes in pieces is joined.

        Returns:
            The output, as `client.run` returns it; the text of a language model as one string.

        Raises:
            InvalidInputError: The model does not take these inputs; nothing was created.
            ReplicateError: As for `client.run`.
            RuntimeError: The lock of the module is missing, or does not have the model.
            TypeError: The client of `with_options` is of the other kind.
        """
        output: R = self._bind(False)(*args, **kwargs)
        return output

    def stream(self, /, *args: P.args, **kwargs: P.kwargs) -> Stream:
        """Run the model and yield its events as they arrive, as `client.stream` does.

        Returns:
            A `Stream`. The prediction is created when its iteration begins, which raises most of the errors below.

        Raises:
            InvalidInputError, ReplicateError: As for `client.stream`.
            RuntimeError, TypeError: As for a call of the function.
        """
        stream: Stream = self._bind(False).stream(*args, **kwargs)
        return stream

    def submit(self, /, *args: P.args, **kwargs: P.kwargs) -> Prediction:
        """Create a prediction and return it immediately, as `client.submit` does.

        Returns:
            The prediction as it was created; `client.wait` waits for its end.

        Raises:
            InvalidInputError, ReplicateError: As for `client.submit`.
            RuntimeError, TypeError: As for a call of the function.
        """
        prediction: Prediction = self._bind(False).submit(*args, **kwargs)
        return prediction

    def map(self, rows: Rows, folder: str | os.PathLike[str], **options: Unpack[MapOptions]) -> Batch:
        """Run the model on many inputs, each bought once, as `client.map` does, which describes the options.

        Args:
            rows: Dicts by the model's own names, such as `row` returns, or a DataFrame or a file of them.
            folder: Where the journal of the batch and the files of its outputs are kept.
            options: The options of `client.map`.

        Returns:
            A `Batch`, to be iterated.

        Raises:
            TypeError, ValueError, OSError, ImportError: As for `client.map`; or `map` would ignore an option.
        """
        batch: Batch = self._bind(False).map(rows, folder, **options)
        return batch

    def row(self, /, *args: P.args, **kwargs: P.kwargs) -> dict[str, Any]:
        """Return inputs as a row for `map`, checked as a call with them is, but without a client.

        Returns:
            A dict of the inputs by the model's own names.

        Raises:
            InvalidInputError: The model does not take these inputs.
            TypeError, ValueError, OSError: A value cannot be sent.
            RuntimeError: The lock of the module is missing, or does not have the model.
        """
        function: Any = self._without_client
        row: dict[str, Any] = function.row(*args, **kwargs)
        return row

    @property
    def aio(self) -> AsyncTypedFunction[P, A]:
        """The same function for async callers: `await flux_schnell.aio(prompt="…")`."""
        return AsyncTypedFunction(self)

    def with_options(self, **options: Unpack[Options]) -> Self:
        """Return a function with other options, or for another client; what is omitted stays the same.

        Args:
            options: Those of `Options`: `client`, and the options of `client.run`.

        Returns:
            Another function of the same model.

        Raises:
            TypeError: There is no such option.
        """
        known = Options.__annotations__
        if unknown := options.keys() - known.keys():
            raise TypeError(f"with_options: {min(unknown)} is no option; the options are {', '.join(known)}")
        return type(self)(self._signature, self._ref, {**self._options, **options})

    @property
    def inputs(self) -> tuple[Input, ...]:
        """The inputs, with their types and limits, in the order in which the model's author wrote them."""
        return self._model.schema.inputs

    @property
    def output(self) -> Output:
        """What the function returns: `kind` is file, text, list, object and so on."""
        return self._model.schema.output

    @property
    def version(self) -> str | None:
        """The id of the version in the lock; it is the one that runs, unless the model is official."""
        return self._model.version

    def json_schema(self, tool: ToolFormat | None = None) -> dict[str, Any]:
        """Return the inputs as a JSON Schema, or as the definition of a tool for a language model.

        Args:
            tool: "openai" or "anthropic" for a tool of their clients, as for `Function.json_schema`.

        Returns:
            The schema or the definition, as JSON values.

        Raises:
            ValueError: There is no such format of a tool.
        """
        return self._without_client.json_schema(tool)

    def _repr_html_(self) -> str:
        return self._without_client._repr_html_()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._signature.__name__}: {self._ref}>"

    def _bind(self, is_async: bool) -> Any:
        """Return the function of the client, which is of this kind."""
        if is_async not in self._bound:
            from . import _default_client
            from ._functions.function import AsyncFunction, Function
            from ._predictions.known_models import KnownModel

            options: dict[str, Any] = dict(self._options)
            default: Any = _default_client._async_client() if is_async else _default_client._client
            client = options.pop("client", default)
            if client._session.backend.is_async is not is_async:
                name, right = self._signature.__name__, "AsyncReplicate" if is_async else "Replicate"
                raise TypeError(
                    f"{name}{'.aio' * is_async} needs a client of class {right}, not {type(client).__name__}"
                )
            model, lock = self._model, self._locked
            known = KnownModel(lock.kind == "official", lock.version, model.schema, lock.schema, lock.cog_version)
            client._predictions.known_models.add_locked(model.ref, known)
            function = (AsyncFunction if is_async else Function)(client, model)
            self._bound[is_async] = function.with_options(**options)
        return self._bound[is_async]

    @cached_property
    def _model(self) -> UsedModel:
        from ._functions.function import UsedModel
        from ._sansio.model_ref import ModelRef

        lock = self._locked
        return UsedModel(ModelRef.parse(self._ref), lock.version, lock.parse(), lock.description)

    @cached_property
    def _locked(self) -> LockedModel:
        return _find_in_lock(self._signature, self._ref)

    @cached_property
    def _without_client(self) -> Function:
        from ._functions.function import Function

        function = Function(cast("Any", None), self._model)
        return function.with_options(check=self._options.get("check", True))


class AsyncTypedFunction(Generic[P, A]):
    """A typed function for async callers: `await flux_schnell.aio(prompt="…")`.

    It is the attribute `aio` of a `TypedFunction`, and sends requests with an `AsyncReplicate`.
    """

    def __init__(self, function: TypedFunction[P, Any, A]) -> None:
        self._function = function
        update_wrapper(self, function._signature)

    async def __call__(self, /, *args: P.args, **kwargs: P.kwargs) -> A:
        """Run the model and return its output, with the types of its schema; text that comes in pieces is joined.

        Returns:
            The output, as `client.run` returns it; the text of a language model as one string.

        Raises:
            InvalidInputError, ReplicateError, RuntimeError, TypeError: As for a call of the `TypedFunction`.
        """
        output: A = await self._function._bind(True)(*args, **kwargs)
        return output

    def stream(self, /, *args: P.args, **kwargs: P.kwargs) -> AsyncStream:
        """Run the model and yield its events as they arrive, as `client.stream` does.

        Returns:
            An `AsyncStream`, for `async for`. The prediction is created when its iteration begins.

        Raises:
            InvalidInputError, ReplicateError: As for `client.stream`.
            RuntimeError, TypeError: As for a call of the function.
        """
        stream: AsyncStream = self._function._bind(True).stream(*args, **kwargs)
        return stream

    async def submit(self, /, *args: P.args, **kwargs: P.kwargs) -> Prediction:
        """Create a prediction and return it immediately, as `client.submit` does.

        Returns:
            The prediction as it was created; `client.wait` waits for its end.

        Raises:
            InvalidInputError, ReplicateError: As for `client.submit`.
            RuntimeError, TypeError: As for a call of the function.
        """
        prediction: Prediction = await self._function._bind(True).submit(*args, **kwargs)
        return prediction

    def map(self, rows: Rows, folder: str | os.PathLike[str], **options: Unpack[MapOptions]) -> AsyncBatch:
        """Run the model on many inputs, each bought once, as `client.map` does, which describes the options.

        Args:
            rows: Dicts by the model's own names, such as `row` returns, or a DataFrame or a file of them.
            folder: Where the journal of the batch and the files of its outputs are kept.
            options: The options of `client.map`.

        Returns:
            An `AsyncBatch`, for `async for`; `map` itself is not awaited.

        Raises:
            TypeError, ValueError, OSError, ImportError: As for `client.map`; or `map` would ignore an option.
        """
        batch: AsyncBatch = self._function._bind(True).map(rows, folder, **options)
        return batch

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._function._signature.__name__}.aio: {self._function._ref}>"


class _Decorator(Protocol):
    @overload
    def __call__(self, signature: Callable[P, Returns[R, A]], /) -> TypedFunction[P, R, A]: ...
    @overload
    def __call__(self, signature: Callable[P, R], /) -> TypedFunction[P, R, R]: ...


def function(ref: str) -> _Decorator:
    """Return a decorator that turns a signature into a function that runs this model.

    The schema of the model is in the lock beside the module, which is read when the function is first called.

    Args:
        ref: `owner/name` of an official model, or `owner/name:version`, as the lock has it.

    Returns:
        A decorator, which returns a `TypedFunction` with the parameters of the decorated signature.
    """

    def decorator(signature: Callable[..., Any], /) -> TypedFunction[..., Any, Any]:
        return TypedFunction(signature, ref)

    return cast("_Decorator", decorator)


def _find_in_lock(signature: Any, ref: str) -> LockedModel:
    """Return the model of a function in the lock of its module.

    Raises:
        RuntimeError: The lock is missing, or the module was not generated from it.
    """
    from pathlib import PurePath  # it takes longer to import than a module of 30 models

    variables: dict[str, Any] = signature.__globals__
    path = PurePath(variables.get("__file__", ""))
    lock_paths = path.with_suffix(".lock"), path.parent.with_suffix(".lock")  # the latter is that of a package
    for lock_path in lock_paths:
        with suppress(OSError):
            model = _read_lock(variables["__loader__"], str(lock_path)).get(ref.partition(":")[0])
            if model is not None and model.pinned_ref == ref:
                return model
            raise RuntimeError(f"{lock_path} does not have {ref}: run `replicate-ext models generate`")
    raise RuntimeError(f"{lock_paths[0]} is missing: install it with the module, as package data")


@cache
def _read_lock(loader: Any, path: str) -> Lock:
    """Read a lock as Python reads the module, from a zip file for example."""
    from ._models.lock import load_lock

    try:
        return load_lock(loader.get_data(path).decode())
    except ValueError as error:
        raise RuntimeError(f"{path}: {error}") from None
