"""A file that the rows of a batch share is uploaded once, since the first row runs alone."""

from pathlib import Path

from batch_runs import run
from fake_platform import MODEL, FakePlatform, platform_fixture

platform = platform_fixture()


def test_file_that_all_rows_share_is_uploaded_once(platform: FakePlatform, tmp_path: Path) -> None:
    shared = tmp_path / "shared.bin"
    shared.write_bytes(b"x" * 300_000)
    rows = [{"text": str(n), "image": shared} for n in range(5)]
    items, stopped = run(platform.client().map(MODEL, rows, tmp_path / "batch", check=False))
    assert stopped is None
    assert [item.status for item in items] == ["succeeded"] * 5
    assert len(platform.files) == 1
