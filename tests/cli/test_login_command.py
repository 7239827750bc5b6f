"""`login`, `logout` and `whoami`: where a token is kept, and where it never appears."""

from __future__ import annotations

import json
import os
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from cli_process import CommandLine, plain

from replicate_ext._cli import credentials
from replicate_ext.emulator import Emulator

TOKEN = "r8_SecretSecretSecretSecretSecretSecret00"


@pytest.fixture(scope="module")
def api() -> Iterator[Emulator]:
    with Emulator(token=TOKEN) as api:
        yield api


@pytest.fixture
def cli(api: Emulator, tmp_path: Path) -> CommandLine:
    """Return the command line of a user who has not set a token."""
    return CommandLine(api, XDG_CONFIG_HOME=str(tmp_path), REPLICATE_API_TOKEN="")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "replicate-ext/credentials.json"


def test_a_token_from_stdin_is_checked_and_stored(cli: CommandLine, file: Path, api: Emulator) -> None:
    result = cli.call("login", "--json", stdin=f"{TOKEN}\n".encode())
    assert result.code == 0, result.err
    assert {"username": "acme", "token_source": str(file)}.items() <= json.loads(result.out).items()
    assert json.loads(file.read_text()) == {api.url: TOKEN}
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [path.name for path in file.parent.iterdir()] == [file.name]
    assert cli.call("run", "acme/hello", "text=Ada").out == "Hello, Ada!\n"
    who = cli.call("whoami")
    assert who.lines == ["username\tacme", "type\tuser", f"token_source\t{file}"]


def test_the_file_is_created_with_its_mode(cli: CommandLine, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    modes: list[int] = []
    replace = os.replace

    def record(source: Path, target: Path) -> None:
        modes.append(stat.S_IMODE(os.stat(source).st_mode))
        replace(source, target)

    monkeypatch.setattr(credentials.os, "replace", record)
    umask = os.umask(0)
    try:
        assert cli.call("login", stdin=TOKEN.encode()).code == 0
    finally:
        os.umask(umask)
    assert modes == [0o600]
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


def test_a_failed_write_leaves_the_old_file(cli: CommandLine, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file.parent.mkdir()
    file.write_text('{"https://other.example/v1": "kept"}')

    def fail(source: Path, target: Path) -> None:
        raise OSError(28, "No space left on device", str(target))

    with monkeypatch.context() as patch:
        patch.setattr(credentials.os, "replace", fail)
        result = cli.call("login", stdin=TOKEN.encode())
    assert (result.code, result.err) == (2, f"replicate-ext: {file}: No space left on device\n")
    assert [path.name for path in file.parent.iterdir()] == [file.name]
    assert cli.call("login", stdin=TOKEN.encode()).code == 0
    assert len(json.loads(file.read_text())) == 2


def test_a_wrong_token_is_not_stored(cli: CommandLine, file: Path) -> None:
    wrong = "r8_WrongWrongWrongWrongWrongWrongWrong000"
    result = cli.call("login", "--debug", stdin=wrong.encode())
    assert result.code == 4
    assert wrong not in result.out + result.err
    assert not file.exists()


@pytest.mark.parametrize(("stdin", "code"), [(b"", 2), (b" \n", 2), (b"'r8_quotedquotedquoted'", 4), (b"two words", 4)])
def test_what_is_no_token_is_refused_in_one_line(cli: CommandLine, file: Path, stdin: bytes, code: int) -> None:
    result = cli.call("login", stdin=stdin)
    assert (result.code, result.out, result.err.count("\n")) == (code, "", 1)
    assert "quotedquoted" not in result.err
    assert not file.exists()


@pytest.mark.parametrize("arguments", [[TOKEN], [f"--token={TOKEN}"], ["--token", TOKEN], ["local-secret"]])
def test_a_token_is_no_argument(cli: CommandLine, arguments: list[str]) -> None:
    result = cli.call("login", *arguments)
    assert result.code == 2
    assert TOKEN not in result.err
    assert "local-secret" not in result.err


def test_the_prompt_does_not_show_the_token(cli: CommandLine, file: Path) -> None:
    result = cli.run_on_terminal("login", reply=("(not shown): ", f"{TOKEN}\n"))
    assert result.code == 0, result.out
    assert TOKEN not in result.out
    assert "acme" in plain(result.out)
    assert TOKEN in file.read_text()


def test_the_variable_wins_and_is_named(api: Emulator, cli: CommandLine, file: Path) -> None:
    with_variable = CommandLine(api, XDG_CONFIG_HOME=cli.environment["XDG_CONFIG_HOME"])
    note = "REPLICATE_API_TOKEN is set, and is used instead of a stored token: unset it\n"
    assert with_variable.call("login", stdin=TOKEN.encode()).err == note
    assert "token_source\tREPLICATE_API_TOKEN" in with_variable.call("whoami").lines
    assert with_variable.call("logout").err == note
    assert json.loads(file.read_text()) == {}


def test_a_stored_token_is_sent_to_no_other_server(cli: CommandLine) -> None:
    assert cli.call("login", stdin=TOKEN.encode()).code == 0
    result = cli.call("whoami", "--base-url", "http://127.0.0.1:9")
    assert result.code == 4
    assert "run `replicate-ext login`" in result.err


def test_logout_deletes_the_token(cli: CommandLine, file: Path) -> None:
    cli.call("login", stdin=TOKEN.encode())
    assert cli.call("logout").lines == [f"deleted from {file}"]
    assert TOKEN not in file.read_text()
    assert cli.call("whoami").code == 4
    again = cli.call("logout")
    assert (again.code, again.out, again.err) == (0, "", "no token is stored\n")


@pytest.mark.parametrize("content", ["{", "[]"])
@pytest.mark.parametrize("command", ["login", "logout", "whoami"])
def test_a_broken_file_is_named(cli: CommandLine, file: Path, content: str, command: str) -> None:
    file.parent.mkdir()
    file.write_text(content)
    result = cli.call(command, stdin=TOKEN.encode())
    assert result.code == 2
    assert result.err == f"replicate-ext: {file} is not a JSON object: delete it, and run `replicate-ext login` again\n"
    assert file.read_text() == content


FAKE_KEYRING = """
import os, types
class KeyringError(Exception): pass
errors = types.SimpleNamespace(KeyringError=KeyringError)
kept = {}
kind = "works"
def _check():
    if kind == "locked": raise KeyringError("locked")
def get_password(service, name):
    _check()
    return kept.get((service, name))
def set_password(service, name, token):
    _check()
    if kind != "null": kept[service, name] = token
def delete_password(service, name):
    if kind == "read-only": raise KeyringError("read-only")
    del kept[service, name]
"""


@pytest.fixture
def keyring(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[object]:
    folder = tmp_path_factory.mktemp("packages")
    (folder / "keyring.py").write_text(FAKE_KEYRING)
    monkeypatch.syspath_prepend(folder)
    sys.modules.pop("keyring", None)
    import keyring

    yield keyring
    del sys.modules["keyring"]


def test_a_keyring_is_preferred_to_the_file(cli: CommandLine, file: Path, keyring: object) -> None:
    file.parent.mkdir()
    file.write_text(json.dumps({cli.environment["REPLICATE_BASE_URL"]: "an older token"}))
    result = cli.call("login", stdin=TOKEN.encode())
    assert "token_source\tkeyring" in result.lines
    assert [*keyring.kept.values()] == [TOKEN]  # type: ignore[attr-defined]
    assert json.loads(file.read_text()) == {}
    assert "token_source\tkeyring" in cli.call("whoami").lines
    assert cli.call("logout").lines == ["deleted from keyring"]
    assert not keyring.kept  # type: ignore[attr-defined]


@pytest.mark.parametrize("kind", ["locked", "null"])
def test_without_a_working_keyring_the_file_has_the_token(
    cli: CommandLine, file: Path, keyring: object, kind: str
) -> None:
    keyring.kind = kind  # type: ignore[attr-defined]
    assert f"token_source\t{file}" in cli.call("login", stdin=TOKEN.encode()).lines
    assert f"token_source\t{file}" in cli.call("whoami").lines
    assert cli.call("logout").lines == [f"deleted from {file}"]


def test_a_keyring_that_deletes_nothing_is_reported(cli: CommandLine, keyring: object) -> None:
    cli.call("login", stdin=TOKEN.encode())
    keyring.kind = "read-only"  # type: ignore[attr-defined]
    result = cli.call("logout")
    assert result.code == 2
    assert result.err == (
        "replicate-ext: the keyring did not delete the token (read-only): delete 'replicate-ext' there\n"
    )


def test_the_token_is_in_no_process_list_and_no_output(cli: CommandLine, api: Emulator) -> None:
    process = cli.start("login", "--debug")
    assert process.stdin is not None
    process.stdin.write(TOKEN.encode())
    process.stdin.flush()  # it waits for the rest
    shown = psutil.Process(process.pid)
    while not shown.cmdline():  # the kernel lets the parent go on before the arguments of the child are in place
        assert process.poll() is None
    assert shown.cmdline()[-2:] == ["login", "--debug"]
    assert TOKEN not in f"{shown.cmdline()} {shown.environ()}"
    out, err = process.communicate(timeout=20)
    assert process.returncode == 0
    for arguments in (["whoami", "--debug"], ["whoami", "--json"], ["run", "acme/nothing", "--debug"]):
        result = cli.call(*arguments)
        out, err = out + result.out.encode(), err + result.err.encode()
    assert b"Traceback" in err
    assert TOKEN.encode() not in out + err


def test_a_credential_does_not_show_its_token() -> None:
    assert TOKEN not in f"{credentials.Credential(TOKEN, 'keyring')!r} {credentials.Credential(TOKEN, 'keyring')}"


def test_a_wrong_token_is_named_by_its_place(api: Emulator) -> None:
    result = CommandLine(api, REPLICATE_API_TOKEN="r8_wrong").call("account")
    assert result.code == 4
    assert "; the token comes from REPLICATE_API_TOKEN; your tokens are at https://replicate.com/account/" in result.err
