# Thin: each target says what it does in one line; the work lives in the project's own commands.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# of the memory tests: make test BIG_BLOB_GIB=5 takes a minute more, and 5 GiB of disk
BIG_BLOB_GIB ?= 1
LOCK_ARGS := --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header --quiet

.PHONY: lab test check format lock clean

lab: $(VENV)/.lab  ## bring the exercises up and open JupyterLab (HEADLESS=1: all but the browser)
	$(BIN)/labstack start $(if $(HEADLESS),--headless)

test: $(VENV)/.dev  ## everything this machine can run; names what it could not
	LAB_BIG_BLOB_GIB=$(BIG_BLOB_GIB) $(BIN)/python -m pytest -n 2 $(PYTEST_ARGS)

check: $(VENV)/.dev  ## everything, nothing skipped; installs the real clients
	$(BIN)/python tests/clients/install.py
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	LAB_NOTHING_SKIPPED=1 $(BIN)/python -m pytest -n 2 $(PYTEST_ARGS)

format: $(VENV)/.dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.lab: requirements/lab.lock pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/lab.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	touch $@

$(VENV)/.dev: requirements/dev.lock $(VENV)/.lab
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.lock
	touch $@

lock:  ## renew the locks (needs uv); hashes only, so that any package index serves
	uv pip compile $(LOCK_ARGS) --extra acme pyproject.toml requirements/build.in -o requirements/lab.lock
	uv pip compile $(LOCK_ARGS) --extra acme --extra dev pyproject.toml requirements/build.in -c requirements/lab.lock -o requirements/dev.lock
	uv pip compile $(LOCK_ARGS) requirements/registry.in -c requirements/lab.lock -o requirements/registry.lock

clean:
	rm -rf $(VENV)
