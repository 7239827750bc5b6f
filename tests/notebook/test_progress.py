"""Progress: what the log of a prediction tells, the callback, the bar."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import pytest

from conftest import FakeClock, Harness, ScriptedServer, json_response, prediction
from replicate_api.models import Prediction
from replicate_ext import ModelError, Progress, progress_of


def job(status: str = "processing", **fields: Any) -> Prediction:
    return Prediction.from_dict(prediction(status, **fields))


@pytest.mark.parametrize(
    ("logs", "progress"),
    [
        (" 30%|###       | 3/10\n", Progress(0.3, 3, 10, None)),
        ("  0%|          | 0/50 [00:00<?, ?it/s]", Progress(0.0, 0, 50, None)),
        (" 30%|███       | 15/50 [00:03<00:07,  4.9it/s]\n", Progress(0.3, 15, 50, 7.0)),
        ("50%|#####     | 1/2 [10:00<1:02:03, 9.9s/it]\n", Progress(0.5, 1, 2, 3723.0)),
        ("Denoising:  60%|######    | 6/10 [00:01<00:01]\n", Progress(0.6, 6, 10, 1.0)),
        ("\r 10%|#  | 1/10\r 20%|## | 2/10\r 30%|###| 3/10", Progress(0.3, 3, 10, None)),
        ("10%|#  | 1/10\nsaving\nthe file\n", Progress(0.1, 1, 10, None)),
        ("100%|####| 10/10\n  0%|    | 0/4\n", Progress(0.0, 0, 4, None)),
        ("0%| | 0/0", Progress(0.0, 0, 0, None)),
        ("loading 50% of the weights\n", None),
        ("999%|#| 1/2", None),
        ("", None),
        (None, None),
    ],
)
def test_progress_of_reads_the_last_tqdm_line(logs: str | None, progress: Progress | None) -> None:
    assert progress_of(job(logs=logs)) == progress


def test_progress_of_a_prediction_without_logs() -> None:
    assert progress_of(Prediction.from_dict({"id": "a"})) is None
    assert progress_of(Prediction.from_dict({"id": "a", "logs": {"not": "text"}})) is None


def test_progress_of_huge_logs_reads_only_their_end() -> None:
    assert progress_of(job(logs="10%|#|" + "1" * 1_000_000)) is None
    assert progress_of(job(logs="9" * 1_000_000 + "\n10%|#| 1/10\n")) == Progress(0.1, 1, 10, None)


def test_callback_gets_every_state_and_turns_the_hold_off(harness: Harness) -> None:
    harness.server.respond_with(
        json_response(prediction("starting"), 201),
        json_response(prediction("processing", output="the whole output")),
        json_response(prediction("processing", output="the whole output")),
        json_response(prediction("succeeded", output="the whole output")),
    )
    seen: list[str] = []
    harness.call(harness.client.run("acme/hello", progress=lambda job: seen.append(job.status)))
    assert seen == ["starting", "processing", "processing", "succeeded"]
    assert "prefer" not in harness.server.requests[0].headers


def test_progress_turns_an_explicit_hold_off_too(harness: Harness) -> None:
    harness.server.respond_with(
        json_response(prediction("processing", output="x"), 201), json_response(prediction(output="x"))
    )
    seen: list[str] = []
    harness.call(harness.client.run("acme/hello", wait=10, progress=lambda job: seen.append(job.status)))
    assert seen == ["processing", "succeeded"]
    assert "prefer" not in harness.server.requests[0].headers
    with pytest.raises(ValueError, match="wait must be"):
        harness.call(harness.client.run("acme/hello", wait=999, progress=print))


def test_callback_gets_a_state_that_is_final_from_the_start_once(harness: Harness) -> None:
    harness.server.respond_with(json_response(prediction(output="x"), 201))
    seen: list[str] = []
    harness.call(harness.client.run("acme/hello", progress=lambda job: seen.append(job.status)))
    assert seen == ["succeeded"]


def test_callback_gets_a_failure_once(harness: Harness) -> None:
    harness.server.respond_with(
        json_response(prediction("starting"), 201), json_response(prediction("failed", error="out of memory"))
    )
    seen: list[str] = []
    with pytest.raises(ModelError):
        harness.call(harness.client.run("acme/hello", progress=lambda job: seen.append(job.status)))
    assert seen == ["starting", "failed"]


def test_false_is_no_progress(harness: Harness) -> None:
    harness.server.respond_with(json_response(prediction(output="x"), 201))
    harness.call(harness.client.run("acme/hello", progress=False))
    assert "prefer" in harness.server.requests[0].headers


def test_progress_that_is_no_function_is_rejected(harness: Harness) -> None:
    with pytest.raises(TypeError, match="progress must be a function that takes the prediction, not 1"):
        harness.call(harness.client.run("acme/hello", progress=1))
    assert harness.server.requests == []


def respond_with_a_run(harness: Harness, *, end: dict[str, Any]) -> None:
    harness.server.respond_with(
        json_response(prediction("starting"), 201),
        json_response(prediction("processing", logs="  0%|   | 0/4\n")),
        json_response(prediction("processing", logs=" 25%|#  | 1/4 [00:01<00:03, 1it/s]\n")),
        json_response(prediction("processing", logs=" 25%|#  | 1/4 [00:01<00:03, 1it/s]\n")),
        json_response(end),
    )


def test_true_prints_lines_without_tqdm(
    harness: Harness, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "tqdm", None)
    respond_with_a_run(harness, end=prediction(output="x", metrics={"predict_time": 4.25}))
    harness.call(harness.client.run("acme/hello", progress=True))
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err.splitlines() == [
        "acme/hello starting",
        "acme/hello processing 0% (0/4)",
        "acme/hello processing 25% (1/4), 3 s left",
        "acme/hello succeeded",
    ]


def test_true_shows_a_tqdm_bar(harness: Harness, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("tqdm")
    respond_with_a_run(harness, end=prediction(output="x"))
    harness.call(harness.client.run("acme/hello", progress=True))
    shown = capsys.readouterr().err
    states = [line.strip() for line in shown.split("\r")]
    assert any(line.startswith("acme/hello starting:   0%|") for line in states)
    assert any(line.startswith("acme/hello processing:  25%|") for line in states)
    assert states[-1].startswith("acme/hello succeeded: 100%|")
    assert shown.endswith("\n"), "the bar is closed"


def test_the_bar_of_a_failure_stays_where_it_was(harness: Harness, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("tqdm")
    respond_with_a_run(harness, end=prediction("failed", logs=" 25%|#  | 1/4\n", error="out of memory"))
    with pytest.raises(ModelError):
        harness.call(harness.client.run("acme/hello", progress=True))
    assert capsys.readouterr().err.split("\r")[-1].strip().startswith("acme/hello failed:  25%|")


@pytest.mark.parametrize("error", [KeyboardInterrupt(), RuntimeError("interrupted")])
@pytest.mark.parametrize("verb", ["run", "wait"])
def test_an_interruption_closes_the_bar(
    harness: Harness, capsys: pytest.CaptureFixture[str], error: BaseException, verb: str
) -> None:
    pytest.importorskip("tqdm")
    created = [json_response(prediction("starting"), 201)] if verb == "run" else []
    harness.server.respond_with(
        *created, json_response(prediction("processing")), error, json_response(prediction("canceled"))
    )
    reference = "acme/hello" if verb == "run" else "x0fmfzfcf5rma0cq65c825tcbm"
    with pytest.raises(type(error)) as raised:  # which keeps the frames, and with them the bar, alive
        harness.call(getattr(harness.client, verb)(reference, progress=True))
    shown = capsys.readouterr().err
    assert shown.split("\r")[-1].startswith("acme/hello processing:   0%|")
    assert shown.endswith("\n"), raised


def test_a_cancelled_task_closes_the_bar(
    server: ScriptedServer, clock: FakeClock, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("tqdm")
    harness = Harness(server, clock, is_async=True)
    harness.server.respond_with(json_response(prediction("starting"), 201), json_response(prediction("processing")))

    async def main() -> None:
        task = asyncio.ensure_future(harness.client.run("acme/hello", progress=True))
        while len(harness.server.requests) < 3:
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError) as raised:
            await task
        assert capsys.readouterr().err.endswith("\n"), raised

    asyncio.run(main())


def test_wait_takes_true_too(
    harness: Harness, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "tqdm", None)
    harness.server.respond_with(json_response(prediction("processing")), json_response(prediction(output="x")))
    harness.call(harness.client.wait("x0fmfzfcf5rma0cq65c825tcbm", progress=True))
    assert capsys.readouterr().err == "acme/hello processing\nacme/hello succeeded\n"


def test_control_characters_of_a_server_do_not_reach_the_terminal(
    harness: Harness, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "tqdm", None)
    harness.server.respond_with(json_response(prediction(model="acme/\x1b[31mred\n", output="x"), 201))
    harness.call(harness.client.run("acme/hello", progress=True))
    assert capsys.readouterr().err == "acme/[31mred succeeded\n"


def test_the_emulator_logs_progress_that_is_read(emulator_client: Any) -> None:
    seen: list[Progress | None] = []
    emulator_client.run(
        "acme/sleeper",
        {"seconds": 0.05, "steps": 4},
        poll_interval=0.01,
        progress=lambda job: seen.append(progress_of(job)),
    )
    assert seen[-1] == Progress(1.0, 4, 4, None)
