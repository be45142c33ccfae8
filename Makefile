# The verbs: install, demo, run, check, test, bench. Each sets up what it needs.
PYTHON ?= python3
BIN := .venv/bin
SECONDS_ARG := $(if $(SECONDS),--seconds $(SECONDS))

.PHONY: install demo run check test bench format clean

install: .venv/installed

.venv/installed: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Cordboard needs Python 3.11 or later; PYTHON=... names another one")'
	@test -x $(BIN)/pip || $(PYTHON) -m venv --clear .venv
	@echo "installing into .venv (once; about a minute)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	@touch $@

demo: install
	@$(BIN)/cordboard demo $(SECONDS_ARG)

CONFIG ?= config/demo
run: install
	@$(BIN)/cordboard run --config $(CONFIG)

check: install
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: install
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

test: install
	$(BIN)/python -m pytest $(TESTS)

bench: install
	$(BIN)/python -m tools.bench media --legs 500 --seconds 5 --json
	$(BIN)/python -m tools.bench.sip_stack --json
	$(BIN)/python -m tools.bench store --json
	$(BIN)/python -m tools.bench api --json
	$(BIN)/python -m tools.bench restart --json

clean:
	rm -rf .venv build *.egg-info
