# The commands for development and CI; `make help` lists them.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
# Tests wait for processes a third of the time.
WORKERS ?= $(shell echo $$(($$(getconf _NPROCESSORS_ONLN) * 3 / 2)))
unexport PYTHONDONTWRITEBYTECODE # each of a thousand processes would compile this package again

.DEFAULT_GOAL := help
.PHONY: help setup demo test soak soak-map check generate update-spec rehearse record interop conformance bench docs docs-serve screenshots clean

help:  ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(STAMP)  ## Create .venv with the pinned development dependencies

$(STAMP): requirements-dev.txt pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit("replicate-ext needs Python 3.11 or newer: make PYTHON=python3.12") if sys.version_info < (3, 11) else 0'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --requirement requirements-dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $(STAMP)

demo: setup  ## Run the tour on the local emulator: no token, no internet
	$(BIN)/python examples/tour.py --emulator

test: setup  ## Run all tests on all cores
	$(BIN)/python -m pytest --numprocesses $(WORKERS) --dist worksteal

soak: setup  ## Play random faults on all backends for up to 10 minutes: make soak SOAK="--seeds 1000"
	$(BIN)/python tests/soak/soak.py $(SOAK)

soak-map: setup  ## Kill a batch again and again, and judge what was bought: make soak-map SOAK="--inputs 1000"
	$(BIN)/python tests/soak/map_soak.py $(SOAK)

check: setup  ## Check formatting, lint, types and that the generated code is up to date
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy generated/replicate_api
	$(BIN)/mypy replicate_ext scripts examples tests/typing
	$(BIN)/basedpyright
	$(BIN)/python scripts/check_snippets.py
	$(BIN)/python scripts/check_docstrings.py
	$(BIN)/python -m pytest --quiet tests/models/check_typed_functions.py
	$(BIN)/python scripts/generate.py --check
	$(BIN)/python scripts/command_line_docs.py --check
	PYTHONPATH=scripts $(BIN)/python -m docs_site
	$(BIN)/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml

generate: setup  ## Regenerate the code from openapi.json, and docs/reference/command-line.md from the commands
	$(BIN)/python scripts/generate.py
	$(BIN)/python scripts/command_line_docs.py

docs: setup  ## Build the documentation site into site/, and check its links
	PYTHONPATH=scripts $(BIN)/python -m docs_site

docs-serve: setup  ## Show the documentation site on http://localhost:8000, and build it again after each change
	$(BIN)/zensical serve

screenshots: setup  ## Take the pictures in docs/images again: the dashboard, a notebook and a terminal, in Chromium
	PYTHONPATH=scripts $(BIN)/python -m screenshots

update-spec: setup  ## Update to a new OpenAPI document (SPEC_URL, default: Replicate's) and report the changes
	$(BIN)/python scripts/update_spec.py --format $(or $(FORMAT),text)

rehearse: setup  ## Try updates in a copy of the repository: make rehearse DOCUMENTS="old.yaml new.yaml"
	$(BIN)/python scripts/dry_run.py $(DOCUMENTS)

record: setup  ## Record tests/recordings again: from Replicate if REPLICATE_API_TOKEN is set, else from the emulator
	$(BIN)/python -m pytest tests/test_recorded_sessions.py --record

interop: setup  ## Run Replicate's official clients against the emulator and print which features work
	PYTHONPATH=scripts $(BIN)/python -m interop

conformance: setup  ## Search for responses of the emulator that openapi.json does not allow
	$(BIN)/python scripts/conformance.py

bench: setup  ## Benchmark this client and its peers, write docs/performance.md: make bench BENCH="--works get,aget"
	PYTHONPATH=scripts $(BIN)/python -m bench $(BENCH)

clean:  ## Remove .venv and caches
	rm -rf $(VENV) site .bench .mypy_cache .ruff_cache .pytest_cache dist
