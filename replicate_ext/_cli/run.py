"""`run`, `stream`, `submit` and `wait`: one prediction from its input to its output."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import click

from . import parameters
from .context import App, command
from .inputs import InputArguments, find_schema
from .jobs import attend, wait_for
from .live import show_status
from .saving import Destination, deliver

if TYPE_CHECKING:
    from replicate_api.models import Prediction

    from .._models.schema import ModelSchema


@command("run acme/hello text=Ada", "run acme/painter prompt='a lighthouse' -o pictures/")
@parameters.model
@parameters.inputs
@parameters.destination
@parameters.show
@parameters.timeout
def run(
    app: App, model: str, inputs: InputArguments, destination: Destination | None, show: bool, **limits: Any
) -> None:
    """Run a model, and print its output.

    Files of the output are printed as URLs, which expire after one hour; -o saves them, and prints the paths.
    """
    job, schema = _submit(app, model, inputs)
    is_text = schema is not None and schema.output.kind == "text"
    if is_text and app.output.is_terminal and destination is None and not app.output.is_json:
        _print_stream(app, job, **limits)
    else:
        deliver(app, wait_for(app, job, destination, **limits), destination, show=show)


@command("stream acme/poet prompt='the sea'", "stream acme/poet prompt='the sea' --jsonl")
@parameters.model
@parameters.inputs
@parameters.timeout
def stream(app: App, model: str, inputs: InputArguments, **limits: Any) -> None:
    """Run a model, and print its output as it arrives.

    --jsonl prints the events: output, logs, error, done; --json the prediction after the last one.
    """
    job, _ = _submit(app, model, inputs)
    _print_stream(app, job, **limits)


@command("submit acme/sleeper seconds=60", "submit acme/hello --input input.json --webhook https://example.com/hook")
@parameters.model
@parameters.inputs
@click.option("--webhook", metavar="URL", help="Where Replicate sends events of the prediction.")
def submit(app: App, model: str, inputs: InputArguments, webhook: str | None) -> None:
    """Create a prediction, and print its id.

    It continues without this process: `wait` prints its output.
    """
    job, _ = _submit(app, model, inputs, webhook=webhook)
    if app.output.is_json:
        app.output.record(job)
    else:
        app.output.line(job.id)


@command("wait ufawqhfynnddngldkgtslldrkq", "wait ufawqhfynnddngldkgtslldrkq -o pictures/ --timeout 60")
@click.argument("id")
@parameters.destination
@parameters.show
@parameters.timeout
def wait(app: App, id: str, destination: Destination | None, show: bool, **limits: Any) -> None:
    """Wait for a prediction, and print its output.

    Also after `run --timeout`, and in another process than `submit`.
    """
    deliver(app, wait_for(app, app.client.predictions.get(id), destination, **limits), destination, show=show)


def _submit(app: App, model: str, inputs: InputArguments, **options: Any) -> tuple[Prediction, ModelSchema | None]:
    """Create a prediction; return it and the model's schema, if that is known."""
    schema = find_schema(app.client, model)
    job = app.client.submit(model, inputs.convert(schema), **options)
    if schema is None:
        app.output.note(f"the schema of {model} could not be fetched, so the inputs were not checked")
    return job, schema


def _print_stream(app: App, job: Prediction, timeout: float | None = None, cancel_on_timeout: bool = False) -> None:
    events, output = app.client.stream(job, timeout=timeout, cancel_on_exit=False), app.output
    attendance = attend(app, job, cancel_on_timeout=cancel_on_timeout, prints_failure=not output.is_lines)
    with attendance, ExitStack() as status:
        if update := status.enter_context(show_status(output)):
            update(job)
        for event in events:
            if output.is_lines:
                output.json({"event": event.event, "data": event.data, "id": event.id})
            elif event.event == "output" and not output.is_json:
                status.close()
                output.text(str(event))
    if not output.is_json:
        output.end_line()
    elif not output.is_lines:
        output.record(events.prediction)
