"""`completion`, and what shells get through its protocol: the words in the environment, the candidates on stdout."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from cli_process import CommandLine, emulator_fixture

from replicate_ext._predictions.disk_cache import DiskCache, default_folder
from replicate_ext._sansio.base_url import DEFAULT_BASE_URL
from replicate_ext.emulator import Emulator

SHELLS = ["bash", "zsh", "fish"]
POET = {
    "prompt": {"type": "string", "description": "What: to write about\nin words"},
    "lines": {"type": "integer"},
    "words": {"type": "array", "items": {"type": "string"}},
}


def schema(properties: dict[str, object]) -> dict[str, object]:
    return {"components": {"schemas": {"Input": {"type": "object", "properties": properties}}}}


api = emulator_fixture()


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Return the environment of a user for whom acme/poet has run, in a folder with a lock of acme/locked."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder = default_folder(DEFAULT_BASE_URL)
    assert folder is not None
    cache = DiskCache(folder)
    cache.write("names", "acme/poet", {"version": "a" * 64})
    cache.write("names", "acme/painter", {"version": "b" * 64})
    cache.write("names", "acme/$(oops)", {"version": "b" * 64})
    cache.write("versions", "a" * 64, {"openapi_schema": schema(POET), "cog_version": None})
    locked = {"description": "Locks:\x1b[31m all", "version": "c" * 64, "schema": schema({"key": {"type": "string"}})}
    (tmp_path / "models.lock").write_text(json.dumps({"lock_version": 1, "models": {"acme/locked": locked}}))
    (tmp_path / "poetry.lock").write_text("[[package]]")
    monkeypatch.chdir(tmp_path)
    return {"XDG_CACHE_HOME": str(tmp_path / "cache"), "REPLICATE_BASE_URL": ""}


@pytest.fixture
def complete(api: Emulator, environment: dict[str, str]) -> Callable[..., dict[str, str]]:
    """Return a function that completes the last word as a shell asks for it, and returns candidates and their help."""

    def complete(*words: str, shell: str = "zsh") -> dict[str, str]:
        number = words[-1] if shell == "fish" else str(len(words))
        protocol = {
            "_REPLICATE_EXT_COMPLETE": f"{shell}_complete",
            "COMP_WORDS": " ".join(("replicate-ext", *words)),
            "COMP_CWORD": number,
        }
        result = CommandLine(api, **environment, **protocol).call()
        assert (result.code, result.err) == (0, "")
        return parse(shell, result.lines)

    return complete


def parse(shell: str, lines: list[str]) -> dict[str, str]:
    lines = [*filter(None, lines)]
    if shell == "zsh":
        return {value.replace("\\:", ":"): text for _, value, text in zip(*[iter(lines)] * 3, strict=True)}
    values = [line.partition(",")[2].partition("\t") for line in lines]
    return {value: text for value, _, text in values}


@pytest.mark.parametrize("shell", SHELLS)
def test_commands_and_options(complete: Callable[..., dict[str, str]], shell: str) -> None:
    assert {"run", "stream", "models", "login", "completion"} <= complete("", shell=shell).keys()
    assert {*complete("wh", shell=shell)} == {"whoami"}
    assert {"add", "update", "check"} <= complete("models", "", shell=shell).keys()
    assert {*complete("run", "--cancel", shell=shell)} == {"--cancel-on-timeout"}
    assert {*complete("completion", "", shell=shell)} == {*SHELLS}


@pytest.mark.parametrize("shell", SHELLS)
def test_models_from_the_cache_and_the_lock(complete: Callable[..., dict[str, str]], shell: str) -> None:
    assert [*complete("run", "", shell=shell)] == ["acme/locked", "acme/painter", "acme/poet"]
    assert [*complete("stream", "--timeout", "5", "acme/p", shell=shell)] == ["acme/painter", "acme/poet"]
    if shell != "bash":  # which shows no help
        assert complete("run", "acme/l", shell=shell)["acme/locked"] == r"Locks:\x1b[31m all"


@pytest.mark.parametrize("shell", SHELLS)
def test_inputs_of_a_model(complete: Callable[..., dict[str, str]], shell: str) -> None:
    assert [*complete("run", "acme/poet", "", shell=shell)] == ["prompt=", "lines=", "words="]
    assert [*complete("run", f"acme/poet:{'a' * 64}", "l", shell=shell)] == ["lines="]
    assert [*complete("run", "acme/poet", "words=a", "lines:=2", "-q", "", shell=shell)] == ["prompt=", "words="]
    assert [*complete("submit", "acme/locked", "", shell=shell)] == ["key="]
    assert not complete("run", "acme/unknown", "", shell=shell)
    assert not complete("run", f"acme/locked:{'d' * 64}", "", shell=shell)


def test_the_help_of_an_input_is_one_line(complete: Callable[..., dict[str, str]]) -> None:
    assert complete("run", "acme/poet", "") == {
        "prompt=": "string: What: to write about",
        "lines=": "integer",
        "words=": "array",
    }


@pytest.mark.parametrize("words", [["prompt=th"], ["prompt", "="], ["prompt", "=", "th"], ["lines", ":=", "2"]])
def test_a_value_is_not_completed_by_names(complete: Callable[..., dict[str, str]], words: list[str]) -> None:
    assert not complete("run", "acme/poet", *words, shell="bash")


def test_a_base_url_has_models_of_its_own(complete: Callable[..., dict[str, str]]) -> None:
    assert [*complete("run", "--base-url", "https://gateway.example/v1", "")] == ["acme/locked"]
    assert [*complete("run", "--base-url", "wrong", "")] == ["acme/locked"]


def test_a_default_command_completes_in_its_group(
    complete: Callable[..., dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    from replicate_ext._cli.commands import COMMANDS, DEFAULTS

    monkeypatch.setitem(COMMANDS, "models run", COMMANDS["run"])
    monkeypatch.setitem(DEFAULTS, "models", "run")
    assert [*complete("models", "acme/p")] == ["acme/painter", "acme/poet"]
    assert [*complete("models", "acme/poet", "l")] == ["lines="]


@pytest.mark.parametrize("text", ["{", "[]", '{"lock_version": 1}', '{"lock_version": 1, "models": {"a/b": 1}}'])
def test_a_broken_lock_completes_nothing(complete: Callable[..., dict[str, str]], text: str) -> None:
    Path("models.lock").write_text(text)
    assert [*complete("run", "")] == ["acme/painter", "acme/poet"]
    assert not complete("run", "a/b", "")


def test_no_request_is_sent_and_nothing_of_the_http_stack_is_loaded(api: Emulator, environment: dict[str, str]) -> None:
    protocol = {"_REPLICATE_EXT_COMPLETE": "bash_complete", "COMP_WORDS": "x run acme/poet ", "COMP_CWORD": "3"}
    code = "import sys; from replicate_ext.__main__ import main; main([]); print(*sys.modules)"
    variables = os.environ | environment | protocol
    process = subprocess.run([sys.executable, "-c", code], env=variables, check=True, capture_output=True, text=True)
    *candidates, loaded = process.stdout.splitlines()
    assert candidates == ["plain,prompt=", "plain,lines=", "plain,words="]
    assert not {"httpx", "ssl", "asyncio", "attr", "rich", "socket", "replicate_api.types"} & {*loaded.split()}
    assert not api.requests


@pytest.mark.parametrize("shell", SHELLS)
def test_the_script_of_a_shell(api: Emulator, shell: str) -> None:
    cli = CommandLine(api)
    script = cli.call("completion", shell).out
    assert f"_REPLICATE_EXT_COMPLETE={shell}_complete" in script
    assert json.loads(cli.call("completion", shell, "--json").out) == {"shell": shell, "script": script}
    assert ("-S ''" if shell == "zsh" else "compopt -o nospace") in script or shell == "fish"
    if program := shutil.which(shell):
        subprocess.run([program, "-n"], input=script, text=True, check=True)  # its syntax


def test_bash_completes_by_the_script(api: Emulator, environment: dict[str, str]) -> None:
    program = shutil.which("bash") or pytest.skip("bash is not installed")
    script = CommandLine(api).call("completion", "bash").out
    code = f"""
        replicate-ext() {{ :; }}; env() {{ command env "${{@:1:3}}" {sys.executable} -m replicate_ext; }}
        compopt() {{ echo "$2"; }}
        {script}
        COMP_WORDS=(replicate-ext run acme/poet l) COMP_CWORD=3
        _replicate_ext_completion replicate-ext
        echo "${{COMPREPLY[@]}}"
    """
    variables = os.environ | environment
    process = subprocess.run([program, "-c", code], env=variables, capture_output=True, text=True, check=True)
    assert process.stdout.splitlines() == ["nospace", "lines="]


def test_an_unknown_shell_is_refused(api: Emulator) -> None:
    result = CommandLine(api).call("completion", "tcsh")
    assert result.code == 2
    assert "'bash', 'zsh', 'fish'" in result.err
