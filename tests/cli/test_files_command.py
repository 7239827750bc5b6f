"""`replicate-ext files`: put, list, get, download and delete."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from api_schemas import check
from cli_process import CommandLine, command_fixture, emulator_fixture

from conftest import folder_contents
from replicate_ext.emulator import Emulator

api = emulator_fixture()
cli = command_fixture()


@pytest.fixture
def paths(tmp_path: Path) -> list[Path]:
    (tmp_path / "cat.png").write_bytes(b"\x89PNG")
    (tmp_path / "notes.txt").write_text("some notes")
    return [tmp_path / "cat.png", tmp_path / "notes.txt"]


@pytest.fixture
def ids(cli: CommandLine, paths: list[Path]) -> Iterator[list[str]]:
    ids = cli.call("files", "put", *paths, "-q").lines
    yield ids
    cli.call("files", "delete", *ids)


# put


def test_put_uploads_files_and_prints_ids_and_urls(cli: CommandLine, api: Emulator, paths: list[Path]) -> None:
    rows = [line.split("\t") for line in cli.call("files", "put", *paths).lines]
    assert [row[1:4] for row in rows] == [
        [f"{api.url}/files/{rows[0][0]}", "cat.png", "4"],
        [f"{api.url}/files/{rows[1][0]}", "notes.txt", "10"],
    ]
    assert cli.call("run", "acme/hello", f"text={rows[0][1]}").code == 0


def test_put_as_json_is_an_object_or_for_several_files_an_array(cli: CommandLine, paths: list[Path]) -> None:
    one = json.loads(cli.call("files", "put", paths[0], "--json").out)
    assert (one["name"], one["content_type"], one["size"]) == ("cat.png", "image/png", 4)
    check(one, "file")
    several = json.loads(cli.call("files", "put", *paths, "--json").out)
    assert [file["name"] for file in several] == ["cat.png", "notes.txt"]
    lines = cli.call("files", "put", *paths, "--jsonl").lines
    assert [json.loads(line)["name"] for line in lines] == ["cat.png", "notes.txt"]


def test_put_reads_standard_input_under_a_name(cli: CommandLine) -> None:
    file = json.loads(cli.call("files", "put", "-", "--name", "dog.webp", "--json", stdin=b"\0woof\xff").out)
    assert (file["name"], file["content_type"]) == ("dog.webp", "image/webp")
    assert file["checksums"]["sha256"] == hashlib.sha256(b"\0woof\xff").hexdigest()


def test_put_renames_a_file(cli: CommandLine, paths: list[Path]) -> None:
    file = json.loads(cli.call("files", "put", paths[1], "--name", "data.json", "--json").out)
    assert (file["name"], file["content_type"]) == ("data.json", "application/json")


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["-"], "standard input has no name: write --name, for example --name picture.png"),
        (["{0}", "{1}", "--name", "a"], "--name is for one file, not for 2"),
        (["{0}", "{0}.missing"], "'{0}.missing' does not exist"),
        ([], "missing argument 'PATH...'"),
    ],
)
def test_put_refuses_what_is_wrong_before_anything_is_sent(
    cli: CommandLine, api: Emulator, paths: list[Path], arguments: list[str], text: str
) -> None:
    before = len(api.requests)
    code, out, err = cli.call("files", "put", *(argument.format(*paths) for argument in arguments))
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert text.format(*paths) in err
    assert len(api.requests) == before


def test_put_shows_a_bar_on_a_terminal(cli: CommandLine, paths: list[Path]) -> None:
    result = cli.call("files", "put", *paths, is_terminal=True)
    assert "100%" in result.err
    assert "cat.png" in result.out
    assert cli.call("files", "put", *paths, "-q", is_terminal=True).err == ""


# list and get


def test_list_has_the_newest_first(cli: CommandLine, ids: list[str]) -> None:
    rows = [line.split("\t") for line in cli.call("files", "list", "--limit", "2").lines]
    assert [row[:4] for row in rows] == [
        [ids[1], "notes.txt", "10", "text/plain"],
        [ids[0], "cat.png", "4", "image/png"],
    ]
    assert cli.call("files", "list", "-q", "--limit=1").lines == [ids[1]]
    assert [file["id"] for file in json.loads(cli.call("files", "list", "--json", "--limit=2").out)] == [ids[1], ids[0]]
    assert json.loads(cli.call("files", "list", "--jsonl", "--limit=1").out)["id"] == ids[1]


def test_get_shows_the_metadata(cli: CommandLine, ids: list[str]) -> None:
    shown = dict(line.split("\t") for line in cli.call("files", "get", ids[1]).lines)
    assert (shown["id"], shown["name"], shown["size"]) == (ids[1], "notes.txt", "10")
    assert shown["checksums.sha256"] == hashlib.sha256(b"some notes").hexdigest()
    assert shown["urls.get"].endswith(f"/files/{ids[1]}")
    assert json.loads(cli.call("files", "get", ids[1], "--json").out)["name"] == "notes.txt"
    assert cli.call("files", "get", *ids, "-q").lines == ids


# download


def test_download_saves_the_content(cli: CommandLine, api: Emulator, ids: list[str], tmp_path: Path) -> None:
    url, folder = api.download_url(ids[1]), tmp_path / "new"
    assert cli.call("files", "download", url, "-o", f"{folder}/") == (0, f"{folder / 'notes.txt'}\n", "")
    assert cli.call("files", "download", url, "-o", f"{folder}/", "-q").lines == [str(folder / "notes-2.txt")]
    saved = json.loads(cli.call("files", "download", url, "-o", folder / "other", "--json").out)
    assert saved == {"id": ids[1], "saved": [str(folder / "other")]}
    assert folder_contents(folder) == dict.fromkeys(("notes.txt", "notes-2.txt", "other"), b"some notes")


@pytest.mark.parametrize("arguments", [[], ["-o", "-"]])
def test_download_writes_to_stdout_unless_that_is_a_terminal(
    cli: CommandLine, api: Emulator, ids: list[str], arguments: list[str]
) -> None:
    url = api.download_url(ids[0])
    assert cli.call_bytes("files", "download", url, *arguments) == b"\x89PNG"
    result = cli.call("files", "download", url, *arguments, is_terminal=True)
    assert (result.code, result.out) == (2, "")
    assert "not written to a terminal: write -o FILE or -o FOLDER/" in result.err


def test_a_name_cannot_lead_out_of_the_folder(cli: CommandLine, api: Emulator, tmp_path: Path) -> None:
    id = cli.call("files", "put", "-", "--name", "../../evil.sh", "-q", stdin=b"x").out.strip()
    folder = tmp_path / "a/b/c"
    [path] = cli.call("files", "download", api.download_url(id), "-o", f"{folder}/").lines
    assert Path(path).parent == folder
    assert [file.parent for file in tmp_path.rglob("*") if file.is_file()] == [folder]


@pytest.mark.parametrize("form", ["{id}", "{url}", "{url}?owner=acme&expiry=soon&signature=a"])
def test_download_needs_a_signed_url(cli: CommandLine, api: Emulator, form: str) -> None:
    code, _, err = cli.call("files", "download", form.format(id="abc", url=f"{api.url}/files/abc/download"))
    assert (code, err.count("\n")) == (2, 1)
    assert "is not a signed URL: write https://" in err


def test_a_signature_that_does_not_fit_exits_with_3(cli: CommandLine, api: Emulator, ids: list[str]) -> None:
    url = api.download_url(ids[0]).replace(ids[0], ids[1])
    assert cli.call("files", "download", url).code == 3
    assert cli.call("files", "download", api.download_url(ids[0], seconds=-1)).code == 3


# delete


def test_delete_prints_the_ids(cli: CommandLine, paths: list[Path]) -> None:
    ids = cli.call("files", "put", *paths, paths[0], "-q").lines
    assert cli.call("files", "delete", ids[0], ids[1]) == (0, f"{ids[0]}\n{ids[1]}\n", "")
    assert json.loads(cli.call("files", "delete", ids[2], "--json").out) == {"id": ids[2], "deleted": True}
    assert not {*ids} & {*cli.call("files", "list", "-q").lines}


def test_delete_goes_on_after_an_unknown_id(cli: CommandLine, ids: list[str]) -> None:
    code, out, err = cli.call("files", "delete", "none", ids[0])
    assert (code, out, err) == (3, f"{ids[0]}\n", "replicate-ext: DELETE /files/none: 404: File not found\n")


def test_delete_asks_on_a_terminal(cli: CommandLine, ids: list[str]) -> None:
    code, out, err = cli.call("files", "delete", *ids, stdin=b"n\n", is_terminal=True)
    assert (code, out) == (1, "")
    assert "Delete 2 files? [y/N]: " in err
    assert err.endswith("nothing was deleted\n")
    assert cli.call("files", "get", *ids).code == 0
    assert cli.call("files", "delete", ids[0], stdin=b"y\n", is_terminal=True).code == 0
    result = cli.call("files", "delete", ids[1], "--yes", is_terminal=True)
    assert (result.code, result.err) == (0, "")
    assert cli.call("files", "get", *ids).out == ""


@pytest.mark.parametrize("command", ["get", "delete"])
def test_an_unknown_id_exits_with_3(cli: CommandLine, command: str) -> None:
    code, out, err = cli.call("files", command, "none")
    assert (code, out, err.count("\n")) == (3, "", 1)
