"""Compares a batch with the predictions of the server and the files on the disk; trusts nothing of the client."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections import Counter
from collections.abc import Collection, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx

from map_inputs import canonical, expected_files, fails

DONE, FAILED, UNCERTAIN = 5, 6, 7
"""States of a finished row in the journal."""

Figures = Counter[str]


def list_predictions(url: str, token: str) -> list[dict[str, Any]]:
    """Return all predictions of the server."""
    predictions: list[dict[str, Any]] = []
    with httpx.Client(headers={"authorization": f"Bearer {token}"}, timeout=30) as http:
        page: str | None = f"{url}/predictions"
        while page is not None:
            response = http.get(page).raise_for_status().json()
            predictions += response["results"]
            page = response["next"]
    return predictions


class Judge:
    """What is wrong with a batch that has ended, and its figures.

    Args:
        rows: The inputs that were given.
        predictions: All predictions of the server.
        folder: The folder of the batch.
        foreign: Ids of predictions that are not of the batch.
    """

    def __init__(
        self,
        rows: list[dict[str, Any]],
        predictions: list[dict[str, Any]],
        folder: Path,
        foreign: Collection[str] = (),
    ) -> None:
        self._rows, self._folder = rows, folder
        self._predictions = [prediction for prediction in predictions if prediction["id"] not in foreign]
        self._foreign = [prediction for prediction in predictions if prediction["id"] in foreign]
        with closing(sqlite3.connect(folder / "journal.db")) as db:
            db.row_factory = sqlite3.Row
            [[self._integrity]] = db.execute("pragma integrity_check").fetchall()
            self._journal = {row["n"]: row for row in db.execute("select * from row")}
            self._attempts = db.execute("select * from attempt").fetchall()
        self.figures: Figures = Counter(
            inputs=len(rows), predictions=len(self._predictions), foreign=len(self._foreign)
        )
        self.problems = [
            *self._purchases(),
            *self._statuses(),
            *self._files(),
            *self._entries(),
        ]

    def _purchases(self) -> Iterator[str]:
        """Yield the inputs that were not bought exactly once for each of their rows.

        Equal inputs are compared as multisets. A purchase that ended for a passing reason may be repeated.
        """
        wanted = Counter(map(canonical, self._rows))
        bought = Counter(canonical(prediction["input"]) for prediction in self._predictions)
        retried, undecided = Counter[str](), Counter[str]()
        for attempt in self._attempts:
            retried[canonical(self._rows[attempt["n"]])] += attempt["status"] in ("aborted", "canceled")
        for n, row in self._journal.items():
            undecided[canonical(self._rows[n])] += row["state"] == UNCERTAIN
        for input in wanted | bought:
            most = wanted[input] + retried[input]
            least = wanted[input] - undecided[input]
            self.figures["twice"] += max(0, bought[input] - most)
            self.figures["never"] += max(0, least - bought[input])
            self.figures["uncertain, not bought"] += max(0, min(undecided[input], wanted[input] - bought[input]))
            if not least <= bought[input] <= most:
                yield f"bought {bought[input]} times for {wanted[input]} rows: {input:.80}"
        self.figures["retried"] += retried.total()
        self.figures["uncertain"] += undecided.total()

    def _statuses(self) -> Iterator[str]:
        """Yield the predictions that ended otherwise than their input must: one was canceled, for example."""
        for prediction in self._predictions + self._foreign:
            expected = "failed" if fails(prediction["input"]) else "succeeded"
            self.figures[prediction["status"]] += 1
            if prediction["status"] != expected:
                self.figures["wrong status"] += 1
                yield f"{prediction['id']} is {prediction['status']}, not {expected}"

    def _files(self) -> Iterator[str]:
        """Yield the files that are missing, wrong, or too many."""
        expected: dict[str, str] = {}
        for n, input in enumerate(self._rows):
            if self._state(n) != UNCERTAIN:
                for place, content in enumerate(expected_files(input)):
                    expected[f"{n:06}-{place}.webp"] = hashlib.sha256(content).hexdigest()
        found = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in self._output_paths()}
        self.figures["files"] += len(found)
        for name in sorted(expected.keys() | found.keys()):
            if expected.get(name) != found.get(name):
                self.figures["wrong files"] += 1
                kind = "missing" if name not in found else "unexpected" if name not in expected else "wrong"
                yield f"outputs/{name} is {kind}"

    def _entries(self) -> Iterator[str]:
        """Yield the rows whose entry in the journal does not fit the predictions of the server."""
        if self._integrity != "ok" or list(self._journal) != list(range(len(self._rows))):
            yield f"the journal is damaged: {self._integrity}, {len(self._journal)} rows"
        inputs = {prediction["id"]: prediction["input"] for prediction in self._predictions}
        owners = Counter(row["prediction_id"] for row in self._journal.values() if row["prediction_id"])
        for n, row in self._journal.items():
            expected = FAILED if fails(self._rows[n]) else DONE
            if row["state"] == UNCERTAIN:
                continue
            id = row["prediction_id"]
            is_right = id in inputs and canonical(inputs[id]) == canonical(self._rows[n]) and owners[id] == 1
            if not is_right or row["state"] != expected:
                self.figures["wrong entries"] += 1
                yield f"row {n} has state {row['state']} and prediction {id}: {row['error']}"
        known = {attempt["prediction_id"] for attempt in self._attempts} - {None}
        if differences := inputs.keys() ^ known:
            self.figures["wrong entries"] += len(differences)
            yield f"{len(differences)} predictions are not in the journal, or not on the server: {min(differences)}"

    def _output_paths(self) -> list[Path]:
        return [path for path in (self._folder / "outputs").rglob("*") if path.is_file()]

    def _state(self, n: int) -> int | None:
        return self._journal[n]["state"] if n in self._journal else None

    def check_report(self, report: dict[str, Any]) -> None:
        """Compare the report of the batch with the predictions of the server and the files on the disk."""
        states = Counter(row["state"] for row in self._journal.values())
        creates = len(self._predictions) + self.figures["uncertain, not bought"]
        seconds = sum(prediction["metrics"]["predict_time"] for prediction in self._predictions)
        expected = {
            "rows": len(self._rows),
            "done": states[DONE],
            "failed": states[FAILED],
            "uncertain": states[UNCERTAIN],
            "unfinished": {},
            "creates": creates,
            "ended": dict(Counter(prediction["status"] for prediction in self._predictions)),
            "in_flight": 0,
            "uncertain_creates": states[UNCERTAIN],
            "retries": creates - len(self._rows),
            "files": self.figures["files"],
            "bytes": sum(path.stat().st_size for path in self._output_paths()),
        }
        for name, value in expected.items():
            if report.get(name) != value:
                self.problems.append(f"the report has {name}={report.get(name)}, but it is {value}")
        if abs(report["predict_seconds"] - seconds) > 0.001 * len(self._rows):
            self.problems.append(f"the report has predict_seconds={report['predict_seconds']}, but it is {seconds}")

    def check_markers(self, folder: Path) -> None:
        """Check what `then` has written for each row that has succeeded, and that the journal has what it returned."""
        for n, input in enumerate(self._rows):
            digest = hashlib.sha256(b"".join(expected_files(input))).hexdigest()
            marker = folder / str(n)
            found = marker.read_text() if marker.exists() else None
            result = self._journal[n]["result"] if n in self._journal else None
            is_right = (found, result) == ((None, None) if fails(input) else (digest, json.dumps(digest)))
            self.figures["acknowledged"] += result is not None
            if not is_right:
                self.problems.append(f"row {n} has the marker {found} and the result {result}")

    def adopted(self, lost: set[int]) -> int:
        """Return how many purchases of which a killed worker knew no response were found."""
        return sum(attempt["id"] in lost and attempt["prediction_id"] is not None for attempt in self._attempts)
