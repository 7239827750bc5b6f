"""Run the examples in the docstrings of the public API, each on an emulator of its own."""

from __future__ import annotations

from operator import attrgetter

import pytest

from docs_site.docstring_examples import DocstringExamples, find_examples
from example_runner import api as api, run_docstring, stopping_emulators as stopping_emulators
from replicate_ext.emulator import Emulator

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")  # examples need not close what they open


@pytest.mark.parametrize("examples", find_examples(), ids=attrgetter("name"))
def test_the_examples_of_a_docstring_run(api: Emulator, examples: DocstringExamples) -> None:
    run_docstring(examples.test, api)
