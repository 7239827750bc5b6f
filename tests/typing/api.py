"""Never executed: pins the types that users see. Checked by mypy --strict and by pyright in strict mode."""

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from inspect import Signature, signature
from pathlib import Path
from typing import Any, assert_type

import replicate_ext
from replicate_api import Client
from replicate_api.api.models import models_search
from replicate_api.api.predictions import predictions_get
from replicate_api.models import PageOfModels, PredictionUrls, WebhookSecret
from replicate_api.types import Response
from replicate_ext import (
    Account,
    AsyncBatch,
    AsyncFileOutput,
    AsyncFunction,
    AsyncReplicate,
    AsyncStream,
    Batch,
    BatchStoppedError,
    Event,
    File,
    FileOutput,
    Function,
    Hardware,
    InvalidInputError,
    Item,
    Model,
    ModelError,
    Page,
    Prediction,
    PredictionStatus,
    Progress,
    RateLimitError,
    Replicate,
    Report,
    Status,
    Stream,
    Training,
    Version,
    WaitTimeoutError,
    progress_of,
)


class DataFrame:
    """As polars has it."""

    @property
    def columns(self) -> list[str]:
        return ["text"]

    def __iter__(self) -> Iterator[int]:
        return iter([1])


def blocking(client: Replicate) -> None:
    assert_type(client.account.get(), Account)
    assert_type(client.run("acme/hello", {"text": "hi"}, wait=5, timeout=60.0), Any)
    client.run("acme/hello", progress=True)
    client.run("acme/hello", progress=lambda job: assert_type(progress_of(job), Progress | None))
    assert_type(client.predictions.create(version="acme/hello", input={"text": "hi"}, prefer="wait"), Prediction)
    assert_type(client.predictions.get("id"), Prediction)
    assert_type(client.predictions.list(created_after=datetime.now(UTC)), Iterator[Prediction])
    assert_type(client.models.get("acme", "hello"), Model)
    assert_type(client.models.get("acme/hello"), Model)
    assert_type(client.models.versions.get("acme/hello", "v"), Version)
    assert_type(client.models.versions.get(client.models.get("acme/hello"), version_id="v"), Version)
    assert_type(client.predictions.cancel(client.predictions.get("id")), Prediction)
    assert_type(client.files.create(content=Path("cat.png")), File)
    assert_type(client.models.list(sort_by="model_created_at", sort_direction="asc"), Iterator[Model])
    assert_type(client.models.search("hello"), Iterator[Model])
    for page in client.paginate(client.models.list, limit=10, sort_direction="asc"):
        assert_type(page, Page[Model])
    assert_type(client.models.create(owner="a", name="b", visibility="private", hardware="cpu"), Model)
    assert_type(client.models.versions.get("acme", "hello", "v"), Version)
    assert_type(client.models.readme.get("acme", "hello"), str)
    assert_type(client.models.delete("acme", "hello"), None)
    assert_type(client.files.create(content=b"x"), File)
    assert_type(client.files.create(content=b"x", progress=True), File)
    client.files.create(content=b"x", progress=lambda sent, total: print(sent / (total or 1)))
    client.files.create(content=b"x", progress=1)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    assert_type(client.submit("acme/hello", {"image": Path("cat.png")}, progress=True), Prediction)
    assert_type(client.stream("acme/hello", {"image": Path("cat.png")}, progress=True), Stream)
    assert_type(client.files.download("f", owner="me", expiry=1, signature="s"), bytes)
    assert_type(client.hardware.list(), list[Hardware])
    assert_type(client.webhooks.default.secret.get(), WebhookSecret)
    assert_type(client.stream("acme/poet", {"prompt": "x"}), Stream)
    for event in client.stream("acme/poet"):
        assert_type(event, Event)
    assert_type(client.submit("acme/hello", {"text": "hi"}), Prediction)
    assert_type(client.output(client.wait("id")), Any)
    assert_type(client.stream(client.predictions.get("id"), timeout=60), Stream)
    assert_type(client.wait("id"), Prediction)
    assert_type(client.wait(client.predictions.get("id"), timeout=5), Prediction)
    assert_type(client.wait(client.trainings.get("id")), Training)
    assert_type(client.request("GET", "/account"), Any)
    assert_type(client.with_options(timeout=5, max_retries=0, max_rate_limit_wait=None), Replicate)
    assert_type(predictions_get.sync("id", client=client.api), Prediction)
    assert_type(predictions_get.sync_detailed("id", client=client.api), Response[Prediction])
    assert_type(models_search.sync(body="x", client=client.api), PageOfModels)


async def awaited(client: AsyncReplicate) -> None:
    assert_type(await client.account.get(), Account)
    assert_type(await client.run("acme/hello", {"text": "hi"}), Any)
    assert_type(await client.predictions.create(version="acme/hello", input={}), Prediction)
    assert_type(client.predictions.list(), AsyncIterator[Prediction])
    async for page in client.paginate(client.predictions.list, created_after=datetime.now(UTC)):
        assert_type(page, Page[Prediction])
    assert_type(client.stream("acme/poet"), AsyncStream)
    assert_type(await client.wait(await client.trainings.get("id")), Training)
    assert_type(await client.wait("id"), Prediction)
    assert_type(await client.submit("acme/hello"), Prediction)
    assert_type(await client.files.create(content=b"x", progress=True), File)
    assert_type(await client.output(await client.wait("id")), Any)
    assert_type(client.with_options(headers={"X-Team": "a"}), AsyncReplicate)
    assert_type(await client.request("POST", "/files", files={"content": b"x"}), Any)
    assert_type(await predictions_get.asyncio("id", client=client.api), Prediction)


def functions(client: Replicate) -> None:
    poet = client.use("acme/poet")
    assert_type(poet, Function)
    assert_type(poet.with_options(timeout=5, wait=False), Function)
    assert_type(poet(prompt="the sea", lines=2), Any)
    assert_type(poet.stream(prompt="the sea"), Stream)
    assert_type(poet.submit(prompt="the sea"), Prediction)
    assert_type([input.name for input in poet.inputs], list[str])
    assert_type(poet.example, Prediction | None)
    assert_type(poet.json_schema("openai"), dict[str, Any])
    assert_type(replicate_ext.use("acme/poet"), Function)
    assert_type(poet.row(prompt="the sea"), dict[str, Any])
    assert_type(poet.map([poet.row(prompt="the sea")], "runs", max_creates=9, progress=True), Batch)
    poet.map("rows.csv", "runs", timeout=5)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]


async def async_functions(client: AsyncReplicate) -> None:
    poet = await client.use("acme/poet")
    assert_type(poet, AsyncFunction)
    assert_type(await poet(prompt="the sea"), Any)
    assert_type(poet.stream(prompt="the sea"), AsyncStream)
    assert_type(await poet.submit(prompt="the sea"), Prediction)
    assert_type(poet.map([poet.row(prompt="the sea")], Path("runs"), check=False), AsyncBatch)


def batches(client: Replicate, table: DataFrame, report: Report) -> None:
    batch = client.map("acme/hello", [{"text": "a"}], "runs", price=lambda job: len(assert_type(job, Prediction).id))
    assert_type(batch, Batch)
    for item in batch:
        assert_type(item, Item)
        assert_type(item.paths, list[Path])
        assert_type(item.error, str | None)
    assert_type(batch.results(), Iterator[Item])
    assert_type(batch.report(), Report)
    assert_type(batch.status(), Status)
    assert_type(batch.export("runs.csv"), Path)
    assert_type(batch.cancel(), Report)
    assert_type(batch.stop(), None)
    assert_type(Batch.open("runs", client), Batch)
    assert_type(batch.resume(max_creates=9, then=lambda item: assert_type(item, Item).output), Batch)
    assert_type(batch.retry(failed=False, uncertain=True, progress=lambda status: print(status.rate)), Batch)
    assert_type(Report.merge([report, batch.report()]), Report)
    assert_type(replicate_ext.map("acme/hello", Path("rows.jsonl"), Path("runs"), shard=(0, 2)), Batch)
    client.map("acme/hello", table, "runs", on_error="raise")
    client.map("acme/hello", 3, "runs")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    batch.resume(timeout=3)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]


async def async_batches(client: AsyncReplicate) -> None:
    batch = client.map("acme/hello", ({"text": text} for text in "ab"), "runs")
    assert_type(batch, AsyncBatch)
    async for item in batch:
        assert_type(item, Item)
    assert_type(batch.results(), AsyncIterator[Item])
    assert_type(await batch.cancel(), Report)
    assert_type(Batch.open("runs", client), AsyncBatch)
    assert_type(AsyncBatch.open("runs", client).resume(), AsyncBatch)


def data(prediction: Prediction, training: Training, model: Model) -> None:
    assert_type(prediction.id, str)
    assert_type(prediction.status, PredictionStatus)
    assert_type(prediction.input, dict[str, Any])
    assert_type(prediction.urls, PredictionUrls)
    assert_type(prediction.started_at, datetime | None)
    assert_type(prediction.data_removed, bool | None)
    assert_type(dict(prediction), dict[str, Any])
    assert_type(training.id, str)
    assert_type(training.error, str | None)
    assert_type(model.owner, str)
    assert_type(model.latest_version, Version | None)


def files(output: FileOutput) -> None:
    assert_type(output.url, str)
    assert_type(output.read(), bytes)
    assert_type(output.save("x.png"), Path)
    assert_type(output.save("x.png", progress=lambda done, total: print(done + (total or 0))), Path)
    for chunk in output.iter_bytes():
        assert_type(chunk, bytes)
    for character in output:
        assert_type(character, str)


def saved(client: Replicate, prediction: Prediction, output: FileOutput) -> None:
    assert_type(client.save(prediction, "folder"), list[Path])
    assert_type(client.save([prediction.output, output, "https://x.example/y"], Path("folder")), list[Path])
    assert_type(replicate_ext.save({"a": prediction}, "folder"), list[Path])


async def async_files(output: AsyncFileOutput) -> None:
    assert_type(await output.read(), bytes)
    async for chunk in output.aiter_bytes():
        assert_type(chunk, bytes)


def errors(client: Replicate) -> None:
    try:
        client.run("acme/hello")
    except ModelError as error:
        assert_type(error.prediction, Prediction | Training)
    except BatchStoppedError as error:
        assert_type(error.reason, str)
    except InvalidInputError as error:
        assert_type([problem.name for problem in error.problems], list[str])
    except RateLimitError as error:
        assert_type(error.retry_after, float | None)
    except WaitTimeoutError as error:
        assert_type(error.prediction, Prediction | Training | None)


def module_level() -> None:
    assert_type(replicate_ext.run("acme/hello"), Any)
    assert_type(replicate_ext.predictions.get("id"), Prediction)
    assert_type(replicate_ext.wait("id"), Prediction)
    assert_type(replicate_ext.webhooks.default.secret.get(), WebhookSecret)


def low_level(client: Client) -> None:
    assert_type(predictions_get.sync("id", client=client), Prediction)


def classes() -> None:
    for function in (Replicate.run, Replicate.wait, Replicate.stream, AsyncReplicate.paginate, AsyncReplicate.search):
        assert_type(signature(function), Signature)
