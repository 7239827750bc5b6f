"""The report agrees with an independent comparison about every change and whom it breaks."""

from __future__ import annotations

import copy
import random
from itertools import permutations

import pytest

from codegen import changes, contract
from conftest import shared
from independent_differ import Found, compare
from operation_mutations import SPELLINGS, mutate
from resolved_documents import read
from schema_mutations import Document, Mutation, base_document

BASE = base_document()
BASE_CONTRACT = read(BASE)


def find_changes(old: Document, new: Document) -> set[Found]:
    """Return the changes that the report states, at each place of each operation."""
    report = changes.classify_changes(old, new)
    lines = [change.text for change in report]
    assert sorted({*lines}) == sorted(lines), "a line appears twice"
    assert [change for change in report if bool(change.upgrade) != (change.effect != changes.SAFE)] == []
    return {
        Found(
            place["operation"],
            place["part"],
            place["name"].lower() if place["part"] == "header" else place["name"],
            change.kind,
            change.effect != changes.SAFE,
        )
        for change in report
        for place in change.places
    }


@pytest.mark.parametrize("seeds", [range(first, first + 25) for first in range(0, 200, 25)], ids=str)
def test_random_changes(seeds: range) -> None:
    for seed in seeds:
        new = copy.deepcopy(BASE)
        mutations = mutate(new, seed)
        expected = compare(BASE_CONTRACT, read(new))
        assert find_changes(BASE, new) == expected, (seed, mutations)


@pytest.mark.parametrize("mutation", dict.fromkeys(SPELLINGS), ids=lambda mutation: mutation.__name__)
def test_what_is_only_written_differently_is_no_change(mutation: Mutation) -> None:
    for seed in range(3):
        new = copy.deepcopy(BASE)
        mutation(new, random.Random(seed))
        assert find_changes(BASE, new) == set()
        assert compare(BASE_CONTRACT, read(new)) == set()


def test_the_history_of_replicates_document() -> None:
    files = [*shared("upstream").glob("history/*"), *shared("upstream").glob("*.json")]
    documents = [(document, read(document)) for document in map(contract.load, sorted(files))]
    for (old, old_contract), (new, new_contract) in permutations(documents, 2):
        assert find_changes(old, new) == compare(old_contract, new_contract)
