"""`client.use`: a model as a function, on both clients, against the emulator."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Callable, Iterator
from typing import Any, get_type_hints

import pytest
from PIL import Image

from replicate_ext import (
    AsyncFileOutput,
    AsyncFunction,
    AsyncReplicate,
    FileOutput,
    Function,
    InvalidInputError,
    ModelRef,
    NotFoundError,
    Prediction,
    Replicate,
)
from replicate_ext.emulator import Emulator
from replicate_ext.emulator.builtin_models import builtin_catalog

POET = builtin_catalog.models["acme/poet"]
OLD_POET, NEW_POET = (str(version.id) for version in POET.versions)


@pytest.fixture(scope="module")
def api() -> Iterator[Emulator]:
    with Emulator() as api:
        yield api


class Caller:
    """Calls a client of one kind, and notes what it requests."""

    def __init__(self, api: Emulator, is_async: bool) -> None:
        self._api = api
        self._runner = asyncio.Runner() if is_async else None
        self.client: Any = (AsyncReplicate if is_async else Replicate)(api.token, base_url=api.url)
        self.file_type = AsyncFileOutput if is_async else FileOutput

    def __call__(self, result: Any) -> Any:
        """Return a result, which the async client returns as a coroutine."""
        return self._runner.run(result) if self._runner else result

    def collect(self, items: Any) -> list[Any]:
        async def collect() -> list[Any]:
            return [item async for item in items]

        return self._runner.run(collect()) if self._runner else list(items)

    def use(self, ref: str | ModelRef) -> Any:
        return self(self.client.use(ref))

    def operations(self, action: Callable[[], object]) -> list[str | None]:
        """Return the operations that an action requests."""
        count = len(self._api.requests)
        action()
        return [request.operation for request in self._api.requests[count:]]

    def close(self) -> None:
        if self._runner:
            self._runner.run(self.client.aclose())
            self._runner.close()
        else:
            self.client.close()


@pytest.fixture(params=["sync", "async"])
def call(request: pytest.FixtureRequest, api: Emulator) -> Iterator[Caller]:
    caller = Caller(api, request.param == "async")
    yield caller
    caller.close()


def picture(width: int = 8, height: int = 4) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (width, height)).save(file, "PNG")
    return file.getvalue()


def test_the_output_has_the_types_of_the_schema(call: Caller) -> None:
    painted = call(call.use("acme/painter")(prompt="x", width=16, height=16, num_outputs="2"))
    assert [type(item) for item in painted] == [call.file_type] * 2
    assert call(call.use("acme/poet")(prompt="the sea", lines=1)).endswith(".\n")
    assert type(call(call.use("acme/filter")(image=picture()))) is call.file_type
    rows = call(call.use("acme/tiler")(image=picture(), columns=3))
    assert [[type(tile) for tile in row] for row in rows] == [[call.file_type] * 3] * 2
    [first, second] = call(call.use("acme/captioner")(images=[picture()] * 2, captions=["a sea"]))
    assert (type(first["file"]), first["text"], second["text"]) == (call.file_type, "a sea", None)
    find = call.use("acme/finder")
    assert [call(find(text="the sea", word=word)) for word in ("sea", "land")] == [4, None]


def test_inputs_of_every_kind_arrive_as_the_model_takes_them(call: Caller) -> None:
    received = call(
        call.use("acme/inputs")(
            text="word",
            style="bold",
            size="256",
            scale="1.5",
            enabled="false",
            seed=None,
            image=picture(),
            images=[picture(), picture(9)],
            tags=("a", "b"),
            weights={"a": "1"},
            value=2.5,
            token="a secret",
            timeout=7.0,
        )
    )
    assert received["values"] == {
        "text": "word",
        "style": "bold",
        "size": 256,
        "scale": 1.5,
        "enabled": False,
        "tags": ["a", "b"],
        "weights": {"a": 1},
        "value": 2.5,
        "token": "…",
        "timeout": 7,
    }
    assert received["files"] == [len(picture()), len(picture()), len(picture(9))]


@pytest.mark.parametrize("verb", ["__call__", "submit", "stream"])
@pytest.mark.parametrize("ref", ["acme/painter", "acme/poet", f"acme/poet:{NEW_POET}"])
def test_a_mistake_is_refused_before_anything_is_created(call: Caller, ref: str, verb: str) -> None:
    function = call.use(ref)
    receive = call.collect if verb == "stream" else call

    def run() -> None:
        with pytest.raises(InvalidInputError) as caught:
            receive(getattr(function, verb)(promt="the sea"))
        assert [problem.name for problem in caught.value.problems] == ["promt", "prompt"]
        assert "did you mean 'prompt'?" in str(caught.value)

    # A name may stand for another version by now, so the schema is fetched again before an input is refused.
    assert call.operations(run) == (["models.get"] if ref == "acme/painter" else [])


@pytest.mark.parametrize("verb", ["__call__", "stream", "submit"])
def test_inputs_by_position_are_refused(call: Caller, verb: str) -> None:
    poet = call.use("acme/poet")
    with pytest.raises(TypeError, match=r"^poet\(\) takes its inputs by name: write prompt=…$"):
        call(getattr(poet, verb)("the sea"))


def test_use_costs_one_request(call: Caller) -> None:
    assert call.operations(lambda: call.use("acme/painter")) == ["models.get"]
    assert call.operations(lambda: call.use("acme/poet")) == ["models.get"]
    assert call.operations(lambda: call.use(f"acme/poet:{OLD_POET}")) == ["models.versions.get"]
    poet = call.use("acme/poet")
    for _ in range(2):
        assert call.operations(lambda: call(poet(prompt="x", lines=1)))[0] == "predictions.create"
    painter = call.use(ModelRef.parse("https://replicate.com/acme/painter"))
    assert call.operations(lambda: call(painter.submit(prompt="x", width=16))) == ["models.predictions.create"]


def test_a_community_model_runs_the_version_that_was_seen(call: Caller) -> None:
    poet = call.use("acme/poet")
    assert (poet.version, repr(poet).count(NEW_POET)) == (NEW_POET, 0)
    assert call(poet.submit(prompt="x", lines=1)).version == NEW_POET
    old = call.use(f"acme/poet:{OLD_POET}")
    assert [input.name for input in old.inputs] == ["prompt"]
    assert call(old(prompt="violets")) == "Roses are red, violets is too."
    assert call(old.submit(prompt="x")).version == OLD_POET


def test_stream_and_submit(call: Caller) -> None:
    poet = call.use("acme/poet")
    stream = poet.stream(prompt="the sea", lines=1)
    assert "".join(map(str, call.collect(stream))) == stream.text
    assert stream.text.endswith(".\n")
    prediction = call(poet.submit(prompt="the sea", lines=1))
    assert type(prediction) is Prediction
    assert call(call.client.wait(prediction)).input == {"prompt": "the sea", "lines": 1}


def sent_webhook(api: Emulator) -> object:
    """Return the webhook of the newest create."""
    return [request.body for request in api.requests if request.body][-1].get("webhook")


def test_options_have_no_name_in_common_with_inputs(call: Caller, api: Emulator) -> None:
    inputs = call.use("acme/inputs")
    seen: list[Prediction] = []
    watched = inputs.with_options(timeout=60, progress=seen.append).with_options(
        wait=False, webhook="https://127.0.0.1:9/"
    )
    assert watched is not inputs
    assert call(watched(text="word", timeout=5))["values"]["timeout"] == 5
    assert [job.status for job in seen][-1] == "succeeded"
    assert sent_webhook(api) == "https://127.0.0.1:9/"
    call(inputs.submit(text="word"))
    assert sent_webhook(api) is None
    assert call.collect(watched.stream(text="word"))[0].event == "output"
    assert sent_webhook(api) == "https://127.0.0.1:9/"
    call(watched.submit(text="word"))
    assert sent_webhook(api) == "https://127.0.0.1:9/"


def test_options_are_those_of_run_and_are_checked(call: Caller) -> None:
    painter = call.use("acme/painter")
    with pytest.raises(ValueError, match="timeout must be a positive number"):
        call(painter.with_options(timeout=-1)(prompt="x"))
    with pytest.raises(TypeError, match="unexpected keyword argument 'retries'"):
        painter.with_options(retries=1)


@pytest.mark.parametrize(
    ("ref", "error", "message"),
    [
        ("acme/nothing", NotFoundError, "there is no model acme/nothing that this token can run"),
        (f"acme/poet:{'0' * 64}", NotFoundError, "there is no model acme/poet:0000"),
        ("deployments/acme/front-desk", ValueError, "is no model; write 'owner/name'"),
        (NEW_POET, ValueError, "is no model; write 'owner/name' or 'owner/name:version'"),
        ("poet", ValueError, "cannot parse the model reference"),
    ],
)
def test_a_reference_that_is_no_model(call: Caller, ref: str, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call.use(ref)


def test_a_model_without_a_version(call: Caller) -> None:
    call(
        call.client.models.create(
            owner="acme", name=f"new-{call.file_type.__name__}".lower(), visibility="private", hardware="cpu"
        )
    )
    with pytest.raises(NotFoundError, match="has no version to run; push one first"):
        call.use(f"acme/new-{call.file_type.__name__}".lower())


def test_an_example_is_a_prediction(call: Caller, api: Emulator) -> None:
    assert call.use("acme/painter").example is None
    example = call(call.use("acme/hello").submit(text="Ada"))
    api._running_service.state.models["acme/hello"].examples.append(example.id)
    assert call.use("acme/hello").example.input == {"text": "Ada"}


def test_the_kinds_of_functions(api: Emulator) -> None:
    with Replicate(api.token, base_url=api.url) as client:
        assert type(client.use("acme/painter")) is Function

    async def main() -> None:
        async with AsyncReplicate(api.token, base_url=api.url) as client:
            assert type(await client.use("acme/painter")) is AsyncFunction

    asyncio.run(main())
    assert get_type_hints(Replicate.use)["return"] is Function
    assert get_type_hints(AsyncReplicate.use)["return"] is AsyncFunction
