"""The exit code of each kind of error, and its line on stderr."""

from __future__ import annotations

from pathlib import Path

import click
import pytest
from cli_process import CommandLine, command_fixture, emulator_fixture

from conftest import TOKEN
from replicate_api.models import Prediction
from replicate_ext import errors
from replicate_ext._cli.exit_codes import UnusableResultError, exit_code
from replicate_ext._cli.termination import Terminated
from replicate_ext.emulator import Emulator

api = emulator_fixture()
cli = command_fixture()


def with_cause(cause: BaseException | None) -> errors.BatchStoppedError:
    error = errors.BatchStoppedError("stopped")
    error.__cause__ = cause
    return error


JOB = Prediction.from_dict({"id": "a", "status": "failed", "urls": {}})


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.ModelError(JOB), 1),
        (errors.PredictionCanceledError(JOB), 1),
        (errors.PredictionAbortedError(JOB), 1),
        (errors.StreamError("lost"), 1),
        (errors.WebhookSignatureError("forged"), 1),
        (UnusableResultError("two files"), 1),
        (with_cause(None), 1),
        (with_cause(RuntimeError()), 1),
        (click.UsageError("no"), 2),
        (errors.InvalidInputError([errors.Problem("a", "b")]), 2),
        (errors.BatchLockedError("locked"), 2),
        (ValueError("no"), 2),
        (TypeError("no"), 2),
        (FileNotFoundError("no"), 2),
        (ImportError("no"), 2),
        (errors.APIStatusError(409), 3),
        (errors.InvalidRequestError(422), 3),
        (errors.NotFoundError(404), 3),
        (errors.PermissionDeniedError(403), 3),
        (errors.ResponseDecodeError("no"), 3),
        (errors.AuthenticationError(401), 4),
        (errors.PaymentRequiredError(402), 4),
        (with_cause(errors.PaymentRequiredError(402)), 4),
        (errors.APIConnectionError("no"), 5),
        (errors.APITimeoutError("no"), 5),
        (errors.ServerError(503), 5),
        (errors.RateLimitError(429), 5),
        (errors.WaitTimeoutError("late"), 124),
        (KeyboardInterrupt(), 130),
        (click.Abort(), 130),
        (BrokenPipeError(), 141),
        (Terminated(), 143),
        (RuntimeError("a bug"), None),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else str(value),
)
def test_exit_code(error: BaseException, code: int | None) -> None:
    assert exit_code(error) == code


def test_every_error_of_the_package_has_an_exit_code() -> None:
    pending = [errors.ReplicateError]
    while pending:
        cls = pending.pop()
        pending += cls.__subclasses__()
        assert exit_code(cls.__new__(cls)) in (1, 2, 3, 4, 5, 124)


def test_a_failed_prediction_is_one_line_with_its_error_and_its_page(cli: CommandLine) -> None:
    code, out, err = cli.call("run", "acme/broken", "message=no luck")
    assert (code, out, err.count("\n")) == (1, "", 1)
    assert " failed: no luck; see http" in err


@pytest.mark.parametrize(
    ("arguments", "code", "error"),
    [
        (["run"], 2, "replicate-ext run: missing argument 'MODEL' (--help lists the arguments)"),
        (["run", "acme/hello", "--nothing"], 2, "replicate-ext run: no such option"),
        (["rnu"], 2, "replicate-ext: there is no command 'rnu'; did you mean `run`?"),
        (["run", "acme/hello", "--timeout", "0"], 2, "replicate-ext run: invalid value for '--timeout'"),
        (
            ["run", "acme/hello", "--timeout", "a"],
            2,
            "replicate-ext run: invalid value for '--timeout': 'a' is not a valid number (",
        ),
        (
            ["emulator", "--chaos", "a"],
            2,
            "replicate-ext emulator: invalid value for '--chaos': 'a' is not a valid number (",
        ),
        (
            ["files", "list", "--limit", "a"],
            2,
            "replicate-ext files list: invalid value for '--limit': 'a' is not a valid integer (",
        ),
        (["run", "hello"], 2, "replicate-ext: cannot parse the model reference 'hello'"),
        (["run", "acme/nothing", "a=b"], 3, "replicate-ext: GET /models/acme/nothing: 404"),
        (["wait", "nothing"], 3, "replicate-ext: GET /predictions/nothing: 404"),
        (["wait", "a", "--base-url", "ftp://x"], 2, "replicate-ext: base_url must be an http(s) URL"),
        (["wait", "a", "--base-url", "http://127.0.0.1:9/v1"], 5, "replicate-ext: GET /predictions/a: "),
    ],
)
def test_an_error_is_one_line(cli: CommandLine, arguments: list[str], code: int, error: str) -> None:
    result = cli.call(*arguments)
    assert (result.code, result.out) == (code, "")
    assert result.err.startswith(error)
    assert result.err.count("\n") == 1


def test_a_token_that_is_missing_wrong_or_without_credit(api: Emulator) -> None:
    missing = CommandLine(api, REPLICATE_API_TOKEN="").call("run", "acme/hello", "text=a")
    assert (missing.code, missing.err.count("\n")) == (4, 1)
    assert "set the environment variable REPLICATE_API_TOKEN, or run `replicate-ext login`" in missing.err
    wrong = CommandLine(api, REPLICATE_API_TOKEN=TOKEN).call("run", "acme/hello", "text=a")
    assert wrong.code == 4
    assert TOKEN not in wrong.err
    api.faults.fail_next(402, path="/v1/models/acme/hello/predictions")
    assert CommandLine(api).call("run", "acme/hello", "text=a").code == 4


def test_a_token_in_an_argument_is_not_repeated(cli: CommandLine) -> None:
    result = cli.call("run", "acme/hello", "--token", TOKEN, f"--api-{TOKEN}", TOKEN)
    assert result.code == 2
    assert TOKEN not in result.err


def test_a_stored_token_is_used_for_its_server_only(api: Emulator, tmp_path: Path) -> None:
    file = tmp_path / "replicate-ext/credentials.json"
    file.parent.mkdir()
    file.write_text(f'{{"{api.url}": "{api.token}"}}')
    cli = CommandLine(api, REPLICATE_API_TOKEN="", XDG_CONFIG_HOME=str(tmp_path))
    assert cli.call("run", "acme/hello", "text=a").code == 0
    assert cli.call("run", "acme/hello", "text=a", "--base-url", "http://127.0.0.1:9/v1").code == 4


def test_debug_shows_the_traceback(cli: CommandLine) -> None:
    assert "Traceback" not in cli.call("wait", "nothing").err
    result = cli.call("wait", "nothing", "--debug")
    assert result.err.startswith("Traceback")
    assert result.err.splitlines()[-1].startswith("replicate-ext: GET /predictions/nothing: 404")
