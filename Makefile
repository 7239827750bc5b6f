# Everything a person or CI runs. `make help` lists it.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.DEFAULT_GOAL := help
.PHONY: help setup demo test check generate update-spec rehearse record interop conformance bench clean

help:  ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(STAMP)  ## Make .venv with everything for development, from pinned versions

$(STAMP): requirements-dev.txt pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit("replicate-ext needs Python 3.11 or newer: make PYTHON=python3.12") if sys.version_info < (3, 11) else 0'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --requirement requirements-dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $(STAMP)

demo: setup  ## Run the tour on the local emulator: no token, no internet
	$(BIN)/python examples/tour.py --emulator

test: setup  ## Run all tests, on all cores
	$(BIN)/python -m pytest --numprocesses auto

check: setup  ## Formatting, lint, types, and whether the generated code is what `make generate` writes
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy generated/replicate_api
	$(BIN)/mypy replicate_ext scripts examples tests/typing
	$(BIN)/basedpyright
	$(BIN)/python scripts/generate.py --check
	$(BIN)/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml

generate: setup  ## Regenerate generated/replicate_api from openapi.json
	$(BIN)/python scripts/generate.py

update-spec: setup  ## Take over a new document (SPEC_URL, else Replicate's): download, regenerate, check, say what changed
	$(BIN)/python scripts/update_spec.py --format $(or $(FORMAT),text)

rehearse: setup  ## Take over one document after another, in a copy of the tree: make rehearse DOCUMENTS="..."
	$(BIN)/python scripts/rehearse.py $(DOCUMENTS)

record: setup  ## Record tests/recordings anew: against Replicate with REPLICATE_API_TOKEN set, else against the emulator
	$(BIN)/python -m pytest tests/test_recorded_sessions.py --record

interop: setup  ## Run Replicate's own clients on the emulator, and print what works
	$(BIN)/python scripts/interop.py

conformance: setup  ## Look for answers of the emulator that openapi.json does not allow
	$(BIN)/python scripts/conformance.py

bench: setup  ## Measure ours beside its peers, and write docs/performance.md: make bench BENCH="--works get,aget --rounds 3"
	$(BIN)/python scripts/bench.py $(BENCH)

clean:  ## Remove .venv and caches
	rm -rf $(VENV) .bench .mypy_cache .ruff_cache .pytest_cache dist
