"""`Function` and `AsyncFunction`: a model that is called with its inputs as keywords."""

from __future__ import annotations

from copy import copy
from typing import TYPE_CHECKING, Any, Generic, Literal, NamedTuple, Never, Self, Unpack

from replicate_api.types import UNSET, Unset

from .._backends.sync import SyncBackend
from .._files.inputs import prepare_input
from .._models.tool import ToolFormat, make_tool
from .._send import BackendT
from .signature import make_docstring, make_signature, output_type, rename_parameters

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Mapping, Sequence

    from replicate_api.models import Prediction, WebhookEvent

    from .._backends.asyncio import AsyncBackend  # noqa: F401  # the base of AsyncFunction names it
    from .._batch.batch import AsyncBatch, Batch
    from .._batch.options import MapOptions
    from .._batch.rows import Rows
    from .._models.schema import Input, ModelSchema, Output
    from .._predictions.run import RunMixin
    from .._predictions.stream import AsyncStream, Stream
    from .._sansio.model_ref import ModelRef

MAX_REPR_NAMES = 8
"""Inputs that the repr of a function names."""

_STREAM_OPTIONS = {"timeout", "progress", "webhook", "webhook_events_filter", "check", "cancel_on_exit"}
_SUBMIT_OPTIONS = {"progress", "webhook", "webhook_events_filter", "check"}
_MAP_OPTIONS = {"check", "cancel_on_exit"}


class UsedModel(NamedTuple):
    """What a function runs, and what is known of it."""

    ref: ModelRef
    """What it runs: with a version, unless the model is official."""

    version: str | None
    """The id of the version whose schema is known."""

    schema: ModelSchema
    description: str = ""
    example: Prediction | None = None


class _Function(Generic[BackendT]):
    """What the functions of both clients have in common."""

    _file_type: str

    def __init__(self, client: RunMixin[BackendT], model: UsedModel) -> None:
        self._client: Any = client
        self._model = model
        self._options: dict[str, Any] = {}
        self.__name__ = self.__qualname__ = str(model.ref.name)
        self.__doc__ = make_docstring(str(model.ref), model.description, model.schema)
        self.__signature__ = make_signature(model.schema, self._file_type)

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
        """The id of the version whose inputs these are; it is the one that runs, unless the model is official."""
        return self._model.version

    @property
    def example(self) -> Prediction | None:
        """The default example of the model, a prediction; None if it has none, or if the reference names a version."""
        return self._model.example

    def json_schema(self, tool: ToolFormat | None = None) -> dict[str, Any]:
        """Return the inputs as a JSON Schema, or as the definition of a tool for a language model.

        Args:
            tool: "openai" for an item of `tools` in a chat completion of OpenAI, "anthropic" for one in a message of
                Anthropic. The arguments with which the language model calls it are inputs: `function(**arguments)`.

        Returns:
            The schema or the definition, as JSON values. Secrets are left out if the model runs without them.

        Raises:
            ValueError: There is no such format of a tool.

        Examples:
            >>> hello = client.use("acme/hello")
            >>> hello.json_schema()["required"]
            ['text']
            >>> hello.json_schema("openai")["function"]["name"]
            'hello'
        """
        name, description = str(self._model.ref.name), self._model.description
        schema = self._model.schema.json_schema(name, description)
        return schema if tool is None else make_tool(tool, name, description, schema)

    def with_options(
        self,
        *,
        wait: bool | float | Unset = UNSET,
        timeout: float | Unset | None = UNSET,
        poll_interval: float | Unset | None = UNSET,
        on_created: Callable[[Prediction], object] | Unset | None = UNSET,
        progress: bool | Callable[[Prediction], object] | Unset | None = UNSET,
        webhook: str | Unset | None = UNSET,
        webhook_events_filter: Sequence[WebhookEvent | Literal["start", "output", "logs", "completed"]]
        | Unset
        | None = UNSET,
        check: bool | Unset = UNSET,
        cancel_on_exit: bool | Unset = UNSET,
    ) -> Self:
        """Return a function with other options, which are those of `client.run`; what is omitted stays the same.

        `stream` and `submit` use those of them that `client.stream` and `client.submit` have; `map` uses `check` and
        `cancel_on_exit`, and takes its other options itself.

        Returns:
            Another function of the same model and client.

        Examples:
            >>> client.use("acme/hello").with_options(timeout=60)(text="Ada")
            'Hello, Ada!'
        """
        options = {
            "wait": wait,
            "timeout": timeout,
            "poll_interval": poll_interval,
            "on_created": on_created,
            "progress": progress,
            "webhook": webhook,
            "webhook_events_filter": webhook_events_filter,
            "check": check,
            "cancel_on_exit": cancel_on_exit,
        }
        function = copy(self)
        function._options = self._options | {key: it for key, it in options.items() if not isinstance(it, Unset)}
        return function

    def row(self, /, *args: Never, **inputs: Any) -> dict[str, Any]:
        """Return inputs as a row for `map`, checked as a call with them is.

        Args:
            inputs: The inputs of the model.

        Returns:
            A dict of the inputs by the model's own names.

        Raises:
            InvalidInputError: The model does not take these inputs.
            TypeError: An input is passed by position, or has a type that cannot be sent.
            ValueError: A value cannot be sent, such as nan.
            OSError: A file cannot be read.

        Examples:
            >>> client.use("acme/hello").row(text="Ada")
            {'text': 'Ada'}
        """
        row = self._rename(args, inputs)
        prepared = prepare_input(row)
        if self._options.get("check", True):
            self._model.schema.check(prepared.values, str(self._model.ref))
        return row

    def _map(self, rows: Rows, folder: str | os.PathLike[str], options: Mapping[str, Any]) -> Any:
        """Call `map` of the client, with those of the function's options that it has, too."""
        ignored = self._options.keys() - _MAP_OPTIONS - options.keys()
        if ignored:
            name = min(ignored)
            raise TypeError(
                f"{self.__name__}.map would ignore {name} of with_options: map a function without it, and give map its "
                "own options"
            )
        return self._client.map(self._model.ref, rows, folder, **{**self._options, **options})

    def _rename(self, args: Sequence[Never], inputs: Mapping[str, Any]) -> dict[str, Any]:
        """Return inputs by the model's own names."""
        if args:
            example = next((f"{name}=…" for name in self.__signature__.parameters), "no arguments")
            raise TypeError(f"{self.__name__}() takes its inputs by name: write {example}")
        return rename_parameters(self._model.schema, inputs)

    def _call(
        self, method: Callable[..., Any], args: Sequence[Never], inputs: dict[str, Any], names: set[str] | None = None
    ) -> Any:
        """Call a method of the client, which checks the inputs, with those of the options that it has."""
        ref, renamed = self._model.ref, self._rename(args, inputs)
        if names is None:
            return method(ref, renamed, **self._options)
        options = {name: value for name, value in self._options.items() if name in names}
        if "progress" in options:
            options["progress"] = options["progress"] is True
        return method(ref, renamed, **options)

    def _join(self, output: Any) -> Any:
        """Return the pieces of a text as one string; other outputs as they are."""
        if self.output.kind != "text" or not isinstance(output, list | None):
            return output
        return "".join(map(str, output or ()))

    def __repr__(self) -> str:
        names = [input.name for input in self.inputs]
        shown = ", ".join([*names[:MAX_REPR_NAMES], *(["…"] if len(names) > MAX_REPR_NAMES else [])])
        ref = self._model.ref
        name = str(ref if ref.version is None else ref._replace(version=f"{ref.version[:8]}…"))
        return f"<{type(self).__name__} {name}({shown}) -> {output_type(self.output, self._file_type)}>"

    def _repr_html_(self) -> str:
        from .._display.function import table

        parameters = self.__signature__.parameters.values()
        returned = str(self.__signature__.return_annotation)
        rows = [(str(parameter.annotation), input) for parameter, input in zip(parameters, self.inputs, strict=False)]
        return table(str(self._model.ref), self._model.description, rows, returned)


class Function(_Function[SyncBackend]):
    """A model as a function, from `client.use`: call it with the model's inputs as keywords.

    Its signature and its docstring are those of the model.

    Examples:
        >>> hello = client.use("acme/hello")
        >>> hello
        <Function acme/hello(text) -> str>
        >>> hello(text="Ada")
        'Hello, Ada!'
    """

    _file_type = "FileOutput"

    def __call__(self, /, *args: Never, **inputs: Any) -> Any:
        """Run the model and return its output, with the types of its schema; text that comes in pieces is joined.

        Args:
            inputs: The inputs of the model: JSON values and files, as for `client.run`.

        Returns:
            The output, as `client.run` returns it; the text of a language model as one string.

        Raises:
            InvalidInputError: The model does not take these inputs; nothing was created.
            ReplicateError: As for `client.run`.
        """
        return self._join(self._call(self._client.run, args, inputs))

    def stream(self, /, *args: Never, **inputs: Any) -> Stream:
        """Run the model and yield its events as they arrive, as `client.stream` does.

        Args:
            inputs: The inputs of the model: JSON values and files, as for `client.run`.

        Returns:
            A `Stream`. The prediction is created when its iteration begins, which raises the errors below.

        Raises:
            InvalidInputError, ReplicateError: As for `client.stream`.

        Examples:
            >>> poet = client.use("acme/poet")
            >>> for event in poet.stream(prompt="the sea", lines=1, seconds=0):
            ...     print(event, end="")
            Beneath the sea a garden remembers.
        """
        stream: Stream = self._call(self._client.stream, args, inputs, _STREAM_OPTIONS)
        return stream

    def submit(self, /, *args: Never, **inputs: Any) -> Prediction:
        """Create a prediction and return it immediately, as `client.submit` does.

        Args:
            inputs: The inputs of the model: JSON values and files, as for `client.run`.

        Returns:
            The prediction as it was created; `client.wait` waits for its end.

        Raises:
            InvalidInputError, ReplicateError: As for `client.submit`.

        Examples:
            >>> print(client.use("acme/hello").submit(text="Ada").status)
            starting
        """
        prediction: Prediction = self._call(self._client.submit, args, inputs, _SUBMIT_OPTIONS)
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

        Examples:
            >>> hello = client.use("acme/hello")
            >>> rows = [hello.row(text="Ada"), hello.row(text="Alan")]
            >>> [item.output for item in hello.map(rows, "runs/function").results()]
            ['Hello, Ada!', 'Hello, Alan!']
        """
        batch: Batch = self._map(rows, folder, options)
        return batch


class AsyncFunction(_Function["AsyncBackend"]):
    """A model as a function, from `await client.use`: call it with the model's inputs as keywords, and await it.

    Its signature and its docstring are those of the model.

    Examples:
        >>> async def main() -> None:
        ...     async with replicate.AsyncReplicate() as client:
        ...         hello = await client.use("acme/hello")
        ...         print(await hello(text="Ada"))
        >>> asyncio.run(main())
        Hello, Ada!
    """

    _file_type = "AsyncFileOutput"

    async def __call__(self, /, *args: Never, **inputs: Any) -> Any:
        """Run the model and return its output, with the types of its schema; text that comes in pieces is joined.

        Args:
            inputs: The inputs of the model: JSON values and files, as for `client.run`.

        Returns:
            The output, as `client.run` returns it; the text of a language model as one string.

        Raises:
            InvalidInputError: The model does not take these inputs; nothing was created.
            ReplicateError: As for `client.run`.
        """
        return self._join(await self._call(self._client.run, args, inputs))

    def stream(self, /, *args: Never, **inputs: Any) -> AsyncStream:
        """Run the model and yield its events as they arrive, as `client.stream` does.

        Args:
            inputs: The inputs of the model: JSON values and files, as for `client.run`.

        Returns:
            An `AsyncStream`. The prediction is created when its iteration begins, which raises the errors below.

        Raises:
            InvalidInputError, ReplicateError: As for `client.stream`.
        """
        stream: AsyncStream = self._call(self._client.stream, args, inputs, _STREAM_OPTIONS)
        return stream

    async def submit(self, /, *args: Never, **inputs: Any) -> Prediction:
        """Create a prediction and return it immediately, as `client.submit` does.

        Args:
            inputs: The inputs of the model: JSON values and files, as for `client.run`.

        Returns:
            The prediction as it was created; `client.wait` waits for its end.

        Raises:
            InvalidInputError, ReplicateError: As for `client.submit`.
        """
        prediction: Prediction = await self._call(self._client.submit, args, inputs, _SUBMIT_OPTIONS)
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
        batch: AsyncBatch = self._map(rows, folder, options)
        return batch
