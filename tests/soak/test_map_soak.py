"""A batch whose process is killed is bought once; `make soak-map` plays larger ones.

The moments of the kills depend on the machine, the outcome does not.
"""

from __future__ import annotations

import sys

import pytest

if sys.platform == "win32":
    pytest.skip("Windows has neither SIGKILL nor SIGSTOP", allow_module_level=True)

from map_soak import Plan, play


def test_a_batch_whose_process_is_killed_is_bought_once() -> None:
    plan = Plan(inputs=500, kills=5, chaos=0.02, scale=100, settle=0.1, max_seconds=0.1, minutes=3, is_calm=True)
    soak = play(plan)
    assert soak.problems == []
    assert soak.figures["kills"] == 5
    assert soak.figures["lost creates"] > 0  # otherwise the kills have tested nothing
    assert [soak.figures[name] for name in ("twice", "never", "wrong files", "uncertain")] == [0, 0, 0, 0]
