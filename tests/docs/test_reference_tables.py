"""The tables that the reference of batches and of the emulator has beside the docstrings."""

from __future__ import annotations

import argparse
import re
from dataclasses import fields
from pathlib import Path

from replicate_ext import Item, Report
from replicate_ext._batch.export import COLUMNS
from replicate_ext._batch.journal import State
from replicate_ext.emulator.__main__ import create_parser

REFERENCE = Path(__file__).parents[2] / "docs/reference"


def tables(page: str) -> list[list[list[str]]]:
    """Return the cells of the tables of a page, without their heads."""
    text = (REFERENCE / page).read_text(encoding="utf-8")
    found = re.findall(r"^\|[-|]+\|\n((?:\|.*\|\n)+)", text, re.MULTILINE)
    return [[[cell.strip() for cell in line.split(" | ")] for line in table.splitlines()] for table in found]


def first_column(table: list[list[str]]) -> list[str]:
    return [row[0].removeprefix("| ").strip("`") for row in table]


def test_the_columns_of_an_export_are_documented() -> None:
    states, columns = map(first_column, tables("batches.md"))
    assert columns == list(COLUMNS)
    assert states == [state.name.lower() for state in State if state < State.DONE]


def test_the_fields_of_items_and_reports_are_documented_in_order() -> None:
    for cls in (Item, Report):
        documented = re.findall(r"^        (\w+): ", str(cls.__doc__), re.MULTILINE)
        assert documented == [field.name for field in fields(cls)]


def test_the_options_of_the_command_are_documented_with_their_defaults() -> None:
    options, _ = tables("emulator.md")
    documented = {name: row[1] for name, row in zip(first_column(options), options, strict=True)}
    assert documented == {
        describe(action): "off" if action.default is False else str(action.default).lower()
        for action in create_parser()._actions
        if action.option_strings and action.dest != "help"
    }


def describe(action: argparse.Action) -> str:
    value = "" if action.nargs == 0 else f" {action.metavar or action.dest.upper()}"
    return f"{action.option_strings[0]}{value}"
