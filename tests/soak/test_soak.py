"""Random faults and random callers, over real sockets: `make soak` plays more of these sequences.

A failing sequence can be played alone: `pytest tests/soak -k "async-aiohttp and seed17"`.
"""

from collections.abc import Iterator

import pytest

from soak_run import CLIENT_KINDS, play
from soak_wire import ServerThread

# Some of the programs end without closing their client, as real ones do.
pytestmark = pytest.mark.filterwarnings(
    "ignore:unclosed", "ignore:Exception ignored in:pytest.PytestUnraisableExceptionWarning"
)

SEEDS = range(100)


@pytest.fixture(scope="module")
def server_thread() -> Iterator[ServerThread]:
    server = ServerThread()
    yield server
    server.close()


@pytest.mark.parametrize("seed", SEEDS, ids="seed{}".format)
@pytest.mark.parametrize("kind", CLIENT_KINDS)
def test_sequence_of_faults_agrees_with_the_model(server_thread: ServerThread, kind: str, seed: int) -> None:
    report = play(seed, kind, server_thread)
    assert not report.problems, "\n".join([f"seed {seed} on {kind}:", *report.problems, *report.requests])
