"""The seconds of every purchase are known in the end, also of those whose process was killed before it knew them."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from fake_platform import MODEL, FakePlatform, platform_fixture
from replicate_ext import Batch

platform = platform_fixture()


@pytest.mark.parametrize("unmeasured", [[350], [10, 350], [10, 120, 121, 250, 251], [*range(0, 400, 20)]])
def test_purchases_that_a_killed_process_has_not_measured(
    platform: FakePlatform, tmp_path: Path, unmeasured: list[int]
) -> None:
    rows = [{"text": str(number)} for number in range(400)]
    client = platform.client()
    assert len(list(client.map(MODEL, rows, tmp_path))) == 400
    with closing(sqlite3.connect(tmp_path / "journal.db")) as db, db:
        marks = ", ".join(map(str, unmeasured))
        db.execute(f"update attempt set seconds = null where n in ({marks})")
        db.execute(f"update row set seconds = null where n in ({marks})")
    before = len(platform.requests)
    batch = Batch.open(tmp_path, client).resume()
    assert list(batch) == []
    assert batch.report().predict_seconds == pytest.approx(400)
    assert len(platform.requests) - before <= 3 + min(len(unmeasured), 8)
