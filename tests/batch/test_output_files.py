"""Which files of an output are saved, and under which names."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest

from batch_runs import Downloads, count_pictures, file_url, rows, run
from fake_platform import FILES_URL, MODEL, SCHEMA, FakePlatform, Plan, platform_fixture

platform = platform_fixture()


def with_output(monkeypatch: pytest.MonkeyPatch, platform: FakePlatform, output: Any, schema: Any = None) -> None:
    platform.plan = lambda input: Plan(output=output)
    if schema is not None:
        monkeypatch.setitem(SCHEMA["components"]["schemas"], "Output", schema)


PNG = base64.b64encode(b"picture").decode()

OUTPUTS: dict[str, tuple[Any, list[str]]] = {
    "one": (f"{FILES_URL}a/out.webp", ["000000-0.webp"]),
    "list": ([f"{FILES_URL}a/x.png", f"{FILES_URL}a/y.jpg"], ["000000-0.png", "000000-1.jpg"]),
    "one in a list": ([f"{FILES_URL}a/x.png"], ["000000-0.png"]),
    "dict": (
        {"image": [f"{FILES_URL}a", f"{FILES_URL}b"], "mask": f"{FILES_URL}c.png", "score": 0.5},
        ["000000-image-0", "000000-image-1", "000000-mask.png"],
    ),
    "odd names": (
        {"a/b": f"{FILES_URL}1.png", "a_b": f"{FILES_URL}2.png", "../x": f"{FILES_URL}3.png"},
        ["000000-_x.png", "000000-a_b-2.png", "000000-a_b.png"],
    ),
    "long names": ({"k" * 300: f"{FILES_URL}1.{'s' * 300}"}, [f"000000-{'k' * 100}"]),
    "data URI": (f"data:image/png;base64,{PNG}", ["000000-0.png"]),
    "no file": ({"text": "https:// is no URL", "n": 1}, []),
}


@pytest.mark.parametrize("output", OUTPUTS)
def test_names_of_files(platform: FakePlatform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, output: str) -> None:
    with_output(monkeypatch, platform, OUTPUTS[output][0])
    [item], stopped = run(platform.client().map(MODEL, rows(1), tmp_path))
    assert (item.error, stopped) == (None, None)
    names = sorted(path.name for path in (tmp_path / "outputs/000").glob("*")) if item.paths else []
    assert names == sorted(OUTPUTS[output][1])
    assert sorted(item.paths) == [tmp_path / "outputs/000" / name for name in names]


def test_data_uris_become_files_and_the_journal_keeps_their_paths(
    platform: FakePlatform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    uri = f"data:image/png;base64,{PNG}"
    with_output(monkeypatch, platform, {"image": uri, "copies": [uri], "caption": "a picture"})
    [item], _ = run(platform.client().map(MODEL, rows(1), tmp_path))
    assert {path.read_bytes() for path in item.paths} == {b"picture"}
    assert item.output["caption"] == "a picture"
    for path in (item.output["image"], *item.output["copies"]):
        assert (tmp_path / path).read_bytes() == b"picture"
    for file in tmp_path.glob("journal.db*"):
        assert PNG.encode() not in file.read_bytes()


def test_urls_in_text_are_not_downloaded(
    platform: FakePlatform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    uri = {"type": "string", "format": "uri"}
    schema = {"type": "object", "properties": {"text": {"type": "string"}, "image": uri}}
    output = {"text": f"{FILES_URL}text", "image": f"{FILES_URL}image.png"}
    with_output(monkeypatch, platform, output, schema)
    [item], _ = run(platform.client().map(MODEL, rows(1), tmp_path))
    assert [path.name for path in item.paths] == ["000000-image.png"]
    assert item.output == output


def test_with_save_false_nothing_is_downloaded(platform: FakePlatform, tmp_path: Path) -> None:
    platform.plan = lambda input: Plan(output=file_url(platform))
    downloads = Downloads(platform, 0.0)
    items, _ = run(downloads.client().map(MODEL, rows(3), tmp_path, save=False))
    assert [item.paths for item in items] == [[]] * 3
    assert all(item.output.startswith(FILES_URL) for item in items)
    assert downloads.urls == []
    assert not (tmp_path / "outputs").exists()


def test_duplicates_share_files(platform: FakePlatform, tmp_path: Path) -> None:
    platform.plan = lambda input: Plan(output=file_url(platform))
    items, _ = run(platform.client().map(MODEL, [*rows(2), *rows(2)], tmp_path, dedupe=True))
    by_index = {item.index: item.paths for item in items}
    assert (by_index[0], by_index[1]) == (by_index[2], by_index[3])
    assert count_pictures(tmp_path) == 2
