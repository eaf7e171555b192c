# Written for GNU make 3.81 (macOS) and newer. Everything that is created here lies in .venv and build.

PYTHON ?= python3
VENV ?= .venv
# Processes for the tests.
WORKERS ?= 2
# Extra arguments for pytest, e.g. make test ARGS="tests/decoders -k csv"
ARGS ?=

BIN := $(VENV)/bin
LOCKED := $(VENV)/.locked
READY := $(VENV)/.ready
BENCH_READY := $(VENV)/.ready-bench
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
# uv writes the locks, and only them.
COMPILE := uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --no-annotate --no-header --upgrade

.PHONY: help run test lint format bench lock schemas docs clean

help:
	@echo 'make run      make a sample with planted tokens, scan it, write build/report.html'
	@echo 'make test     all tests, in random order'
	@echo 'make lint     ruff, mypy --strict, import contracts'
	@echo 'make format   let ruff put the code in order'
	@echo 'make bench    against other scanners on the same files (BENCH_MB=100 for a quick look)'
	@echo 'make schemas  schemas/ from the types'
	@echo 'make docs     docs/reference/ from the program'
	@echo 'make lock     requirements/ from pyproject.toml; needs uv'
	@echo 'make clean    remove .venv and build'

# A scan that finds something ends with 1: here that is what it is for. The key of this trial lies in build too.
run: $(READY)
	@mkdir -p build
	$(BIN)/auditor sample build/sample --force
	XDG_CONFIG_HOME='$(CURDIR)/build/config' $(BIN)/auditor scan build/sample --ddl build/sample/exports/schema.sql \
		--report html=build/report.html --report text=build/report.txt || test $$? -eq 1
	@tail -n 1 build/report.txt
	@echo 'The report to open in a browser: build/report.html'

test: $(READY)
	$(BIN)/python -m pytest -n $(WORKERS) $(ARGS)

lint: $(READY)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(READY)
	$(BIN)/ruff check --fix-only
	$(BIN)/ruff format

bench: $(BENCH_READY)
	$(BIN)/python -m benchmarks.run

schemas: $(READY)
	$(BIN)/python -m tools.schemas

docs: $(READY)
	$(BIN)/python -m tools.reference

lock:
	$(COMPILE) --extra bucket --extra watch --extra test --extra lint --group build --output-file requirements/lock.txt pyproject.toml
	$(COMPILE) --group bench --output-file requirements/bench.txt

clean:
	rm -rf $(VENV) build

$(LOCKED): requirements/lock.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo 'auditor needs Python 3.11 or newer; $(PYTHON) is' "`$(PYTHON) --version 2>&1`."; \
		echo 'Name another: make PYTHON=python3.13'; exit 1; }
	$(PYTHON) -m venv --clear $(VENV)
	$(PIP) install --require-hashes --requirement requirements/lock.txt
	@touch $@

$(READY): $(LOCKED) pyproject.toml
	$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

$(BENCH_READY): requirements/bench.txt $(READY)
	$(PIP) install --require-hashes --requirement requirements/bench.txt
	@touch $@
